-- One row per account: how current its orders are. Show it beside any number.
--
-- complete_until   every order that the account's list holds from complete_from up to it is in the tables, with proof; NULL while nothing is proven
-- lag              from complete_until to now: how far back the proof ends. With the verdict reading history or to be confirmed the newest orders may be there all the same, without proof yet
-- verdict          removed (or retired), misconfigured (a running process cannot read it for a mistake in its settings), paused (by a person), suspended (the platform refuses its credentials), fresh, failing (ranges fail and are tried again), reading history (the newest orders may be there already), to be confirmed (all is read up to now and nothing is missing as far as is known; ranges that were listed as empty count as proven after a second read), or behind
-- open_rejects     records that could not be converted into orders and are in no view
-- outdated_orders  orders of which a newer version is known that could not be converted
-- is_fresh         the verdict is fresh: complete up to an hour ago, at least
-- complete_from    orders from here on are complete: where the settings begin, or later where the platform lists nothing older. Older orders may be there, not all of them. NULL while nothing is proven. Otherwise the same as shops.history_from
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
    v.verdict = 'fresh' AS is_fresh,
    CASE WHEN a.watermark IS NOT NULL THEN coalesce(a.proven_from, a.history_from) END AS complete_from
FROM sync.accounts AS a
CROSS JOIN LATERAL (
    -- read: the newest hours, whether proven or not. A range with not_before was listed as empty and waits for its second read
    SELECT coalesce(bool_or(w.ends_at >= now() - interval '1 hour'
            AND (w.state IN ('done', 'split') OR w.not_before IS NOT NULL)), false) AS is_read,
        coalesce(bool_or(w.state IN ('planned', 'running', 'failed') AND w.not_before IS NULL
            AND w.starts_at < now() - interval '1 hour'), false) AS is_unread,
        coalesce(bool_or(w.state IN ('planned', 'running', 'failed') AND w.not_before IS NOT NULL), false)
            AS is_unconfirmed
    FROM sync.windows AS w
    WHERE w.account = a.name AND w.kind = 'incremental'
      AND (w.state IN ('planned', 'running', 'failed') OR w.ends_at >= now() - interval '1 hour')
) AS w
CROSS JOIN LATERAL (SELECT CASE
    WHEN a.removed_at IS NOT NULL OR a.retired_at IS NOT NULL THEN 'removed'
    WHEN EXISTS (  -- by a process that reported lately: see store/overview.py
        SELECT FROM sync.processes AS p WHERE p.misconfigured ? a.name AND p.seen_at > now() - interval '30 s'
    ) THEN 'misconfigured'
    WHEN a.paused_at IS NOT NULL AND (a.paused_until IS NULL OR a.paused_until > now()) THEN 'paused'
    WHEN a.suspended_at IS NOT NULL THEN 'suspended'
    WHEN a.watermark >= now() - interval '1 hour' THEN 'fresh'
    WHEN w.is_read AND w.is_unconfirmed AND NOT w.is_unread THEN 'to be confirmed'
    WHEN a.watermark IS NULL THEN 'reading history'
    WHEN EXISTS (SELECT FROM sync.windows AS f WHERE f.account = a.name AND f.state = 'failed') THEN 'failing'
    WHEN w.is_read AND w.is_unread THEN 'reading history'
    ELSE 'behind'
END AS verdict) AS v;
