-- One row per line with a refund, and one per order for the part of its refund that none of its lines says: a refund may have several rows. Amounts of an order's rows add up to its refund_amount. Count refunds by count(DISTINCT coalesce(refund_id, order_key)), and orders by count(DISTINCT order_key).
--
-- sub_order_id      the line; NULL for the part that only the order says. Which lines went back with it: order_lines.is_refunded
-- refund_id         number of the refund at the platform; the same on all rows of a refund. NULL where it is not said, for instance of an order cancelled after payment
-- is_after_sale     asked for after the trade was completed
-- refund_status     as the platform says it
-- refund_state      of refund_status, the same on every platform: open, refunded, closed (or refused), other (not documented); none: an amount without a status, as of an order cancelled after payment. Whether money went back: is_refunded
-- refund_amount     paid back: 1688; NULL where the platform does not say it: Xportcn, and lines that state none. Per shop and month: sum it by refunded_day
-- line_goods_amount what the line cost, without postage; NULL on rows without a line
-- is_refunded       money went back: an amount, or a status that says so. With refund_state open or closed: an earlier refund was made, the newest was not
-- order_no          as orders.order_no
-- status_group      of the order, as orders.status_group
-- is_unshipped      as orders.is_unshipped
CREATE OR REPLACE VIEW bi.refunds AS
SELECT
    r.order_key,
    r.platform,
    r.account,
    r.direction,
    r.order_id,
    r.sub_order_id,
    r.refund_id,
    r.is_after_sale,
    r.refund_status,
    bi.refund_state(r.refund_status) AS refund_state,
    r.currency,
    r.refund_amount::numeric(18, 2) AS refund_amount,
    r.line_goods_amount::numeric(18, 2) AS line_goods_amount,
    r.payable_amount AS order_payable_amount,
    r.ordered_at,
    r.ordered_day,
    r.refunded_at,
    bi.shop_day(r.refunded_at) AS refunded_day,
    r.is_refund_day_estimated,
    bi.refund_state(r.refund_status) = 'refunded' OR coalesce(r.refund_amount, 0) <> 0 AS is_refunded,
    r.order_no,
    r.status_group,
    r.is_unshipped
FROM (
    SELECT o.order_key, o.platform, o.account, o.direction, o.order_id, o.currency, o.payable_amount, o.ordered_at,
        o.ordered_day, o.refunded_at, o.is_refund_day_estimated, o.order_no,
        o.status_group, o.is_unshipped,
        s.sub_order_id, coalesce(s.refund_id, s.after_sale_refund_id) AS refund_id,
        nullif(s.refund_status, '0') IS NULL AND s.after_sale_refund_status IS NOT NULL AS is_after_sale,
        coalesce(nullif(s.refund_status, '0'), s.after_sale_refund_status) AS refund_status,
        s.refund_amount::numeric AS refund_amount,
        CASE s.platform WHEN 'xportcn_ka' THEN s.amount - coalesce(s.shipping_amount, 0) ELSE s.amount END::numeric
            AS line_goods_amount
    FROM bi.orders AS o
    JOIN public.sub_orders AS s ON s.platform = o.platform AND s.order_id = o.order_id AND s.removed_at IS NULL
    WHERE nullif(s.refund_status, '0') IS NOT NULL OR s.after_sale_refund_status IS NOT NULL
        OR coalesce(s.refund_amount, 0) <> 0
    UNION ALL
    SELECT o.order_key, o.platform, o.account, o.direction, o.order_id, o.currency, o.payable_amount, o.ordered_at,
        o.ordered_day, o.refunded_at, o.is_refund_day_estimated, o.order_no,
        o.status_group, o.is_unshipped,
        NULL::text, o.refund_id, o.refund_status IS NULL AND o.after_sale_refund_status IS NOT NULL,
        coalesce(o.refund_status, o.after_sale_refund_status),
        (o.refund_amount - coalesce(l.refund_amount, 0))::numeric, NULL::numeric
    FROM bi.orders AS o
    CROSS JOIN LATERAL (
        SELECT sum(s.refund_amount) AS refund_amount, count(*) FILTER (
            WHERE nullif(s.refund_status, '0') IS NOT NULL OR s.after_sale_refund_status IS NOT NULL
        ) AS refunds
        FROM public.sub_orders AS s
        WHERE s.platform = o.platform AND s.order_id = o.order_id AND s.removed_at IS NULL
    ) AS l
    WHERE o.has_refund
      AND (coalesce(o.refund_amount, 0) <> coalesce(l.refund_amount, 0)
        OR (l.refunds = 0 AND coalesce(o.refund_amount, 0) = 0))
) AS r;
