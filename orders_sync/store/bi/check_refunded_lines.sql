-- Must be empty: orders of which a line was refunded and the order was not, or whose lines state more refund than the order.
--
-- refund_amount       of the order
-- is_refunded         money went back: orders.is_refunded
-- refunded_lines      listed lines that say of themselves that they were refunded
-- line_refund_amount  what they state together; NULL where none states an amount
CREATE OR REPLACE VIEW bi.check_refunded_lines AS
SELECT o.platform || ':' || o.order_id AS order_key, o.platform, o.account, o.direction, o.order_id,
    o.refund_amount,
    sync.is_refunded_order(o.refund_amount, o.refund_status, o.after_sale_refund_status) AS is_refunded,
    count(*) AS refunded_lines, sum(s.refund_amount)::numeric(18, 2) AS line_refund_amount,
    o.created_at AS ordered_at
FROM public.orders AS o
JOIN public.sub_orders AS s ON s.platform = o.platform AND s.order_id = o.order_id
WHERE s.removed_at IS NULL
  AND sync.is_refunded_order(s.refund_amount, s.refund_status, s.after_sale_refund_status)
-- by all that a condition may be about, so that it is asked before the lines are read
GROUP BY o.platform, o.order_id, o.account, o.direction, o.refund_amount, o.refund_status, o.after_sale_refund_status,
    o.created_at
HAVING NOT sync.is_refunded_order(o.refund_amount, o.refund_status, o.after_sale_refund_status)
    OR sum(s.refund_amount) > o.refund_amount;
