-- One row per account, customer (by the platform's id) and currency, of sales only. Who has no order that counts has a row too: `WHERE valid_orders > 0`. Purchases have no row: there the shop is the buyer.
--
-- customer_id        the platform's id; 1688: differs between app ids, so that customers of two accounts cannot be told to be one. Names: order_persons
-- first_ordered_at   their first order that was read; whether older ones may exist: bi.sync_freshness.complete_from
-- last_ordered_at    their newest order
-- first_valid_day    day of their first order that counts, of those that were read; NULL where none does
-- orders             all orders
-- valid_orders       orders that count
-- valid_amount       what those cost, in currency
-- refund_amount      refunds of those
-- net_amount         valid_amount less refund_amount
-- is_repeat          two orders that count, or more, in this currency, of those that were read. Over several currencies: GROUP BY customer_id HAVING sum(valid_orders) > 1
CREATE OR REPLACE VIEW bi.buyers AS
SELECT
    o.direction,
    o.platform,
    o.account,
    o.buyer_id AS customer_id,
    o.currency,
    min(o.created_at) AS first_ordered_at,
    max(o.created_at) AS last_ordered_at,
    bi.shop_day(min(o.created_at) FILTER (WHERE o.is_valid)) AS first_valid_day,
    count(*) AS orders,
    count(*) FILTER (WHERE o.is_valid) AS valid_orders,
    coalesce(sum(o.total_amount) FILTER (WHERE o.is_valid), 0)::numeric(18, 2) AS valid_amount,
    coalesce(sum(o.refund_amount) FILTER (WHERE o.is_valid), 0)::numeric(18, 2) AS refund_amount,
    (coalesce(sum(o.total_amount) FILTER (WHERE o.is_valid), 0)
        - coalesce(sum(o.refund_amount) FILTER (WHERE o.is_valid), 0))::numeric(18, 2) AS net_amount,
    count(*) FILTER (WHERE o.is_valid) > 1 AS is_repeat
FROM (
    -- from the table and not from bi.orders: its statistics say how many customers there are, so that nothing is sorted
    SELECT t.direction, t.platform, t.account, t.buyer_id, t.currency, t.created_at, t.total_amount, t.refund_amount,
        sync.is_valid_order(t.status_group, t.paid_at) AS is_valid
    FROM public.orders AS t
) AS o
WHERE o.direction = 'sale' AND o.buyer_id IS NOT NULL
GROUP BY o.direction, o.platform, o.account, o.buyer_id, o.currency;
