-- Orders that changed after a cursor (NULL: all), oldest change first, at most max_rows. The caller stores the cursor of
-- the last row and passes it next time. Every changed order is listed at least once, whatever runs at the same time;
-- several changes of an order between two calls are one row. kind: new, changed, deleted. changed: columns of orders and
-- names of tables that differ. orders.changed_xid, which triggers keep, says when an order changed.
CREATE OR REPLACE FUNCTION bi.changes_since(since text DEFAULT NULL, max_rows integer DEFAULT 1000)
RETURNS TABLE (platform text, order_id text, account text, kind text, changed text[], cursor text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    feed_id uuid;
    parts text[] := ARRAY['', '0', '', ''];
    after_xid xid8;
BEGIN
    IF NOT sync.change_feed_is_settled() THEN
        RAISE EXCEPTION 'this database was restored or copied, and its change feed was not begun anew'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                HINT = 'run `orders-sync migrate`, then read from the beginning: a cursor of NULL';
    END IF;
    SELECT f.id INTO feed_id FROM sync.change_feed AS f;
    IF since IS NOT NULL THEN
        BEGIN
            SELECT array_agg(part ORDER BY number) INTO STRICT parts
            FROM json_array_elements_text(convert_from(decode(since, 'base64'), 'UTF8')::json)
                WITH ORDINALITY AS given (part, number);
            after_xid := parts[2]::xid8;
        EXCEPTION WHEN others THEN
            parts := NULL;
        END;
        IF parts IS NULL OR cardinality(parts) <> 4 OR array_position(parts, NULL) IS NOT NULL THEN
            RAISE EXCEPTION 'not a cursor of this change feed: %', left(since, 40)
                USING ERRCODE = 'invalid_parameter_value',
                    HINT = 'pass the last value of the column "cursor", or NULL to read from the beginning';
        END IF;
        IF parts[1] <> feed_id::text THEN
            RAISE EXCEPTION 'this cursor is of another change feed: the tables were restored, copied or emptied since'
                USING ERRCODE = 'object_not_in_prerequisite_state',
                    HINT = 'read from the beginning: a cursor of NULL';
        END IF;
    END IF;
    after_xid := parts[2]::xid8;
    RETURN QUERY
    WITH page AS MATERIALIZED (
        SELECT * FROM (
            -- the horizon, pg_snapshot_xmin: every transaction below it has ended, so no row can appear below it later
            -- and the cursor passes none. Rows at or above it wait for the next call, though they may be committed
            (SELECT o.changed_xid, o.platform, o.order_id, o.account, false AS is_deleted FROM public.orders AS o
             WHERE (o.changed_xid, o.platform, o.order_id) > (after_xid, parts[3], parts[4])
               AND o.changed_xid < pg_snapshot_xmin(pg_current_snapshot())
             ORDER BY o.changed_xid, o.platform, o.order_id LIMIT max_rows)
            UNION ALL
            (SELECT d.changed_xid, d.platform, d.order_id, d.account, true FROM sync.deleted_orders AS d
             WHERE (d.changed_xid, d.platform, d.order_id) > (after_xid, parts[3], parts[4])
               AND d.changed_xid < pg_snapshot_xmin(pg_current_snapshot())
               AND NOT EXISTS (
                   SELECT FROM public.orders AS o WHERE (o.platform, o.order_id) = (d.platform, d.order_id)
               )
             ORDER BY d.changed_xid, d.platform, d.order_id LIMIT max_rows)
        ) AS either ORDER BY changed_xid, platform, order_id LIMIT max_rows
    )
    SELECT p.platform, p.order_id, p.account,
        CASE WHEN p.is_deleted THEN 'deleted' WHEN h.is_new THEN 'new' ELSE 'changed' END,
        CASE WHEN p.is_deleted OR h.is_new THEN '{}' ELSE h.changed END,
        translate(encode(convert_to(
            json_build_array(feed_id, p.changed_xid::text, p.platform, p.order_id)::text, 'UTF8'
        ), 'base64'), E'\n', '')
    FROM page AS p
    CROSS JOIN LATERAL (
        SELECT coalesce(bool_or(r.changed IS NULL), false) AS is_new,
            coalesce(array_agg(DISTINCT name ORDER BY name) FILTER (WHERE name IS NOT NULL), '{}') AS changed
        FROM public.order_history AS r LEFT JOIN LATERAL unnest(r.changed) AS name ON true
        WHERE (r.platform, r.order_id) = (p.platform, p.order_id)
          AND (r.changed_xid, r.platform, r.order_id) > (after_xid, parts[3], parts[4])
    ) AS h
    ORDER BY p.changed_xid, p.platform, p.order_id;
END $$;
-- it acts by the rights of its owner, over all accounts: the roles that read all of them are granted it
REVOKE ALL ON FUNCTION bi.changes_since FROM PUBLIC;
