"""A Postgres of our own, for whoever gives no DATABASE_URL: a real server, shared by all commands on one home.

    with running(default_home()) as server:
        psycopg.connect(server.url)

place        the folder of one server: what lies in it, whom it belongs to, its locks
binaries     which Postgres runs it
cluster      the data folder: made once, never touched again
postmaster   the server process: seen, started, stopped
server       who uses it: the first starts it, the last living one stops it
"""

from orders_sync.store.embedded.server import Server, default_home, is_made, running

__all__ = ["Server", "default_home", "is_made", "running"]
