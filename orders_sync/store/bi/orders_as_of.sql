-- What every order looked like at a moment, as far as it had been read by then. `basis`: history; not read yet (placed by then, first read later: values are NULL); no history (rows of it were removed: the values of now). shipped_at is what the platform says of the order, without parcels; order_no and the rest: bi.orders, by platform and order_id.
CREATE OR REPLACE FUNCTION bi.orders_as_of(moment timestamptz) RETURNS TABLE (
    order_key text, platform text, account text, direction text, order_id text, ordered_at timestamptz, basis text,
    seen_at timestamptz, status text, status_group text, refund_status text, currency text, payable_amount numeric,
    discount_amount numeric, shipping_amount numeric, paid_amount numeric, refund_amount numeric, paid_at timestamptz,
    shipped_at timestamptz, received_at timestamptz, completed_at timestamptz, line_count integer
) LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT o.platform || ':' || o.order_id, o.platform, o.account, o.direction, o.order_id, o.created_at,
    'history', h.seen_at, h.status, h.status_group, h.refund_status, o.currency, h.total_amount,
    h.discount_amount, h.shipping_amount, h.paid_amount, h.refund_amount, h.paid_at,
    h.delivered_at, h.received_at, h.completed_at, h.line_count
FROM public.orders AS o
CROSS JOIN LATERAL (
    SELECT h.seen_at, h.status, h.status_group, h.refund_status, h.total_amount, h.discount_amount, h.shipping_amount,
        h.paid_amount, h.refund_amount, h.paid_at, h.delivered_at, h.received_at, h.completed_at, h.line_count
    FROM public.order_history AS h
    WHERE h.platform = o.platform AND h.order_id = o.order_id AND h.seen_at <= moment
    ORDER BY h.seen_at DESC LIMIT 1
) AS h
UNION ALL
SELECT o.platform || ':' || o.order_id, o.platform, o.account, o.direction, o.order_id, o.created_at,
    'not read yet', NULL, NULL, NULL, NULL, o.currency, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
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
    o.delivered_at, o.received_at, o.completed_at, o.line_count
FROM public.orders AS o
WHERE o.created_at <= moment
  AND NOT EXISTS (SELECT FROM public.order_history AS h
    WHERE h.platform = o.platform AND h.order_id = o.order_id AND (h.seen_at <= moment OR h.changed IS NULL));
END;
