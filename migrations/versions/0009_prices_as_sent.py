"""prices keep every place that was sent; town of a receiver; comments say what is known and what is inferred

A view that uses `product_items.unit_price` is made anew as it was, in the same transaction: Postgres changes no type under
a view. What else stands on it (a materialized view, a view of a role this one may not act for) is named and left to
whoever made it.
"""

from typing import Any, NamedTuple

import sqlalchemy as sa
from alembic import op

from orders_sync.domain.errors import DatabaseError

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

COMMENTS = {  # table.column: before, after
    "orders.status": (
        "exactly as the platform says it; names in order_statuses",
        "exactly as the platform says it; names in order_statuses; unknown, with a note, where the record names none",
    ),
    "orders.currency": (
        "of every amount in the row",
        "ISO 4217, of every amount in the row: Xportcn, that of its lines, XXX where they are in several; else CNY",
    ),
    "orders.total_amount": (
        "payable, yuan: 1688 totalAmount (yuan), Xportcn purchaseAmount (fen)",
        "payable, yuan: 1688 totalAmount (yuan), Xportcn purchaseAmount (fen, inferred from samples; "
        "yuan, with a note, where only that adds up)",
    ),
    "orders.discount_amount": (
        "yuan, may be negative: 1688 discount (fen)",
        "yuan, may be negative: 1688 discount (fen; yuan, with a note, where only that adds up)",
    ),
    "orders.created_at": (
        "1688 createTime (own offset), Xportcn createTime (Asia/Shanghai)",
        "createTime: 1688 with its own offset, Xportcn in Asia/Shanghai; NULL, with a note, where the record has none",
    ),
    "orders.delivered_at": (
        "everything shipped: 1688 allDeliveredTime",
        "shipped, not delivered: 1688 allDeliveredTime, when all of it had been sent",
    ),
    "orders.payment_no": (
        "1688 alipayTradeId, Xportcn alipay_pay_order_no; NULL before payment",
        "1688 alipayTradeId (NULL before payment), Xportcn alipay_pay_order_no (in the KA sample "
        "there is one before payment: no sign that something was paid)",
    ),
    "sub_orders.sub_order_id": (
        "1688 subItemIDString, KA line id, xportcn_open itemId:skuId:ordinal among equal lines (it has no id)",
        "1688 subItemIDString, KA line id, xportcn_open itemId:skuId:ordinal among equal lines, by "
        "what they hold; so on every platform where a line has no id",
    ),
    "sub_orders.close_reason": (
        "1688 closeReason, xportcn_open closeReason",
        "1688 closeReason, xportcn_open closeReason, else close_reason of the result",
    ),
    "sub_orders.currency": (
        "of every amount in the row",
        "ISO 4217, of every amount in the row; CNY where the platform says nothing",
    ),
    "sub_orders.amount": (
        "yuan: 1688 itemAmount (yuan), KA purchase_amount (fen), xportcn_open purchaseAmount (fen) x quantity",
        "yuan: 1688 itemAmount (yuan), KA purchase_amount (fen, inferred from samples; yuan, with a "
        "note, where only that adds up), xportcn_open purchaseAmount (the same) x quantity, or of "
        "all pieces, with a note, where only that adds up",
    ),
    "sub_orders.paid_amount": (
        "yuan: 1688 actualPaidFee (fen)",
        "yuan: 1688 actualPaidFee (fen, inferred from samples; yuan, with a note, where only that adds up)",
    ),
    "sub_orders.discount_amount": (
        "yuan, may be negative: 1688 entryDiscount (fen)",
        "yuan, may be negative: 1688 entryDiscount (fen; yuan, with a note, where only that adds up)",
    ),
    "sub_orders.shipping_amount": (
        "yuan: 1688 sharePostage (yuan), Xportcn domestic_post_fee (fen)",
        "yuan: 1688 sharePostage (yuan), Xportcn domestic_post_fee (fen, inferred from samples)",
    ),
    "sub_orders.estimated_amount": (
        "yuan, may differ from amount: KA createSubOrderResult.estimate_amount (fen)",
        "yuan, may differ from amount: KA createSubOrderResult.estimate_amount (fen, inferred from samples)",
    ),
    "product_items.cargo_no": (
        "the seller's article number: 1688 productCargoNumber",
        "the seller's article number: 1688 productCargoNumber, else cargoNumber (of the sku)",
    ),
    "product_items.quantity": (
        "may be a fraction",
        "in units as sent, may be a fraction; 1688 quantityFactor, where noted, divides it",
    ),
    "product_items.currency": (
        "of every amount in the row",
        "ISO 4217, of every amount in the row; CNY where the platform says nothing",
    ),
    "product_items.unit_price": (
        "yuan: 1688 price (yuan), xportcn_open purchaseAmount (fen)",
        "yuan, with every place that was sent: 1688 price (yuan), KA product_amount and xportcn_open "
        "purchaseAmount (fen, inferred from samples), or amount / quantity",
    ),
    "product_items.sku_attributes": (
        "name to value, Chinese: 1688 skuInfos, Xportcn option_fields.zh",
        "name to value, Chinese: 1688 skuInfos, Xportcn option_fields.zh or skuPv.zh",
    ),
    "product_items.sku_attributes_en": (
        "name to value, English: Xportcn option_fields.en",
        "name to value, English: Xportcn option_fields.en or skuPv.en",
    ),
    "order_parcels.parcel_id": (
        "1688 logisticsItems.id, else its bill number, else its position",
        "1688 logisticsItems.id, else its bill number, else its position; Xportcn the bill number",
    ),
    "order_parcels.tracking_no": (
        "1688 logisticsBillNo; NULL when nothing is sent",
        "1688 logisticsBillNo, NULL when nothing is sent; Xportcn logistic_number (in no sample)",
    ),
    "order_parcels.carrier_name": (
        "1688 logisticsCompanyName",
        "1688 logisticsCompanyName, Xportcn logistic_company_name",
    ),
    "order_parcels.delivered_at": (
        "1688 deliveredTime",
        "when it was sent: 1688 deliveredTime, Xportcn rts_time",
    ),
    "order_parcels.sub_order_ids": (
        "the lines it carries: 1688 subItemIds",
        "the lines it carries: 1688 subItemIds, Xportcn the lines whose result names it",
    ),
    "order_receivers.district_code": (
        "1688 areaCode",
        "1688 areaCode, else receiverInfo.toDivisionCode",
    ),
    "order_receivers.address": (
        "street and house, masked on 1688",
        "street and house, masked on 1688; all of the address where 1688 sends receiverInfo.toArea",
    ),
}
TOWN = {"town": "1688 town: town or street", "town_code": "1688 townCode, else receiverInfo.toTownCode"}

