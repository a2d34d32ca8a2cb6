-- Must be empty: statuses that no platform documents. Their orders stand in every view, in the group `other`.
--
-- status        as the platform says it
-- orders        orders in it now
-- newest_order  when the newest of them was placed
CREATE OR REPLACE VIEW bi.check_unknown_statuses AS
SELECT o.platform, o.direction, o.status, count(*) AS orders, max(o.created_at) AS newest_order
FROM public.orders AS o
LEFT JOIN public.order_statuses AS s ON s.platform = o.platform AND s.status = o.status
WHERE s.status IS NULL AND o.status_group = 'other'  -- which orders have an index for
GROUP BY o.platform, o.direction, o.status;
