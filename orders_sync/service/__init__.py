"""The long-running service: a scheduler that plans, workers that read, and an HTTP server.

scheduler    every tick: plans what is due and enqueues a job for each account with windows to read
queue        the jobs of all workers, in the same Postgres: "drain this account", "audit this account"
worker       runs jobs; the ledger decides what may commit
web          hooks of the platforms, health, metrics
"""
