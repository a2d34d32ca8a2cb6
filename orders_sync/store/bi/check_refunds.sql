-- Must be empty: orders with more refunded than was paid for them.
--
-- refund_amount  of the order
-- paid_amount    what was paid; what it costs where the platform does not say it
CREATE OR REPLACE VIEW bi.check_refunds AS
SELECT o.platform || ':' || o.order_id AS order_key, o.platform, o.account, o.direction, o.order_id,
    o.refund_amount, greatest(o.paid_amount, o.total_amount) AS paid_amount,
    o.created_at AS ordered_at
FROM public.orders AS o
WHERE o.refund_amount > greatest(o.paid_amount, o.total_amount);
