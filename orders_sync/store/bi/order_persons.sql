-- One row per order: the persons of it, each named for who it is. Personal data: readable by orders_pii_reader only.
--
-- customer_login     login name of the customer of a sale: 1688 buyerLoginId (masked)
-- customer_company   company of the customer of a sale: 1688
-- customer_message   what the customer wrote, or on a purchase what the shop wrote to the supplier
-- ordered_by         who placed a purchase for the shop: KA userName (a login); xportcn_open userName (a person's name)
-- shop_memo          the shop's own memo on a sale: 1688 sellerMemo
-- customer_memo      the customer's own memo: 1688 buyerMemo
-- receiver_name      who it is sent to
-- receiver_phone     mobile number, else phone
-- receiver_address   street and house
-- receiver_district  district
-- receiver_zip       postal code
CREATE OR REPLACE VIEW bi.order_persons AS
SELECT
    o.platform || ':' || o.order_id AS order_key,
    o.platform,
    o.account,
    o.direction,
    o.order_id,
    CASE WHEN o.direction = 'sale' THEN o.buyer_name END AS customer_login,
    CASE WHEN o.direction = 'sale' THEN o.buyer_company END AS customer_company,
    o.buyer_message AS customer_message,
    CASE WHEN o.direction = 'purchase' THEN o.buyer_name END AS ordered_by,
    o.seller_memo AS shop_memo,
    o.buyer_memo AS customer_memo,
    r.name AS receiver_name,
    coalesce(r.mobile, r.phone) AS receiver_phone,
    r.address AS receiver_address,
    r.district AS receiver_district,
    r.zip AS receiver_zip,
    o.created_at AS ordered_at
FROM public.orders AS o
LEFT JOIN public.order_receivers AS r
    ON r.platform = o.platform AND r.order_id = o.order_id AND r.removed_at IS NULL;
