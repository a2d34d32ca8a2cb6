-- One row per order, without persons. Days are the shop's; amounts are in `currency`. Orders of every status are in it: what counts is `is_valid`. One that was deleted from the tables has no row: bi.changes_since.
--
-- status             exactly as the platform says it
-- status_name_zh     Chinese name; the status itself where the platform does not document it
-- status_name_en     English name; the status itself where the platform does not document it
-- status_group       the same words on every platform: creating (being made at the platform: Xportcn), awaiting_payment (placed, not paid), awaiting_confirmation (finance has not confirmed it, or the goods are not ordered yet: Xportcn), awaiting_shipment (paid, nothing was sent), partly_shipped (still awaits shipment, while a line was sent), shipped (sent, as the platform says of the order, though a line under a refund request may be unsent: order_lines.is_unsent; the last word on Xportcn, which does not say what arrived), received (signed for or received: 1688), completed (the trade is closed: 1688), cancelled (before or after payment: paid_at), rejected (refused by finance: Xportcn), other (a status that is not documented, or that says no more: the order may be paid and not sent). What still has to be sent: is_unshipped
-- is_known_status    the platform documents the status
-- is_final           nothing but a refund follows; NULL where the status is not documented
-- is_valid           it counts: paid and neither cancelled nor refused, refunded or not. Awaiting shipment or later; awaiting confirmation, or in an undocumented status, with a time of payment
-- is_valid_sale      is_valid, and a sale
-- is_valid_purchase  is_valid, and a purchase
-- gross_amount       goods before discounts, without postage: 1688. NULL where the platform does not say it: Xportcn
-- discount_amount    signed, negative for a reduction: 1688. NULL on Xportcn. A coupon is in it or beside it: what was taken off in all is gross_amount + shipping_amount - payable_amount
-- shipping_amount    postage that the customer pays: 1688. What the shop pays a carrier is not said. NULL on Xportcn, where only lines say it: order_lines.shipping_amount
-- payable_amount     what the order costs, after discounts and coupons: all platforms. 1688: gross + discount + shipping. Xportcn: the sum of its lines. Stated of unpaid and cancelled orders too: turnover and average order value WHERE is_valid_sale, per currency, by ordered_day, without months that begin before sync_freshness.complete_from
-- paid_amount        sum of the payments: 1688, where they are listed; else NULL. Whether it was paid is told by paid_at
-- refund_amount      paid back so far: 1688, 0 where nothing was, and NULL where the record of an order says nothing of refunds. NULL where the platform does not say how much: Xportcn. Whether money went back: is_refunded
-- net_amount         payable less refund; NULL where a refund was made whose amount is not known. A refund that is open or closed takes nothing off. Stated of unpaid and cancelled orders too: sum it WHERE is_valid. Of an order cancelled after payment it is what was kept, postage for instance
-- has_refund         a refund was asked for, whatever became of it: open, made or refused. Whether money went back: is_refunded
-- ordered_at         when it was placed. Hour of the shop's day: extract(hour FROM ordered_at AT TIME ZONE bi.time_zone())
-- paid_at            first payment; NULL: not paid, as the platform says it
-- shipped_at         when the last of it was sent: 1688, else the latest parcel of a shipped order, of which a line may still be unsent: order_lines.is_unsent. Cancelled orders may have been sent before. NULL where it was not sent, and on orders of Xportcn whose parcels have no time, as a rule: whether it was sent is told by status_group and is_unshipped
-- received_at        everything received: 1688. NULL on Xportcn, which does not say it
-- completed_at       when the trade was closed as complete: 1688. NULL on Xportcn
-- refunded_at        when its first refund was made, as far as is known: the modify time of the first version that was read with it, else when that landed. NULL where nothing was refunded
-- is_refund_day_estimated  the refund was there at the first read, or the version that brought it is not recorded, so that refunded_at may be another day. NULL where nothing was refunded
-- ordered_day        day of ordered_at
-- paid_day           day of paid_at
-- shipped_day        day of shipped_at
-- completed_day      day of completed_at
-- refunded_day       day of refunded_at
-- customer_id        the platform's id of the customer of a sale; 1688: differs between app ids. NULL on purchases, and where it is not said
-- supplier_name      supplier of the first line of a purchase: KA supplierNick. Its other lines may be from other suppliers: amounts by supplier are told by order_lines.supplier_name. NULL on xportcn_open, on sales, and on orders of KA that name none
-- country            where it goes; NULL where the platform does not say it, as on 1688 as a rule
-- province           where it goes, as the platform writes it; NULL where it does not say it. 1688 says it as a rule, 上海 without 市 and 广东省 with 省
-- city               as province
-- line_count         lines listed now, removed ones not counted: average lines per order is avg(line_count)
-- also_listed_as     order_key of an order with the same number in the other list of Xportcn, which another account reads: over all accounts count one of them; NULL as a rule
-- has_notes          something about the record was odd: public.orders.notes
-- is_outdated        a newer version of it is known that could not be converted
-- synced_at          when this version landed
-- refund_id          number of the refund at the platform: 1688. NULL where it is not said, as of an order cancelled after payment
-- is_unshipped       is_valid, and the platform does not call the order sent: awaiting_shipment, partly_shipped, and awaiting_confirmation or other where neither the order nor a parcel has a time of sending. Refunded ones too: AND NOT is_refunded. An order that is shipped as the platform says it is not in it, even where one of its lines was not sent, under an open refund request for instance: these by order_lines.is_unsent
-- is_refunded        money went back: an amount, or a status that says so. refund_status is of the newest refund, so that an earlier one may have been made while that is open or closed
-- close_reason  1688 closeReason, free text. Does not say whether it was paid: paid_at
CREATE OR REPLACE VIEW bi.orders AS
SELECT
    o.platform || ':' || o.order_id AS order_key,
    o.platform,
    o.account,
    o.direction,
    o.order_id,
    o.order_no,
    o.seller_order_no,
    o.purchase_id,
    o.outer_purchase_id,
    o.status,
    coalesce(s.name_zh, o.status) AS status_name_zh,
    coalesce(s.name_en, o.status) AS status_name_en,
    o.status_group,
    s.status IS NOT NULL AS is_known_status,
    s.is_final,
    v.is_valid,
    v.is_valid AND o.direction = 'sale' AS is_valid_sale,
    v.is_valid AND o.direction = 'purchase' AS is_valid_purchase,
    o.currency,
    o.product_amount AS gross_amount,
    o.discount_amount,
    o.shipping_amount,
    o.total_amount AS payable_amount,
    o.paid_amount,
    o.refund_amount,
    sync.net_amount(o.total_amount, o.refund_amount, o.refund_status, o.after_sale_refund_status)::numeric(18, 2)
        AS net_amount,
    v.has_refund,
    o.refund_status,
    o.after_sale_refund_status,
    o.close_reason,
    o.created_at AS ordered_at,
    o.paid_at,
    t.shipped_at,
    o.received_at,
    o.completed_at,
    v.refunded_at,
    CASE WHEN v.is_refunded THEN o.refunded_at IS NULL OR coalesce((
        SELECT h.changed IS NULL OR NOT bi.is_refund(h) FROM public.order_history AS h
        WHERE h.platform = o.platform AND h.order_id = o.order_id ORDER BY bi.is_refund(h) DESC, h.seen_at LIMIT 1
    ), true) END AS is_refund_day_estimated,
    bi.shop_day(o.created_at) AS ordered_day,
    bi.shop_day(o.paid_at) AS paid_day,
    bi.shop_day(t.shipped_at) AS shipped_day,
    bi.shop_day(o.completed_at) AS completed_day,
    bi.shop_day(v.refunded_at) AS refunded_day,
    CASE WHEN o.direction = 'sale' THEN o.buyer_id END AS customer_id,
    CASE WHEN o.direction = 'purchase' THEN o.seller_name END AS supplier_name,
    o.country,
    o.province,
    o.city,
    o.line_count,
    CASE WHEN o.platform IN ('xportcn_open', 'xportcn_ka') THEN (
        -- the number alone is searched for: before the first ANALYZE the platform seems to tell as much apart
        SELECT min(other.platform || ':' || other.order_id) FILTER (
            WHERE other.platform = CASE o.platform WHEN 'xportcn_ka' THEN 'xportcn_open' ELSE 'xportcn_ka' END
        ) FROM public.orders AS other WHERE other.order_no = o.order_no
    ) END AS also_listed_as,
    o.notes IS NOT NULL AS has_notes,
    o.unread_version_since IS NOT NULL AS is_outdated,
    o.synced_at,
    v.is_refunded,
    coalesce(o.refund_id, o.after_sale_refund_id) AS refund_id,
    v.is_valid AND o.status_group IN ('awaiting_confirmation', 'awaiting_shipment', 'partly_shipped', 'other') AND (
        o.status_group IN ('awaiting_shipment', 'partly_shipped')
        OR coalesce(o.delivered_at, (
            SELECT min(p.delivered_at) FROM public.order_parcels AS p
            WHERE p.platform = o.platform AND p.order_id = o.order_id AND p.removed_at IS NULL
        )) IS NULL
    ) AS is_unshipped
FROM public.orders AS o
LEFT JOIN public.order_statuses AS s ON s.platform = o.platform AND s.status = o.status
CROSS JOIN LATERAL (SELECT
    sync.is_valid_order(o.status_group, o.paid_at) AS is_valid,
    o.refund_status IS NOT NULL OR o.after_sale_refund_status IS NOT NULL
    OR coalesce(o.refund_amount, 0) <> 0 AS has_refund,
    sync.is_refunded_order(o.refund_amount, o.refund_status, o.after_sale_refund_status) AS is_refunded,
    sync.refund_moment(
        o.refund_amount, o.refund_status, o.after_sale_refund_status, o.refunded_at, o.modified_at, o.synced_at
    ) AS refunded_at
) AS v
CROSS JOIN LATERAL (SELECT
    CASE
        WHEN o.delivered_at IS NOT NULL THEN o.delivered_at
        WHEN o.status_group IN ('shipped', 'received', 'completed') THEN (
            SELECT max(p.delivered_at) FROM public.order_parcels AS p
            WHERE p.platform = o.platform AND p.order_id = o.order_id AND p.removed_at IS NULL
        )
    END AS shipped_at
) AS t;
