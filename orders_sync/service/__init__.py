"""What runs by itself: a clock that plans, workers that read, and the HTTP side.

scheduler    every tick: what is due by the ledger is planned, and whoever has something to read is put into the queue
queue        the jobs of all workers, on the same Postgres: "drain this account", "audit this account"
worker       takes jobs; the ledger decides what may commit
web          hooks of the platforms, health, metrics
"""
