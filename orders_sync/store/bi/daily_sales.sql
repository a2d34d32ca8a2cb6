-- One row per account, currency and day on which something was ordered, paid or refunded. Each figure names the day it goes by: those of two kinds of days are of different orders. A day without any has no row: bi.daily_calendar has every day.
--
-- direction                      sale or purchase; never add up both. A purchase in both lists of Xportcn is in both accounts: orders.also_listed_as
-- day                            a day in the time zone of bi.time_zone(), Asia/Shanghai unless it was made another; NULL where the platform does not say the moment
-- orders_by_ordered_day          orders placed on the day, whatever became of them
-- valid_orders_by_ordered_day    of these, those that count: orders.is_valid
-- valid_amount_by_ordered_day    what those cost: orders.payable_amount
-- refund_by_ordered_day          refunds of all orders placed on the day, cancelled ones too, whenever they were made: not to be taken from valid_amount_by_ordered_day
-- cancelled_by_ordered_day       orders placed on the day and cancelled since
-- orders_by_paid_day             orders first paid on the day, whatever became of them
-- amount_by_paid_day             what those cost: orders.payable_amount. Cash in; what went back of it is not taken off
-- refund_by_refunded_day         refunds of the orders whose refunded_day it is, whenever these were placed: 1688. 0 on Xportcn, which does not say how much. An estimate for what was refunded before it was first read: how much of a day is sum(refund_amount) of bi.orders by refunded_day WHERE is_refund_day_estimated
-- orders_by_refunded_day         those orders. Xportcn says no time of a change: all that were refunded when the account was first read stand on that day
-- valid_refund_by_ordered_day    refunds of the orders that count, whenever they were made
-- net_amount_by_ordered_day      orders.net_amount of the orders that count; an order in which it is NULL adds nothing
-- is_complete                    every order placed on the day is in the tables, with proof: all of it lies between complete_from and complete_until of bi.sync_freshness. False of today. Goes by the day ordered and does not speak of payments and refunds: those of orders placed before complete_from may lack, above all in the first days and weeks after it. Sums over days that are not complete, and over days before complete_from that have no row, are too small: bi.daily_calendar has these days too
-- net_cash_by_day                amount_by_paid_day less refund_by_refunded_day: what the day brought in cash, of whatever orders. On Xportcn, which does not say how much was refunded, nothing is taken off. How much of the refunds is of an estimated day: refund_by_refunded_day
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
    coalesce(sum(d.net_amount), 0)::numeric(18, 2) AS net_amount_by_ordered_day,
    coalesce((
        SELECT bi.day_start(d.day) >= coalesce(a.proven_from, a.history_from) AND bi.day_start(d.day + 1) <= a.watermark
        FROM sync.accounts AS a WHERE a.name = d.account
    ), false) AS is_complete,
    (coalesce(sum(d.paid_amount), 0) - coalesce(sum(d.refund), 0))::numeric(18, 2) AS net_cash_by_day
FROM (
    -- kept as orders land
    SELECT f.direction, f.platform, f.account, f.currency, f.day, f.ordered, f.valid, f.valid_amount,
        f.refund_of_ordered, f.cancelled, f.paid, f.paid_amount, f.refunded, f.refund, f.valid_refund, f.net_amount
    FROM sync.daily_figures AS f
    WHERE bi.time_zone() = (SELECT z.time_zone FROM sync.daily_zone AS z)
    UNION ALL
    -- from the orders, while the zone of days is another than the kept ones have: `orders-sync migrate` makes these anew
    SELECT o.direction, o.platform, o.account, o.currency, k.day,
        k.ordered, k.ordered * o.is_valid::int, k.ordered * o.is_valid::int * o.payable_amount,
        k.ordered * o.refund_amount, k.ordered * (o.status_group = 'cancelled')::int, k.paid, k.paid * o.payable_amount,
        k.refunded, k.refunded * o.refund_amount, k.ordered * o.is_valid::int * o.refund_amount,
        k.ordered * o.is_valid::int * o.net_amount
    FROM bi.orders AS o
    CROSS JOIN LATERAL (
        VALUES (o.ordered_day, true, 1, 0, 0), (o.paid_day, o.paid_at IS NOT NULL, 0, 1, 0),
            (o.refunded_day, o.is_refunded, 0, 0, 1)
    ) AS k (day, is_there, ordered, paid, refunded)
    WHERE k.is_there AND bi.time_zone() IS DISTINCT FROM (SELECT z.time_zone FROM sync.daily_zone AS z)
      -- true of every order: the planner expects few of them, where it would expect all, and compile code (JIT) for that
      AND o.platform BETWEEN (SELECT min(p.platform) FROM public.orders AS p) AND (SELECT max(p.platform) FROM public.orders AS p)
) AS d
GROUP BY d.direction, d.platform, d.account, d.currency, d.day
HAVING sum(d.ordered) <> 0 OR sum(d.paid) <> 0 OR sum(d.refunded) <> 0;
