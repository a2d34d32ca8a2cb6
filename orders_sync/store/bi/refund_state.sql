-- What a refund status means on every platform: open, refunded, closed, none or other (not documented).
CREATE OR REPLACE FUNCTION bi.refund_state(status text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN sync.refund_state(status);
