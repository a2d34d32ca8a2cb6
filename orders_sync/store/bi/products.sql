-- One row per product, sku, unit and currency of a platform and direction, over all accounts and orders: what sells best, ever, is ORDER BY goods_amount; by quantity only within a unit. Of one account: product_weeks. Removed lines are left out; orders that do not count only date and name it.
--
-- direction          sale or purchase
-- title              name on the newest order that has one
-- sku_text           attributes on the newest order that has any
-- first_ordered_at   its first order
-- last_ordered_at    its newest order
-- orders             orders with it that count; no sum over rows is a number of orders
-- quantity           in `unit`, on orders that count; what was refunded is in it
-- goods_amount       what those cost, without postage, in currency, before refunds; a line that states no amount adds nothing
-- lowest_price       of one `unit`, on orders that count, as order_lines.unit_price: 1688 before discounts. Prices by day: product_sales
-- highest_price      as lowest_price
-- last_price         as lowest_price, on the newest order, whether or not it counts
CREATE OR REPLACE VIEW bi.products AS
SELECT
    g.direction,
    g.platform,
    g.product_id,
    g.sku_id,
    g.currency,
    newest.title,
    newest.sku_text,
    g.first_ordered_at,
    g.last_ordered_at,
    g.orders,
    g.quantity,
    g.goods_amount,
    g.lowest_price,
    g.highest_price,
    newest.unit_price AS last_price,
    g.unit
FROM (
    SELECT w.product_id, w.sku_id, w.platform, w.direction, w.currency, w.unit,
        min(w.first_ordered_at) AS first_ordered_at,
        max(w.last_ordered_at) AS last_ordered_at,
        max(w.titled_at) AS titled_at,
        max(w.described_at) AS described_at,
        sum(w.orders)::bigint AS orders,
        sum(w.quantity) AS quantity,
        sum(w.goods_amount)::numeric(18, 2) AS goods_amount,
        min(w.lowest_price) AS lowest_price,
        max(w.highest_price) AS highest_price
    FROM bi.product_weeks AS w
    GROUP BY w.product_id, w.sku_id, w.platform, w.direction, w.currency, w.unit
) AS g
CROSS JOIN LATERAL (
    -- of the few lines of those moments: to sort all lines for the newest takes longer than all the rest
    SELECT
        (array_agg(l.title ORDER BY l.ordered_at DESC NULLS LAST, l.order_id, l.sub_order_id)
            FILTER (WHERE l.title IS NOT NULL))[1] AS title,
        (array_agg(l.sku_text ORDER BY l.ordered_at DESC NULLS LAST, l.order_id, l.sub_order_id)
            FILTER (WHERE l.sku_text IS NOT NULL))[1] AS sku_text,
        (array_agg(l.unit_price ORDER BY l.ordered_at DESC NULLS LAST, l.order_id, l.sub_order_id))[1] AS unit_price
    FROM bi.order_lines AS l
    WHERE (l.ordered_at IN (g.last_ordered_at, g.titled_at, g.described_at) OR l.ordered_at IS NULL)
      AND l.platform = g.platform AND l.direction IS NOT DISTINCT FROM g.direction
      AND l.product_id IS NOT DISTINCT FROM g.product_id AND l.sku_id IS NOT DISTINCT FROM g.sku_id
      AND l.currency = g.currency AND l.unit IS NOT DISTINCT FROM g.unit AND NOT l.is_removed
) AS newest;