# every view that rests on the column, those it is made of first
VIEWS = """
WITH RECURSIVE resting (oid, depth) AS (
    SELECT r.ev_class, 1
    FROM pg_depend AS d
    JOIN pg_rewrite AS r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_attribute AS a ON (a.attrelid, a.attnum) = (d.refobjid, d.refobjsubid)
    WHERE d.refobjid = 'product_items'::regclass AND a.attname = 'unit_price'
    UNION
    SELECT r.ev_class, v.depth + 1
    FROM resting AS v
    JOIN pg_depend AS d ON d.refobjid = v.oid AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite AS r ON r.oid = d.objid AND r.ev_class <> v.oid
)
SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name, c.relkind = 'v' AS is_plain,
    pg_has_role(c.relowner, 'usage') AS is_ours, quote_ident(pg_get_userbyid(c.relowner)) AS owner,
    pg_get_viewdef(c.oid) AS definition, array_to_string(c.reloptions, ', ') AS options,
    quote_literal(obj_description(c.oid, 'pg_class')) AS comment
FROM (SELECT oid, max(depth) AS depth FROM resting GROUP BY oid) AS v
JOIN pg_class AS c USING (oid) JOIN pg_namespace AS n ON n.oid = c.relnamespace
ORDER BY v.depth
"""
GRANTS = """
SELECT a.privilege_type, CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
    CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
FROM pg_class AS c, aclexplode(c.relacl) AS a WHERE c.oid = :oid AND a.grantee <> c.relowner
"""


class View(NamedTuple):
    name: str
    statements: list[str]  # that make it as it was


def upgrade() -> None:
    retype(sa.Numeric(18, 2), sa.Numeric())
    for column, comment in TOWN.items():
        op.add_column("order_receivers", sa.Column(column, sa.Text(), comment=comment))
    say(after=1)


def downgrade() -> None:
    say(after=0)
    for column in TOWN:
        op.drop_column("order_receivers", column)
    retype(sa.Numeric(), sa.Numeric(18, 2))


def say(after: int) -> None:
    for column, comments in COMMENTS.items():
        text = comments[after].replace("'", "''")
        run(f"COMMENT ON COLUMN {column} IS '{text}'")


def run(statement: str) -> None:
    op.get_bind().exec_driver_sql(statement.replace("%", "%%"))


def retype(before: sa.Numeric[Any], after: sa.Numeric[Any]) -> None:
    views = resting_views()
    for view in reversed(views):
        run(f"DROP VIEW {view.name}")
    op.alter_column("product_items", "unit_price", existing_type=before, type_=after)
    for view in views:
        for statement in view.statements:
            run(statement)


def resting_views() -> list[View]:
    found = op.get_bind().execute(sa.text(VIEWS)).all()
    others = [view.name for view in found if not (view.is_plain and view.is_ours)]
    if others:
        raise DatabaseError(
            f"product_items.unit_price changes its type, but {', '.join(others)} uses it and cannot be made anew by "
            "this role. Nothing was changed; drop it, run `orders-sync migrate`, and create it again"
        )
    return [View(view.name, statements_of(view)) for view in found]


def statements_of(view: Any) -> list[str]:
    options = f" WITH ({view.options})" if view.options else ""
    grants = op.get_bind().execute(sa.text(GRANTS), {"oid": view.oid})
    return [
        f"CREATE VIEW {view.name}{options} AS {view.definition}",
        f"ALTER VIEW {view.name} OWNER TO {view.owner}",
        *(f"GRANT {privilege} ON {view.name} TO {grantee}{option}" for privilege, grantee, option in grants),
        *([f"COMMENT ON VIEW {view.name} IS {view.comment}"] if view.comment else []),
    ]
