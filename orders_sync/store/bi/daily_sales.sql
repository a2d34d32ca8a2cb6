-- One row per account, currency and day on which something was ordered, paid or refunded. Each figure names the day it goes by.
--
-- direction                      sale or purchase; never add up both
-- day                            a day of the shop
-- orders_by_ordered_day          orders placed on the day, whatever became of them
-- valid_orders_by_ordered_day    of these, those that count: orders.is_valid
-- valid_amount_by_ordered_day    what those cost: orders.payable_amount
-- refund_by_ordered_day          refunds of orders placed on the day, whenever they were made
-- cancelled_by_ordered_day       orders placed on the day and cancelled since
-- orders_by_paid_day             orders first paid on the day, whatever became of them
-- amount_by_paid_day             what those cost: orders.payable_amount
-- refund_by_refunded_day         refunds first seen on the day, whenever the order was placed
-- orders_by_refunded_day         orders with a refund first seen on the day
CREATE OR REPLACE VIEW bi.daily_sales AS
SELECT
    d.direction,
    d.platform,
    d.account,
    d.currency,
    d.day,
    sum(d.ordered)::bigint AS orders_by_ordered_day,
    sum(d.valid)::bigint AS valid_orders_by_ordered_day,
    coalesce(sum(d.valid_amount), 0) AS valid_amount_by_ordered_day,
    coalesce(sum(d.refund_of_ordered), 0) AS refund_by_ordered_day,
    sum(d.cancelled)::bigint AS cancelled_by_ordered_day,
    sum(d.paid)::bigint AS orders_by_paid_day,
    coalesce(sum(d.paid_amount), 0) AS amount_by_paid_day,
    coalesce(sum(d.refund), 0) AS refund_by_refunded_day,
    sum(d.refunded)::bigint AS orders_by_refunded_day
FROM (
    SELECT o.direction, o.platform, o.account, o.currency, o.ordered_day AS day, 1 AS ordered,
        o.is_valid::integer AS valid, CASE WHEN o.is_valid THEN o.payable_amount END AS valid_amount,
        o.refund_amount AS refund_of_ordered, (o.status_group = 'cancelled')::integer AS cancelled,
        0 AS paid, NULL::numeric AS paid_amount, NULL::numeric AS refund, 0 AS refunded
    FROM bi.orders AS o
    UNION ALL
    SELECT o.direction, o.platform, o.account, o.currency, o.paid_day, 0, 0, NULL, NULL, 0,
        1, o.payable_amount, NULL, 0
    FROM bi.orders AS o WHERE o.paid_at IS NOT NULL
    UNION ALL
    SELECT o.direction, o.platform, o.account, o.currency, o.refunded_day, 0, 0, NULL, NULL, 0,
        0, NULL, o.refund_amount, 1
    FROM bi.orders AS o WHERE o.has_refund AND o.refunded_at IS NOT NULL
) AS d
GROUP BY d.direction, d.platform, d.account, d.currency, d.day;
