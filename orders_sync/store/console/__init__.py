"""Queries behind the pages of the web console: typed rows, each statement bounded whatever has piled up.

Nothing here counts without a limit or reads a table whole; lists are paged by key. Any column of a row may be NULL in
any state: a row that is half filled is shown as far as it goes. `benchmarks/console.py` measures them on a large
database.
"""
