-- Must be empty: orders of a platform whose package is not installed, so that nothing says whether they are sales or purchases.
--
-- orders  how many there are
CREATE OR REPLACE VIEW bi.check_directions AS
SELECT o.platform, o.account, count(*) AS orders FROM public.orders AS o
WHERE o.direction IS NULL GROUP BY o.platform, o.account;
