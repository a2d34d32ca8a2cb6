"""What the product does on this machine, measured on the product itself: real processes, a real Postgres, real HTTP.

    python -m benchmarks.speed      how fast it lands orders, next to plain COPY of the same rows
    python -m benchmarks.truth      whether the tables equal a platform that lived while they were filled
    python -m benchmarks.normalize  how long one order takes to be normalized, without network and database
    python -m benchmarks.hooks      how fast a platform's messages are answered, each stored once

What is measured and how: docs/benchmarks.md.
"""
