"""Run a private PostgreSQL server, shared by all commands on one home directory, where no DATABASE_URL is set.

    with running(default_home()) as server:
        psycopg.connect(server.url)

layout       the server's directory: paths, owner, locks
binaries     the PostgreSQL programs that fit a data directory
cluster      the data directory: created once, atomically
postmaster   the server process: find, start, signal
server       users of the server: the first starts it, the last living one stops it
wait         polling with progress notices

Only `orders_sync.domain.errors` is imported from the rest of the project (`lint-imports`).
"""

from orders_sync.embedded_postgres.server import Server, default_home, is_initialized, running

__all__ = ["Server", "default_home", "is_initialized", "running"]
