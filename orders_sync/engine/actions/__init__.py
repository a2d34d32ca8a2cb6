"""Actions of people, one function for each: the command line and the console call the same.

Each takes a connection (or a run context, where it calls a platform) and the `Actor`, then what it acts on. It records
itself in `sync.activity` in the transaction of the action; an action of many transactions records itself before the
first. Where it cannot be recorded, nothing is done. What is wrong is raised as an error of `domain/errors.py`, whose
text says what to do.

What calls platforms is not done by a web process: `sync now` and audits are rows of `sync.requests` that the running
service takes, a backfill and a fetched order are windows of the ledger.

accounts    pause, resume, sync now
audits      run, have one run, repair, acknowledge
backfills   start what `engine/backfill.py` has shown, cancel, again what is not complete
orders      fetch now, reveal personal data
rejects     replay, ignore, unignore, drop
windows     retry failed ones
"""
