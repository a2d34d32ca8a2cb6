-- Must be empty: accounts of which daily_sales and orders have other totals.
--
-- daily_orders   orders in daily_sales
-- orders         orders in orders
-- daily_amount   valid_amount_by_ordered_day of all days
-- amount         payable_amount of orders that count
-- daily_refund   refund_by_refunded_day of all days
-- refund         refund_amount of all orders
-- daily_net      net_amount_by_ordered_day of all days
-- net            net_amount of orders that count
CREATE OR REPLACE VIEW bi.check_daily_sales AS
SELECT platform, account, direction, currency, d.daily_orders::bigint AS daily_orders, o.orders,
    d.daily_amount::numeric(18, 2) AS daily_amount, o.amount::numeric(18, 2) AS amount,
    d.daily_refund::numeric(18, 2) AS daily_refund, o.refund::numeric(18, 2) AS refund,
    d.daily_net::numeric(18, 2) AS daily_net, o.net::numeric(18, 2) AS net
FROM (
    SELECT platform, account, coalesce(direction, 'unknown') AS direction, currency, sum(orders_by_ordered_day) AS daily_orders,
        sum(valid_amount_by_ordered_day) AS daily_amount, sum(refund_by_refunded_day) AS daily_refund,
        sum(net_amount_by_ordered_day) AS daily_net
    FROM bi.daily_sales AS s GROUP BY platform, account, s.direction, currency
) AS d
FULL JOIN (
    SELECT o.platform, o.account, coalesce(o.direction, 'unknown') AS direction, o.currency, count(*) AS orders,
        coalesce(sum(o.payable_amount) FILTER (WHERE o.is_valid), 0) AS amount,
        coalesce(sum(o.refund_amount), 0) AS refund,
        coalesce(sum(o.net_amount) FILTER (WHERE o.is_valid), 0) AS net
    FROM bi.orders AS o GROUP BY o.platform, o.account, o.direction, o.currency
) AS o USING (platform, account, direction, currency)
WHERE (d.daily_orders, d.daily_amount, d.daily_refund, d.daily_net)
    IS DISTINCT FROM (o.orders, o.amount, o.refund, o.net);
