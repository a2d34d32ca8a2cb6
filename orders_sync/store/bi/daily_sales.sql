-- One row per account, currency and day on which something was ordered, paid or refunded. Each figure names the day it goes by.
--
-- direction                      sale or purchase; never add up both
-- day                            a day of the shop; NULL where the platform or the history does not say it
-- orders_by_ordered_day          orders placed on the day, whatever became of them
-- valid_orders_by_ordered_day    of these, those that count: orders.is_valid
-- valid_amount_by_ordered_day    what those cost: orders.payable_amount
-- refund_by_ordered_day          refunds of all orders placed on the day, cancelled ones too, whenever they were made: not to be taken from valid_amount_by_ordered_day
-- cancelled_by_ordered_day       orders placed on the day and cancelled since
-- orders_by_paid_day             orders first paid on the day, whatever became of them
-- amount_by_paid_day             what those cost: orders.payable_amount
-- refund_by_refunded_day         refunds first seen on the day, whenever the order was placed
-- orders_by_refunded_day         orders with a refund first seen on the day
-- valid_refund_by_ordered_day    refunds of the orders that count, whenever they were made
-- net_amount_by_ordered_day      orders.net_amount of the orders that count; an order in which it is NULL adds nothing
CREATE OR REPLACE VIEW bi.daily_sales AS
SELECT
    d.direction,
    d.platform,
    d.account,
    d.currency,
    d.day,
    sum(d.ordered)::bigint AS orders_by_ordered_day,
    sum(d.valid)::bigint AS valid_orders_by_ordered_day,
    coalesce(sum(d.valid_amount), 0)::numeric(18, 2) AS valid_amount_by_ordered_day,
    coalesce(sum(d.refund_of_ordered), 0)::numeric(18, 2) AS refund_by_ordered_day,
    sum(d.cancelled)::bigint AS cancelled_by_ordered_day,
    sum(d.paid)::bigint AS orders_by_paid_day,
    coalesce(sum(d.paid_amount), 0)::numeric(18, 2) AS amount_by_paid_day,
    coalesce(sum(d.refund), 0)::numeric(18, 2) AS refund_by_refunded_day,
    sum(d.refunded)::bigint AS orders_by_refunded_day,
    coalesce(sum(d.valid_refund), 0)::numeric(18, 2) AS valid_refund_by_ordered_day,
    coalesce(sum(d.net_amount), 0)::numeric(18, 2) AS net_amount_by_ordered_day
FROM (
    SELECT o.direction, o.platform, o.account, o.currency, o.ordered_day AS day,
        count(*) AS ordered, count(*) FILTER (WHERE o.is_valid) AS valid,
        sum(o.payable_amount) FILTER (WHERE o.is_valid) AS valid_amount, sum(o.refund_amount) AS refund_of_ordered,
        count(*) FILTER (WHERE o.status_group = 'cancelled') AS cancelled,
        0 AS paid, NULL::numeric AS paid_amount, 0 AS refunded, NULL::numeric AS refund,
        sum(o.refund_amount) FILTER (WHERE o.is_valid) AS valid_refund,
        sum(o.net_amount) FILTER (WHERE o.is_valid) AS net_amount
    FROM bi.orders AS o GROUP BY o.direction, o.platform, o.account, o.currency, o.ordered_day
    UNION ALL
    SELECT o.direction, o.platform, o.account, o.currency, o.paid_day,
        0, 0, NULL, NULL, 0, count(*), sum(o.payable_amount), 0, NULL, NULL, NULL
    FROM bi.orders AS o WHERE o.paid_at IS NOT NULL
    GROUP BY o.direction, o.platform, o.account, o.currency, o.paid_day
    UNION ALL
    SELECT o.direction, o.platform, o.account, o.currency, o.refunded_day,
        0, 0, NULL, NULL, 0, 0, NULL, count(*), sum(o.refund_amount), NULL, NULL
    FROM bi.orders AS o WHERE o.is_refunded
    GROUP BY o.direction, o.platform, o.account, o.currency, o.refunded_day
) AS d
GROUP BY d.direction, d.platform, d.account, d.currency, d.day;
