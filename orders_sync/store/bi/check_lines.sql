-- Must be empty: orders that are not the sum of their listed lines, though no note says so. 1688: payable = goods + order's postage + discount, less the coupon, each where it fits. Xportcn: payable = the lines, with their postage or without.
--
-- payable_amount  of the order
-- goods_amount    of its listed lines, without postage
-- shipping_amount postage: 1688 of the order, Xportcn of its lines
-- line_count      lines the order says it has
-- listed_lines    lines that are there
CREATE OR REPLACE VIEW bi.check_lines AS
SELECT o.platform || ':' || o.order_id AS order_key, o.platform, o.account, o.direction, o.order_id,
    o.total_amount AS payable_amount, l.goods_amount::numeric(18, 2) AS goods_amount,
    l.shipping_amount::numeric(18, 2) AS shipping_amount, o.line_count, l.listed_lines,
    o.created_at AS ordered_at
FROM public.orders AS o
CROSS JOIN LATERAL (
    SELECT count(*) AS listed_lines, bool_and(s.amount IS NOT NULL) AS has_amounts, sum(
            CASE s.platform WHEN 'xportcn_ka' THEN s.amount - coalesce(s.shipping_amount, 0) ELSE s.amount END
        ) AS goods_amount,
        CASE o.platform WHEN '1688' THEN coalesce(o.shipping_amount, 0)
            ELSE coalesce(sum(s.shipping_amount), 0) END AS shipping_amount
    FROM public.sub_orders AS s
    WHERE s.platform = o.platform AND s.order_id = o.order_id AND s.removed_at IS NULL
) AS l
WHERE l.listed_lines <> o.line_count
   OR (l.has_amounts AND o.currency <> 'XXX'
    AND NOT coalesce(array_to_string(o.notes, ' ') ~ 'is not|left out|kept', false) AND NOT EXISTS (
        SELECT FROM (VALUES (l.goods_amount), (l.goods_amount + l.shipping_amount)) AS sums (amount)
        CROSS JOIN (VALUES (0), (coalesce(o.discount_amount, 0))) AS discounts (discount)
        CROSS JOIN (VALUES (0), (coalesce(o.coupon_amount, 0))) AS coupons (coupon)
        WHERE abs(o.total_amount - (amount + discount - coupon)) <= 0.01 * greatest(o.line_count, 1)
    ));
