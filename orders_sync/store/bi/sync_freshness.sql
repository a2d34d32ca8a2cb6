-- One row per account: how current its orders are. Show it beside any number.
--
-- complete_until   every order that the account's list holds before it is in the tables, with proof; NULL while nothing is proven
-- lag              from complete_until to now
-- verdict          removed, suspended, reading history, failing, behind or fresh
-- open_rejects     records that could not be read and are in no view
-- outdated_orders  orders of which a newer version is known that could not be read
-- is_fresh         the verdict is fresh: complete up to an hour ago, at least
CREATE OR REPLACE VIEW bi.sync_freshness AS
SELECT
    a.platform,
    a.name AS account,
    (SELECT s.direction FROM public.order_statuses AS s WHERE s.platform = a.platform LIMIT 1) AS direction,
    a.watermark AS complete_until,
    now() - a.watermark AS lag,
    v.verdict,
    (SELECT count(*) FROM sync.rejects AS r WHERE r.account = a.name AND r.resolved_at IS NULL) AS open_rejects,
    (SELECT count(DISTINCT r.order_id) FROM sync.rejects AS r
        JOIN public.orders AS o ON o.platform = r.platform AND o.order_id = r.order_id
        WHERE r.account = a.name AND r.resolved_at IS NULL AND o.unread_version_since IS NOT NULL) AS outdated_orders,
    v.verdict = 'fresh' AS is_fresh
FROM sync.accounts AS a
CROSS JOIN LATERAL (SELECT CASE
    WHEN a.removed_at IS NOT NULL OR a.retired_at IS NOT NULL THEN 'removed'
    WHEN a.suspended_at IS NOT NULL THEN 'suspended'
    WHEN a.watermark IS NULL THEN 'reading history'
    WHEN a.watermark >= now() - interval '1 hour' THEN 'fresh'
    WHEN EXISTS (SELECT FROM sync.windows AS w WHERE w.account = a.name AND w.state = 'failed') THEN 'failing'
    ELSE 'behind'
END AS verdict) AS v;
