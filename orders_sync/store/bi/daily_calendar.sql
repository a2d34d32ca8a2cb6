-- One row per account, currency and day, from where its history begins by its settings, or its first order, up to today: daily_sales without gaps. A day of which nothing is here has zeros where every order placed on it was read, and NULL where not, so that a day that was not read never reads as one without sales. An account without any order has rows without a currency.
--
-- direction                    sale or purchase; never add up both
-- day                          a day of the shop. Of an account that is removed or retired, up to what was last read
-- orders_by_ordered_day        as daily_sales.orders_by_ordered_day; NULL: not known
-- valid_orders_by_ordered_day  as in daily_sales; NULL: not known
-- valid_amount_by_ordered_day  as in daily_sales; NULL: not known
-- net_amount_by_ordered_day    as in daily_sales; NULL: not known
-- amount_by_paid_day           as in daily_sales; NULL: not known
-- refund_by_refunded_day       as in daily_sales; NULL: not known
-- net_cash_by_day              as in daily_sales; NULL: not known
-- is_complete                  as daily_sales.is_complete, also of days that have no row there: a sum over days is too small where one is not, bool_and(is_complete)
CREATE OR REPLACE VIEW bi.daily_calendar AS
SELECT
    s.direction,
    s.platform,
    s.account,
    k.currency,
    c.day,
    CASE WHEN d.account IS NOT NULL THEN d.orders_by_ordered_day WHEN r.is_complete THEN 0 END AS orders_by_ordered_day,
    CASE WHEN d.account IS NOT NULL THEN d.valid_orders_by_ordered_day WHEN r.is_complete THEN 0 END
        AS valid_orders_by_ordered_day,
    (CASE WHEN d.account IS NOT NULL THEN d.valid_amount_by_ordered_day WHEN r.is_complete THEN 0 END)::numeric(18, 2)
        AS valid_amount_by_ordered_day,
    (CASE WHEN d.account IS NOT NULL THEN d.net_amount_by_ordered_day WHEN r.is_complete THEN 0 END)::numeric(18, 2)
        AS net_amount_by_ordered_day,
    (CASE WHEN d.account IS NOT NULL THEN d.amount_by_paid_day WHEN r.is_complete THEN 0 END)::numeric(18, 2)
        AS amount_by_paid_day,
    (CASE WHEN d.account IS NOT NULL THEN d.refund_by_refunded_day WHEN r.is_complete THEN 0 END)::numeric(18, 2)
        AS refund_by_refunded_day,
    (CASE WHEN d.account IS NOT NULL THEN d.net_cash_by_day WHEN r.is_complete THEN 0 END)::numeric(18, 2)
        AS net_cash_by_day,
    r.is_complete
FROM (
    SELECT s.direction, s.platform, s.account, s.history_from, s.complete_until,
        bi.shop_day(least(a.history_from, s.history_from, s.first_order_at)) AS first_day,
        bi.shop_day(greatest(CASE WHEN s.is_active THEN now() END, s.complete_until, s.last_order_at)) AS last_day
    FROM bi.shops AS s
    JOIN sync.accounts AS a ON a.name = s.account
    OFFSET 0  -- the days are computed once per account, not once per row
) AS s
LEFT JOIN (SELECT DISTINCT f.account, f.currency FROM bi.daily_sales AS f) AS k ON k.account = s.account
CROSS JOIN LATERAL (
    SELECT s.first_day + n AS day FROM generate_series(0, s.last_day - s.first_day) AS n
) AS c
LEFT JOIN bi.daily_sales AS d ON d.account = s.account AND d.currency = k.currency AND d.day = c.day
CROSS JOIN LATERAL (SELECT
    coalesce(bi.day_start(c.day) >= s.history_from AND bi.day_start(c.day + 1) <= s.complete_until, false) AS is_complete
) AS r;
