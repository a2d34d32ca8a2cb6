-- One row per line of an order and product on it, of orders of every status. Removed ones are there: add `WHERE NOT is_removed` for what is listed now. A line with two products has two rows: count lines by count(DISTINCT (platform, order_id, sub_order_id)).
--
-- sub_order_id        the line
-- item_no             the product on it, from 1; NULL on a line without a product
-- line_no             position on the order, from 1
-- is_removed          the platform no longer lists it on the order
-- removed_at          when it was first missing; NULL while it is listed
-- line_status         as the platform says it
-- line_refund_status  as the platform says it of the line's newest refund; NULL where the line says none, though its order may be refunded: is_refunded
-- quantity            in `unit`, may be a fraction; what was refunded is in it
-- unit_price          of one `unit`, with every place that was sent; 1688: before discounts. What one cost after discounts: goods_amount / quantity
-- currency            ISO 4217, of the amounts in the row
-- goods_amount        of the whole quantity, without postage: all platforms. 1688: after discounts of the line, as the platform shares them out. NULL on the second and later products of a line, so that a sum counts a line once; and where the platform states none: what these cost is in unstated_amount_once
-- shipping_amount     postage of the line, once per line; 1688: its share of the order's. NULL where it is not said, as on most sales: orders.shipping_amount
-- refund_amount       refund of the line, once per line: 1688, where the line states it, which is seldom. NULL is not zero: money by orders.refund_amount or bi.refunds
-- order_payable_once  payable_amount of the order on its first listed line, else NULL: a sum counts an order once. Never by supplier or product, for the order's other lines may have others: unstated_amount_once
-- is_refunded         money went back for it, the goods or not: its refund was made, or it is a listed line of an order that is_refunded and was cancelled, or refunded in full, or has no other line. NULL: its order was refunded in part and no line says which. Goods mostly never left: of lines that had, AND was_sent. Two rates WHERE paid_day IS NOT NULL AND NOT is_removed: money back, count(*) FILTER (WHERE is_refunded)::numeric / count(*); after sending, count(*) FILTER (WHERE is_refunded AND was_sent)::numeric / nullif(count(*) FILTER (WHERE was_sent), 0). That goods came back is said by public.sub_orders.logistics_status 4 alone: 1688
-- supplier_name       supplier of the product on a purchase: Xportcn shopName, else orders.supplier_name. NULL where neither is named, on xportcn_open as a rule, and on sales. Amounts by supplier: goods_amount, shipping_amount and unstated_amount_once, for lines may state no amount
-- is_unsent           still to be sent: of an order that counts and is not completed, a listed line that is not closed and of which nothing or not all was sent, also where the order is shipped as the platform says it, as under an open refund request. 1688 logisticsStatus 1, 5, 8, Xportcn status of the line; where the line says neither, of an order that is_unshipped. NULL: its order was sent in part and the line does not say it. Refunded ones too: AND is_refunded IS NOT TRUE
-- was_sent            it was sent, or some of it, whatever became of it: 1688 logisticsStatus 2, 3, 4, 5 or a status of the line from shipped on; where the line says neither, by its order: shipped or later, or awaiting shipment. NULL where neither says it, as of most cancelled lines of Xportcn
-- unstated_amount_once  what the order costs beyond goods_amount and shipping_amount of its listed lines, once: on the first of them that states no goods_amount, else on the first; NULL on all others. sum(coalesce(goods_amount, 0) + coalesce(shipping_amount, 0) + coalesce(unstated_amount_once, 0)) WHERE NOT is_removed is the payable_amount of the orders, also by supplier_name. Holds postage and coupons that only the order says; negative where these, or postage of lines, are not in what the order costs. Lines of several suppliers that state none have it at the first of these
CREATE OR REPLACE VIEW bi.order_lines AS
SELECT
    o.order_key,
    s.platform,
    o.account,
    s.direction,
    s.order_id,
    s.sub_order_id,
    i.item_no,
    s.line_no,
    s.removed_at IS NOT NULL OR i.removed_at IS NOT NULL AS is_removed,
    coalesce(s.removed_at, i.removed_at) AS removed_at,
    o.ordered_at,
    o.ordered_day,
    o.paid_day,
    o.status_group,
    o.is_valid,
    s.status AS line_status,
    coalesce(nullif(s.refund_status, '0'), s.after_sale_refund_status) AS line_refund_status,
    i.product_id,
    i.sku_id,
    i.cargo_no,
    i.title,
    i.sku_text,
    i.sku_attributes,
    i.quantity,
    i.unit,
    i.unit_price,
    s.currency,
    (CASE WHEN coalesce(i.item_no, 1) = 1 THEN
        CASE s.platform WHEN 'xportcn_ka' THEN s.amount - coalesce(s.shipping_amount, 0) ELSE s.amount END
    END)::numeric(18, 2) AS goods_amount,
    CASE WHEN coalesce(i.item_no, 1) = 1 THEN s.shipping_amount END::numeric(18, 2) AS shipping_amount,
    CASE WHEN coalesce(i.item_no, 1) = 1 THEN s.refund_amount END::numeric(18, 2) AS refund_amount,
    CASE WHEN s.removed_at IS NULL AND coalesce(i.item_no, 1) = 1 AND NOT EXISTS (
        SELECT FROM public.sub_orders AS f
        WHERE f.platform = s.platform AND f.order_id = s.order_id AND f.removed_at IS NULL
          AND (f.line_no, f.sub_order_id) < (s.line_no, s.sub_order_id)
    ) THEN o.payable_amount END::numeric(18, 2) AS order_payable_once,
    CASE
        WHEN sync.is_refunded_order(s.refund_amount, s.refund_status, s.after_sale_refund_status) THEN true
        WHEN s.removed_at IS NOT NULL OR NOT o.is_refunded THEN false
        WHEN o.status_group = 'cancelled' OR o.refund_amount >= o.payable_amount OR o.line_count = 1 THEN true
        WHEN (
            SELECT bool_or(sync.is_refunded_order(f.refund_amount, f.refund_status, f.after_sale_refund_status))
            FROM public.sub_orders AS f
            WHERE f.platform = s.platform AND f.order_id = s.order_id AND f.removed_at IS NULL
        ) THEN false
    END AS is_refunded,
    CASE WHEN o.direction = 'purchase' THEN coalesce(i.shop_name, o.supplier_name) END AS supplier_name,
    CASE
        WHEN o.status_group = 'completed' OR NOT o.is_valid OR t.is_closed
            OR s.removed_at IS NOT NULL OR i.removed_at IS NOT NULL THEN false
        WHEN t.is_partly_sent THEN true
        WHEN t.was_sent OR (t.was_sent IS NULL AND o.status_group IN ('shipped', 'received')) THEN false
        WHEN NOT t.was_sent THEN true
        WHEN o.status_group <> 'partly_shipped' THEN o.is_unshipped
    END AS is_unsent,
    CASE
        WHEN t.was_sent IS NOT NULL THEN t.was_sent
        WHEN t.is_closed THEN NULL
        WHEN o.status_group IN ('shipped', 'received', 'completed') THEN true
        WHEN o.status_group IN ('creating', 'awaiting_payment', 'awaiting_shipment') THEN false
    END AS was_sent,
    CASE WHEN s.removed_at IS NULL AND coalesce(i.item_no, 1) = 1 AND NOT EXISTS (
        SELECT FROM public.sub_orders AS f
        WHERE f.platform = s.platform AND f.order_id = s.order_id AND f.removed_at IS NULL
          AND (f.amount IS NOT NULL, f.line_no, f.sub_order_id) < (s.amount IS NOT NULL, s.line_no, s.sub_order_id)
    ) THEN o.payable_amount - (
        SELECT coalesce(sum(f.amount), 0)
            + coalesce(sum(f.shipping_amount) FILTER (WHERE f.platform <> 'xportcn_ka' OR f.amount IS NULL), 0)
        FROM public.sub_orders AS f
        WHERE f.platform = s.platform AND f.order_id = s.order_id AND f.removed_at IS NULL
    ) END::numeric(18, 2) AS unstated_amount_once
