-- One row per day from 2010 to 2049, in the shop's time zone.
--
-- day           the day
-- starts_at     its first moment
-- ends_at       the first moment after it
-- week          Monday of its week
-- month         first day of its month
-- quarter       first day of its quarter
-- year          its year
-- iso_weekday   1 Monday .. 7 Sunday
-- is_weekend    Saturday or Sunday
CREATE OR REPLACE VIEW bi.calendar AS
SELECT
    d.day,
    bi.day_start(d.day) AS starts_at,
    bi.day_start(d.day + 1) AS ends_at,
    date_trunc('week', d.day::timestamp)::date AS week,
    date_trunc('month', d.day::timestamp)::date AS month,
    date_trunc('quarter', d.day::timestamp)::date AS quarter,
    extract(year FROM d.day)::integer AS year,
    extract(isodow FROM d.day)::integer AS iso_weekday,
    extract(isodow FROM d.day) >= 6 AS is_weekend
FROM (SELECT date '2010-01-01' + n AS day FROM generate_series(0, 14609) AS n) AS d;
