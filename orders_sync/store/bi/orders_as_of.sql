-- What every order looked like at a moment, as far as it had been read by then, in the columns of bi.order_versions. `basis`: history; not read yet (placed by then, first read later: values are NULL); no history (rows of it were removed: the values of now). An order placed after the moment has no row, nor has one that was deleted since, or never was here: ask bi.orders.
CREATE OR REPLACE FUNCTION bi.orders_as_of(moment timestamptz) RETURNS SETOF bi.order_versions
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT o.platform || ':' || o.order_id, o.platform, o.account, o.direction, o.order_id, o.created_at,
    'history', h.seen_at, h.status, h.status_group, h.refund_status, o.currency, h.total_amount,
    h.discount_amount, h.shipping_amount, h.paid_amount, h.refund_amount, h.paid_at,
    CASE
        WHEN h.delivered_at IS NOT NULL THEN h.delivered_at
        WHEN h.status_group IN ('shipped', 'received', 'completed') THEN (
            SELECT max(p.delivered_at) FROM public.order_parcels AS p
            WHERE p.platform = o.platform AND p.order_id = o.order_id AND p.delivered_at <= h.seen_at
              AND (p.removed_at IS NULL OR p.removed_at > h.seen_at)
        )
    END,
    h.received_at, h.completed_at, h.line_count, o.order_no, h.changed,
    array_replace(array_replace(array_replace(array_replace(array_replace(h.changed,
        'total_amount', 'payable_amount'), 'delivered_at', 'shipped_at'), 'product_amount', 'gross_amount'),
        'created_at', 'ordered_at'), 'buyer_id', 'customer_id'),
    CASE WHEN h.changed IS NOT NULL THEN (
        SELECT b.status FROM public.order_history AS b
        WHERE b.platform = o.platform AND b.order_id = o.order_id AND b.seen_at < h.seen_at
        ORDER BY b.seen_at DESC LIMIT 1
    ) END AS previous_status,
    CASE WHEN h.changed IS NOT NULL THEN (
        SELECT b.status_group FROM public.order_history AS b
        WHERE b.platform = o.platform AND b.order_id = o.order_id AND b.seen_at < h.seen_at
        ORDER BY b.seen_at DESC LIMIT 1
    ) END AS previous_status_group,
    CASE WHEN h.changed IS NOT NULL THEN (
        SELECT b.total_amount FROM public.order_history AS b
        WHERE b.platform = o.platform AND b.order_id = o.order_id AND b.seen_at < h.seen_at
        ORDER BY b.seen_at DESC LIMIT 1
    ) END::numeric(18, 2) AS previous_payable_amount,
    CASE WHEN h.changed IS NOT NULL THEN (
        SELECT b.refund_amount FROM public.order_history AS b
        WHERE b.platform = o.platform AND b.order_id = o.order_id AND b.seen_at < h.seen_at
        ORDER BY b.seen_at DESC LIMIT 1
    ) END::numeric(18, 2) AS previous_refund_amount
FROM public.orders AS o
CROSS JOIN LATERAL (
    SELECT h.seen_at, h.status, h.status_group, h.refund_status, h.total_amount, h.discount_amount, h.shipping_amount,
        h.paid_amount, h.refund_amount, h.paid_at, h.delivered_at, h.received_at, h.completed_at, h.line_count, h.changed
    FROM public.order_history AS h
    WHERE h.platform = o.platform AND h.order_id = o.order_id AND h.seen_at <= moment
    ORDER BY h.seen_at DESC LIMIT 1
) AS h
UNION ALL
SELECT o.platform || ':' || o.order_id, o.platform, o.account, o.direction, o.order_id, o.created_at,
    'not read yet', NULL, NULL, NULL, NULL, o.currency, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    o.order_no, NULL, NULL, NULL, NULL, NULL, NULL
FROM public.orders AS o
WHERE o.created_at <= moment
  AND NOT EXISTS (SELECT FROM public.order_history AS h
    WHERE h.platform = o.platform AND h.order_id = o.order_id AND h.seen_at <= moment)
  AND EXISTS (SELECT FROM public.order_history AS h
    WHERE h.platform = o.platform AND h.order_id = o.order_id AND h.changed IS NULL)
UNION ALL
SELECT o.platform || ':' || o.order_id, o.platform, o.account, o.direction, o.order_id, o.created_at,
    'no history', NULL, o.status, o.status_group, o.refund_status, o.currency, o.total_amount,
    o.discount_amount, o.shipping_amount, o.paid_amount, o.refund_amount, o.paid_at,
    CASE
        WHEN o.delivered_at IS NOT NULL THEN o.delivered_at
        WHEN o.status_group IN ('shipped', 'received', 'completed') THEN (
            SELECT max(p.delivered_at) FROM public.order_parcels AS p
            WHERE p.platform = o.platform AND p.order_id = o.order_id AND p.removed_at IS NULL
        )
    END,
    o.received_at, o.completed_at, o.line_count, o.order_no, NULL, NULL, NULL, NULL, NULL, NULL
FROM public.orders AS o
WHERE o.created_at <= moment
  AND NOT EXISTS (SELECT FROM public.order_history AS h
    WHERE h.platform = o.platform AND h.order_id = o.order_id AND (h.seen_at <= moment OR h.changed IS NULL));
END;
