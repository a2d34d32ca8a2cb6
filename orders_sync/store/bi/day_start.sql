-- The first moment of a day in the shop's time zone: `ordered_at >= bi.day_start('2026-11-01')` uses an index.
CREATE OR REPLACE FUNCTION bi.day_start(day date) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN day::timestamp AT TIME ZONE bi.time_zone();
