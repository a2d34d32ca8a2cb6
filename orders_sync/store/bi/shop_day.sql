-- The day of a moment in the shop's time zone.
CREATE OR REPLACE FUNCTION bi.shop_day(moment timestamptz) RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (moment AT TIME ZONE bi.time_zone())::date;
