-- One row per stay of an order in a status, from its history: the time in each status.
--
-- status          as the platform says it
-- status_group    of that status: orders.status_group says what each word means
-- seen_from       when the status was first seen
-- seen_until      when another was seen; NULL while it lasts
-- time_in_status  between the two; up to now while it lasts, for ever in a final status. Shorter than it was where is_first_read. For an average: WHERE NOT is_first_read AND seen_until IS NOT NULL
-- is_first_read   the order was in it when it was first read: it began at seen_from or before
CREATE OR REPLACE VIEW bi.order_status_periods AS
SELECT
    p.platform || ':' || p.order_id AS order_key,
    p.platform,
    p.account,
    p.direction,
    p.order_id,
    p.status,
    p.status_group,
    p.seen_at AS seen_from,
    p.seen_until,
    coalesce(p.seen_until, now()) - p.seen_at AS time_in_status,
    p.is_first_read,
    p.ordered_at,
    bi.shop_day(p.ordered_at) AS ordered_day
FROM (
    -- partitions name all that a condition may be about, so that it is asked before the history is read
    SELECT c.account, c.direction, c.ordered_at, c.platform, c.order_id, c.status, c.status_group, c.seen_at,
        c.is_first_read, lead(c.seen_at) OVER w AS seen_until
    FROM (
        SELECT o.account, o.direction, o.created_at AS ordered_at, h.platform, h.order_id, h.status, h.status_group,
            h.seen_at, h.changed IS NULL AS is_first_read,
            lag(h.status) OVER w IS DISTINCT FROM h.status OR lag(h.status_group) OVER w IS DISTINCT FROM h.status_group
                AS is_change
        FROM public.order_history AS h
        JOIN public.orders AS o ON o.platform = h.platform AND o.order_id = h.order_id
        WINDOW w AS (PARTITION BY o.account, o.direction, o.created_at, h.platform, h.order_id ORDER BY h.seen_at)
    ) AS c
    WHERE c.is_change
    WINDOW w AS (PARTITION BY c.account, c.direction, c.ordered_at, c.platform, c.order_id ORDER BY c.seen_at)
) AS p;
