"""Actions of people, one function for each: the command line and the console call the same.

Each takes a connection (or a run context, where it calls a platform) and the `Actor`, then what it acts on. It records
itself in `sync.activity` in the transaction of the action; an action of many transactions records itself before the
first. Where it cannot be recorded, nothing is done. What is wrong is raised as an error of `domain/errors.py`, whose
text says what to do.

accounts    pause, resume
audits      run, acknowledge
backfills   start what `engine/backfill.py` has shown, cancel, again what is not complete
orders      fetch now, reveal persons
rejects     replay, ignore, unignore, drop
windows     retry failed ones
"""
