"""Marketplace orders, complete and current in Postgres."""
