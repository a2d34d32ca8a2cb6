-- One row per account: a shop on a platform.
--
-- host             of the API it is read from
-- seller           the shop at the platform: 1688 seller_nick, Xportcn user_id
-- history_from     orders from here on are read: where the settings begin, or later where the platform lists nothing older. The same as complete_from of sync_freshness, which is NULL while nothing is proven, and not sync.accounts.history_from, where the settings begin
-- complete_until   every order from history_from up to it is in the tables, with proof; NULL while nothing is proven
-- first_order_at   when its first order was placed
-- last_order_at    when its last order was placed
-- is_active        neither removed from the settings nor retired
CREATE OR REPLACE VIEW bi.shops AS
SELECT
    a.platform,
    a.name AS account,
    (SELECT s.direction FROM public.order_statuses AS s WHERE s.platform = a.platform LIMIT 1) AS direction,
    a.host,
    a.seller,
    coalesce(a.proven_from, a.history_from) AS history_from,
    a.watermark AS complete_until,
    (SELECT min(o.created_at) FROM public.orders AS o WHERE o.account = a.name) AS first_order_at,
    (SELECT max(o.created_at) FROM public.orders AS o WHERE o.account = a.name) AS last_order_at,
    a.removed_at IS NULL AND a.retired_at IS NULL AS is_active
FROM sync.accounts AS a;