FROM public.sub_orders AS s
JOIN bi.orders AS o ON o.platform = s.platform AND o.order_id = s.order_id
LEFT JOIN public.product_items AS i
    -- a line has one order: with three equalities the planner expects one row of a million and sorts or loops for all
    ON i.platform = s.platform AND i.order_id = s.order_id
    AND i.sub_order_id >= s.sub_order_id AND i.sub_order_id <= s.sub_order_id
LEFT JOIN public.order_statuses AS g ON g.platform = s.platform AND g.status = s.status
CROSS JOIN LATERAL (SELECT
    -- 1688: codes of logisticsStatus that its documents name; Xportcn: the words of the market behind it that they name
    coalesce(g.status_group = 'cancelled' OR 'TRADE_CLOSED' IN (s.status, s.upstream_status), false) AS is_closed,
    s.platform = '1688' AND s.logistics_status = '5' AS is_partly_sent,
    CASE
        WHEN (s.platform = '1688' AND s.logistics_status IN ('2', '3', '4', '5'))
            OR g.status_group IN ('shipped', 'received', 'completed')
            OR 'WAIT_BUYER_CONFIRM_GOODS' IN (s.status, s.upstream_status) THEN true
        WHEN (s.platform = '1688' AND s.logistics_status IN ('1', '8'))
            OR g.status_group IN ('creating', 'awaiting_payment', 'awaiting_confirmation', 'awaiting_shipment')
            OR 'WAIT_SELLER_SEND_GOODS' IN (s.status, s.upstream_status) THEN false
    END AS was_sent
) AS t;
