-- Whether a version of an order, a row of its history, shows a refund that was made.
CREATE OR REPLACE FUNCTION bi.is_refund(version public.order_history) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce((version).refund_amount, 0) <> 0 OR bi.refund_state((version).refund_status) = 'refunded'
    OR coalesce('after_sale_refund_status' = ANY ((version).changed), false);
