-- One row per account, product, sku, unit, currency and week in which it was ordered: parts of the lifetime figures, to be summed up over all weeks. Best sellers ever of one shop: GROUP BY product_id, sku_id, currency, unit. By days: product_sales. Of all shops: products. Removed lines are left out; orders that do not count only date it.
--
-- direction         sale or purchase; never add up both
-- week_starts_at    first moment of the week in UTC, not in shop time; NULL where the time of the order is not known
-- product_id        NULL where the platform does not say it
-- sku_id            NULL where the product has none
-- first_ordered_at  its first order of the week
-- last_ordered_at   its newest order of the week
-- titled_at         the newest order of the week that names it
-- described_at      the newest order of the week that states attributes of it
-- orders            orders with it that count; no sum over products is a number of orders
-- quantity          in `unit`, on orders that count; what was refunded is in it
-- goods_amount      what those cost, without postage, in currency, before refunds; a line that states no amount adds nothing
-- lowest_price      of one `unit`, on orders that count, as order_lines.unit_price: 1688 before discounts
-- highest_price     as lowest_price
CREATE OR REPLACE VIEW bi.product_weeks AS
-- kept
SELECT f.direction, f.platform, f.account, f.currency, nullif(f.week, '-infinity') AS week_starts_at,
    f.product_id, f.sku_id, f.unit, f.first_ordered_at, f.last_ordered_at, f.titled_at, f.described_at,
    f.orders, f.quantity, f.goods_amount::numeric(18, 2) AS goods_amount, f.lowest_price, f.highest_price
FROM sync.product_figures AS f
WHERE NOT EXISTS (
    SELECT FROM sync.outdated_product_weeks AS w WHERE w.account = f.account AND w.week = f.week
)
UNION ALL
-- from the lines, of weeks of which an order changed since: the service makes these anew
SELECT g.direction, g.platform, w.account, g.currency, nullif(w.week, '-infinity'),
    g.product_id, g.sku_id, g.unit, g.first_ordered_at, g.last_ordered_at, g.titled_at, g.described_at,
    g.orders, g.quantity, g.goods_amount::numeric(18, 2), g.lowest_price, g.highest_price
FROM (SELECT DISTINCT o.account, o.week FROM sync.outdated_product_weeks AS o) AS w
CROSS JOIN LATERAL (
    SELECT l.direction, l.platform, l.currency, l.product_id, l.sku_id, l.unit,
        min(l.ordered_at) AS first_ordered_at,
        max(l.ordered_at) AS last_ordered_at,
        max(l.ordered_at) FILTER (WHERE l.title IS NOT NULL) AS titled_at,
        max(l.ordered_at) FILTER (WHERE l.sku_text IS NOT NULL) AS described_at,
        count(DISTINCT l.order_id) FILTER (WHERE l.is_valid) AS orders,
        coalesce(sum(l.quantity) FILTER (WHERE l.is_valid), 0) AS quantity,
        coalesce(sum(l.goods_amount) FILTER (WHERE l.is_valid), 0) AS goods_amount,
        min(l.unit_price) FILTER (WHERE l.is_valid) AS lowest_price,
        max(l.unit_price) FILTER (WHERE l.is_valid) AS highest_price
    FROM bi.order_lines AS l
    WHERE l.account = w.account AND NOT l.is_removed AND (l.product_id IS NOT NULL OR l.sku_id IS NOT NULL)
      -- hours: days of a time zone may have more or less than 24
      AND (l.ordered_at BETWEEN w.week AND w.week + interval '167:59:59.999999'
        OR (l.ordered_at IS NULL AND w.week = '-infinity'))
    GROUP BY l.direction, l.platform, l.currency, l.product_id, l.sku_id, l.unit
) AS g;
