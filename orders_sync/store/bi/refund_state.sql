-- What a refund status means on every platform: open, refunded, closed, none or other (not documented).
CREATE OR REPLACE FUNCTION bi.refund_state(status text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN status IS NULL OR status = '0' THEN 'none'
    WHEN status = '100' OR replace(lower(status), '_', '') = 'refundsuccess' THEN 'refunded'
    WHEN status IN ('-10', '-20') OR replace(lower(status), '_', '') IN ('refundclose', 'refundclosed') THEN 'closed'
    WHEN status IN ('10', '20', '30') OR replace(lower(status), '_', '') IN (
        'waitselleragree', 'waitbuyermodify', 'waitbuyersend', 'waitsellerreceive'
    ) THEN 'open'
    ELSE 'other'
END;
