-- One row per account: what is open in its synchronisation.
--
-- planned_windows    ranges waiting to be read
-- running_windows    ranges being read
-- failed_windows     ranges that failed and are read again
-- open_rejects       records that could not be converted into orders
-- missing_orders     orders that complete reads of their time did not bring, three times in a row
-- last_error         the last error of its reads or its planning; NULL once a run met none and no failed window is left
-- suspended_at       when the platform refused its credentials; NULL while calls are made
-- last_audit_at      when the platform's counts were last compared to the end
-- last_audit_platform_orders  what the platform counted then
-- last_audit_table_orders     what the tables held then
-- open_differences   ranges in which that audit found another number, not repaired yet
CREATE OR REPLACE VIEW bi.sync_health AS
SELECT
    a.platform,
    a.name AS account,
    (SELECT s.direction FROM public.order_statuses AS s WHERE s.platform = a.platform LIMIT 1) AS direction,
    w.planned_windows,
    w.running_windows,
    w.failed_windows,
    (SELECT count(*) FROM sync.rejects AS r WHERE r.account = a.name AND r.resolved_at IS NULL) AS open_rejects,
    (SELECT count(*) FROM sync.missing_orders AS m
        JOIN public.orders AS o ON o.platform = m.platform AND o.order_id = m.order_id
        WHERE o.account = a.name) AS missing_orders,
    a.last_error,
    a.suspended_at,
    l.finished_at AS last_audit_at,
    l.platform_orders AS last_audit_platform_orders,
    l.table_orders AS last_audit_table_orders,
    (SELECT count(*) FROM sync.audit_differences AS d WHERE d.audit_id = l.id AND d.repaired_at IS NULL)
        AS open_differences
FROM sync.accounts AS a
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE w.state = 'planned') AS planned_windows,
        count(*) FILTER (WHERE w.state = 'running') AS running_windows,
        count(*) FILTER (WHERE w.state = 'failed') AS failed_windows
    FROM sync.windows AS w WHERE w.account = a.name AND w.state IN ('planned', 'running', 'failed')
) AS w
LEFT JOIN LATERAL (
    SELECT u.id, u.finished_at, u.platform_orders, u.table_orders FROM sync.audits AS u
    WHERE u.account = a.name AND u.finished_at IS NOT NULL ORDER BY u.started_at DESC LIMIT 1
) AS l ON true;
