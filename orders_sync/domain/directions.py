"""Directions of orders: sales or purchases of the shop."""

from __future__ import annotations

from enum import StrEnum


class Direction(StrEnum):
    """`direction` in every table of orders. Amounts of the two are never added up."""

    SALE = "sale"  # the account is the seller: its orders are turnover
    PURCHASE = "purchase"  # the account is the buyer: its orders are cost
