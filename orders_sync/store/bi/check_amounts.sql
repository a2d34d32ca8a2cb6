-- Must be empty: orders whose amounts do not add up as the platform's do, though no note says so. 1688: payable = gross + discount + shipping, or less the coupon.
--
-- payable_amount  of the order
-- expected        what its parts add up to
CREATE OR REPLACE VIEW bi.check_amounts AS
SELECT o.platform || ':' || o.order_id AS order_key, o.platform, o.account, o.direction, o.order_id,
    o.total_amount AS payable_amount, e.expected::numeric(18, 2) AS expected,
    o.created_at AS ordered_at
FROM public.orders AS o
CROSS JOIN LATERAL (
    SELECT o.product_amount + coalesce(o.discount_amount, 0) + coalesce(o.shipping_amount, 0) AS expected
) AS e
WHERE o.platform = '1688' AND o.currency <> 'XXX'
  AND NOT coalesce(array_to_string(o.notes, ' ') ~ 'totalAmount|discount', false)
  AND abs(o.total_amount - e.expected) > 0.01 * greatest(o.line_count, 1)
  AND abs(o.total_amount - (e.expected - coalesce(o.coupon_amount, 0))) > 0.01 * greatest(o.line_count, 1);
