-- How many changed orders (counted to 10000) bi.changes_since() holds back until an open transaction ends, and the oldest
-- transaction that writes, as far as the owner of the tables may see it.
CREATE OR REPLACE FUNCTION bi.feed_lag(
    OUT held_back_orders bigint, OUT oldest_transaction_since timestamptz, OUT oldest_transaction_by text
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT (
        SELECT count(*) FROM (
            SELECT FROM public.orders WHERE changed_xid >= pg_snapshot_xmin(pg_current_snapshot()) LIMIT 10000
        ) AS held
    ), a.xact_start, a.application_name
    FROM (VALUES (1)) AS one
    LEFT JOIN LATERAL (
        SELECT xact_start, application_name FROM pg_stat_activity
        WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid() ORDER BY xact_start LIMIT 1
    ) AS a ON true
$$;
REVOKE ALL ON FUNCTION bi.feed_lag FROM PUBLIC;  -- as bi.changes_since
