-- One row per version of an order that was read, oldest first known: what its history holds. Times and amounts are those of that version. What changed since a moment: WHERE seen_at > it AND changed IS NOT NULL. New orders: WHERE changed IS NULL AND ordered_at > it, for the first read brings old orders too. Orders deleted from the tables are not in it: bi.changes_since.
--
-- basis          history, in this view; bi.orders_as_of has others
-- seen_at        when the version landed here, some time after the platform made it
-- status         as the platform said it
-- payable_amount as orders.payable_amount
-- discount_amount as orders.discount_amount
-- shipping_amount as orders.shipping_amount
-- paid_amount    as orders.paid_amount
-- refund_amount  as orders.refund_amount
-- paid_at        first payment
-- shipped_at     as orders.shipped_at, from the parcels sent by seen_at where the order says none
-- received_at    everything received: 1688
-- completed_at   1688
-- line_count     lines listed then
-- changed        columns of orders and names of tables that differ from the version before, names as in public.orders, in the names of the views: changed_columns. NULL: it was read first. Changed after completion: status_group = 'completed' AND NOT 'status' = ANY (changed)
-- status_group  of that version: orders.status_group says what each word means
-- changed_columns  as changed, with columns by their names in bi.orders and here: payable_amount, shipped_at. Tables stay: sub_orders, product_items and order_parcels say that some line, product or parcel changed, not which
-- previous_status  status in the version before; NULL where it was read first, and where `[retention]` removed that version
-- previous_status_group  as previous_status; the same as status_group where only the platform's word changed
-- previous_payable_amount  as previous_status
-- previous_refund_amount  as previous_status; other amounts: lag() OVER (PARTITION BY platform, order_id ORDER BY seen_at), in a query whose WHERE does not leave out versions of an order
CREATE OR REPLACE VIEW bi.order_versions AS
SELECT
    o.platform || ':' || o.order_id AS order_key,
    o.platform,
    o.account,
    o.direction,
    o.order_id,
    o.created_at AS ordered_at,
    'history'::text AS basis,
    h.seen_at,
    h.status,
    h.status_group,
    h.refund_status,
    o.currency,
    h.total_amount AS payable_amount,
    h.discount_amount,
    h.shipping_amount,
    h.paid_amount,
    h.refund_amount,
    h.paid_at,
    CASE
        WHEN h.delivered_at IS NOT NULL THEN h.delivered_at
        WHEN h.status_group IN ('shipped', 'received', 'completed') THEN (
            SELECT max(p.delivered_at) FROM public.order_parcels AS p
            WHERE p.platform = h.platform AND p.order_id = h.order_id AND p.delivered_at <= h.seen_at
              AND (p.removed_at IS NULL OR p.removed_at > h.seen_at)
        )
    END AS shipped_at,
    h.received_at,
    h.completed_at,
    h.line_count,
    o.order_no,
    h.changed,
    array_replace(array_replace(array_replace(array_replace(array_replace(h.changed,
        'total_amount', 'payable_amount'), 'delivered_at', 'shipped_at'), 'product_amount', 'gross_amount'),
        'created_at', 'ordered_at'), 'buyer_id', 'customer_id') AS changed_columns,
    CASE WHEN h.changed IS NOT NULL THEN (
        SELECT b.status FROM public.order_history AS b
        WHERE b.platform = h.platform AND b.order_id = h.order_id AND b.seen_at < h.seen_at
        ORDER BY b.seen_at DESC LIMIT 1
    ) END AS previous_status,
    CASE WHEN h.changed IS NOT NULL THEN (
        SELECT b.status_group FROM public.order_history AS b
        WHERE b.platform = h.platform AND b.order_id = h.order_id AND b.seen_at < h.seen_at
        ORDER BY b.seen_at DESC LIMIT 1
    ) END AS previous_status_group,
    CASE WHEN h.changed IS NOT NULL THEN (
        SELECT b.total_amount FROM public.order_history AS b
        WHERE b.platform = h.platform AND b.order_id = h.order_id AND b.seen_at < h.seen_at
        ORDER BY b.seen_at DESC LIMIT 1
    ) END::numeric(18, 2) AS previous_payable_amount,
    CASE WHEN h.changed IS NOT NULL THEN (
        SELECT b.refund_amount FROM public.order_history AS b
        WHERE b.platform = h.platform AND b.order_id = h.order_id AND b.seen_at < h.seen_at
        ORDER BY b.seen_at DESC LIMIT 1
    ) END::numeric(18, 2) AS previous_refund_amount
FROM public.order_history AS h
JOIN public.orders AS o ON o.platform = h.platform AND o.order_id = h.order_id;
