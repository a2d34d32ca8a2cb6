"""Words for the views of schema `bi`, for people who choose one to export."""

from __future__ import annotations

from orders_sync.console.words import later

VIEWS = {  # a view that is not here is shown with its comment
    "orders": later("Orders: one row each, in every state, without persons."),
    "order_lines": later("Lines of orders: one row for each line and product on it, removed ones too."),
    "order_persons": later("Persons of orders: buyers and receivers. Personal data: who exports it is recorded."),
    "order_versions": later("Versions of orders: what each was every time it had changed."),
    "order_status_periods": later("How long each order was in each state."),
    "order_funnel": later("How long each order took from one state to the next."),
    "refunds": later("Refunds: one row for each line with a refund, and for what none of its lines says."),
    "daily_sales": later("Sales by day: one row for each shop, currency and day."),
    "daily_calendar": later("Sales by day without gaps: every day of each shop, and whether all of it was read."),
    "product_sales": later("Sales of products by day: one row for each shop, product and day."),
    "products": later("Products that were sold or bought, each once."),
    "buyers": later("Customers by the platform's number of them, with their orders and amounts."),
    "shops": later("Shops: one row each."),
    "calendar": later("Days from 2010 to 2049, to be joined with others."),
    "sync_freshness": later("How current the orders of each shop are."),
    "sync_health": later("What is open in the synchronisation of each shop."),
    "check_amounts": later("Should be empty: orders whose amounts do not add up."),
    "check_daily_sales": later("Should be empty: shops whose sales by day have other totals than their orders."),
    "check_directions": later("Should be empty: orders of which nothing says whether they are sales or purchases."),
    "check_lines": later("Should be empty: orders that are not the sum of their lines."),
    "check_refunded_lines": later("Should be empty: orders whose lines say another refund than the order."),
    "check_refunds": later("Should be empty: orders with more refunded than was paid."),
    "check_unknown_statuses": later("Should be empty: states that no platform documents."),
}
