"""The database: connections, tables, migrations, the ledger of windows, and the loading of orders."""
