-- One row per account, product, sku, unit, currency and day on which it was ordered. Removed lines and orders that do not count are left out; refunded lines of orders that count are in. A day or week without a sale has no row: join bi.calendar for zeros.
--
-- direction      sale or purchase; never add up both
-- ordered_day    day the orders were placed
-- product_id     NULL where the platform does not say it
-- sku_id         NULL where the product has none
-- title          a name that it had on the day, the last in the alphabet; NULL where no line says one. Group by product_id and sku_id, never by this
-- sku_text       attributes of the variant, as title
-- orders         orders with it; no sum over rows is a number of orders, for one with two products is in both
-- quantity       in `unit`, as the platform states it; what was refunded is in it
-- goods_amount   what they cost, without postage, before refunds; a line that states no amount adds nothing
-- refund_amount  refunds that these lines state, which is seldom: 1688. NULL where none does. Money by bi.refunds
-- refunded_lines of `lines`, those for which money went back: order_lines.is_refunded, which has the formulas of refund rates. Not to be divided by `lines` for one: cancelled orders are not in it, and most refunds are of those
-- lines          lines with it; a line with two products is in both
-- lowest_price   of one `unit`, as order_lines.unit_price: 1688 before discounts
-- highest_price  as lowest_price
CREATE OR REPLACE VIEW bi.product_sales AS
SELECT
    l.direction,
    l.platform,
    l.account,
    l.currency,
    l.ordered_day,
    l.product_id,
    l.sku_id,
    max(l.title) AS title,
    max(l.sku_text) AS sku_text,
    count(DISTINCT l.order_id) AS orders,
    sum(l.quantity) AS quantity,
    coalesce(sum(l.goods_amount), 0)::numeric(18, 2) AS goods_amount,
    sum(l.refund_amount)::numeric(18, 2) AS refund_amount,
    count(*) FILTER (WHERE l.is_refunded) AS refunded_lines,
    count(*) AS lines,
    l.unit,
    min(l.unit_price) AS lowest_price,
    max(l.unit_price) AS highest_price
FROM bi.order_lines AS l
WHERE l.is_valid AND NOT l.is_removed
GROUP BY l.direction, l.platform, l.account, l.currency, l.ordered_day, l.product_id, l.sku_id,
    l.unit;
