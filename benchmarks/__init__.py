"""Benchmarks and reliability tests of the whole product: real processes, a real Postgres, real HTTP.

    python -m benchmarks.speed      throughput of a first load and a re-sync, compared with plain COPY of the same rows
    python -m benchmarks.truth      equality of the tables with platforms that change during the sync
    python -m benchmarks.normalize  processor time to normalize one order, without network and database
    python -m benchmarks.hooks      response times of the message route; each message stored once
    python -m benchmarks.workers    throughput of 1 to 3 workers; recovery when workers are killed or frozen
    python -m benchmarks.bi         times of the views of schema bi and of the questions on a million orders
    python -m benchmarks.faults     equality of the tables after processes, Postgres and API calls failed at random

What is measured and how: docs/benchmarks.md, docs/reliability.md.
"""
