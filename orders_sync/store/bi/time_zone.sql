-- The time zone of the shop's days. Redefine this function to change it; orders-sync never replaces it.
CREATE FUNCTION bi.time_zone() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 'Asia/Shanghai';
