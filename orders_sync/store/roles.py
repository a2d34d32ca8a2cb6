"""Roles that read, and what each may: made and granted at the end of every migration, by statements that may run again.

    orders_reader      the views of `bi`, and the tables of `public` without personal data, messages and payloads
    orders_pii_reader  the same with personal data, messages and payloads of orders
    orders_operator    as orders_reader; the ledger without payloads; may request and cancel backfills
    orders_console     what the two before it may; payloads of rejects and messages too

They cannot log in: `GRANT orders_reader TO ana`. Each has its grants itself, so that none must be a member of another.
Default privileges let later tables and views of the role that migrates follow.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from psycopg import errors

from orders_sync.store.database import Session
from orders_sync.store.queries import select_value, select_values

READER, PII_READER, OPERATOR, CONSOLE = "orders_reader", "orders_pii_reader", "orders_operator", "orders_console"
ROLES = (READER, PII_READER, OPERATOR, CONSOLE)
TAKEN = (OPERATOR, CONSOLE)  # those by whose rights the console reads
# columns of orders that hold personal data, what customers wrote, or parts of what was sent
PERSONAL = ("buyer_name", "buyer_company", "buyer_message", "buyer_memo", "seller_memo", "seller_company", "notes")
_IMPERSONAL = "sub_orders, product_items, order_parcels, order_history, order_statuses"
_LEDGER = (
    "sync.notices, sync.outgoing_notices, "
    "sync.alembic_version, sync.accounts, sync.windows, sync.backfills, sync.audits, sync.audit_differences, "
    "sync.rates, sync.shared_orders, sync.missing_orders, sync.older_versions, sync.processes, sync.views, "
    "sync.view_sets, sync.activity, sync.backfill_plans, sync.requests"
)
_OF_THE_CONSOLE = "sync.console_people, sync.console_sessions, sync.console_logins"  # hashes of passwords and keys
_REJECTS = (
    "id, account, platform, order_id, reason, reason_key, window_id, read_at, rejected_at, resolved_at, ignored_at, "
    "ignored_by"
)
# `at` and `role` are not theirs to choose
_ACTIVITY = "actor, origin, action, account, subject, details"
_MESSAGES = "id, account, message_type, order_no, order_id, received_at, handled_at, outcome"
# they act by the rights of their owner, and nobody else may call them
_BACKFILL_FUNCTIONS = (
    "sync.cancel_backfill(bigint), sync.cancel_backfill_request(bigint), sync.join_backfill(bigint, bigint)"
)
# of schema `bi`: the same, over every account, so that a role that sees one shop may not
_CHANGE_FEED = """
    SELECT oid::regprocedure::text FROM pg_proc
    WHERE pronamespace = to_regnamespace('bi') AND proname IN ('changes_since', 'feed_lag')
      AND pg_has_role(proowner, 'USAGE')
"""

# to_regclass raises for a schema that the role may not use
_HAS_VIEWS = """
    SELECT CASE WHEN has_schema_privilege(to_regnamespace('bi'), 'USAGE')
        THEN to_regclass('bi.order_persons') IS NOT NULL ELSE false END
"""
_EXISTING = "SELECT rolname::text FROM pg_roles WHERE rolname = ANY(%s)"
_NOT_TAKEN = "SELECT rolname::text FROM pg_roles WHERE rolname = ANY(%s) AND NOT pg_has_role(oid, 'MEMBER')"
_MAY_CREATE = "SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user"
_COLUMNS = """
    SELECT quote_ident(attname) FROM pg_attribute
    WHERE attrelid = 'public.orders'::regclass AND attnum > 0 AND NOT attisdropped AND attname <> ALL (%s)
"""


def install(session: Session) -> None:
    """Make the roles that are missing, where this role may, and grant the existing ones what is theirs."""
    for role in missing(session):
        if session.execute(_MAY_CREATE).fetchone() != (True,):
            break
        try:
            with session.transaction():  # roles belong to the server: another database may make them now
                session.execute(f"CREATE ROLE {role} NOLOGIN".encode())
        except (errors.DuplicateObject, errors.UniqueViolation):
            pass
    _join(session)
    columns = ", ".join(select_values(session, _COLUMNS, [list(PERSONAL)], str))
    has_views = session.execute(_HAS_VIEWS).fetchone() == (True,)
    has_jobs = session.execute("SELECT to_regclass('sync_jobs.procrastinate_jobs') IS NOT NULL").fetchone() == (True,)
    feed = ", ".join(select_values(session, _CHANGE_FEED, None, str))
    for role in select_values(session, _EXISTING, [list(ROLES)], str):
        grants = list(_grants(role, columns, has_views=has_views, has_jobs=has_jobs))
        if feed:
            grants.append(f"GRANT EXECUTE ON FUNCTION {feed} TO {role}")
        session.execute("; ".join(grants).encode())  # all at once: each by itself takes longer to send than to run


def _join(session: Session) -> None:
    """Let the role that migrates take the roles of `TAKEN`, where that is its to grant."""
    for role in select_values(session, _NOT_TAKEN, [list(TAKEN)], str):
        with suppress(errors.InsufficientPrivilege), session.transaction():
            session.execute(f"GRANT {role} TO CURRENT_USER".encode())


def missing(session: Session) -> list[str]:
    """Return the roles that are not there."""
    existing = select_values(session, _EXISTING, [list(ROLES)], str)
    return [role for role in ROLES if role not in existing]


def advice(session: Session) -> str | None:
    """Return what an administrator is to run; None where every role is there and this one may take those of `TAKEN`."""
    absent = missing(session)
    not_taken = {*select_values(session, _NOT_TAKEN, [list(TAKEN)], str), *absent}
    statements = [f"CREATE ROLE {role} NOLOGIN" for role in absent]
    if those := [role for role in TAKEN if role in not_taken]:
        me = select_value(session, "SELECT quote_ident(current_user)", None, str)
        statements.append(f"GRANT {', '.join(those)} TO {me}")
    if not statements:
        return None
    run = "as an administrator run " + "; ".join(statements)
    if absent:
        return f"roles for readers are missing: {run}; then run `orders-sync migrate` again"
    return f"the console reads with all rights of the service's role, which may not take those for readers: {run}"


def _grants(role: str, columns: str, *, has_views: bool, has_jobs: bool) -> Iterator[str]:
    """Yield the statements for one role. `columns`: those of orders without personal data."""
    sees_personal_data, sees_ledger = role in (PII_READER, CONSOLE), role in (OPERATOR, CONSOLE)
    yield f"GRANT USAGE ON SCHEMA public TO {role}"
    yield f"GRANT SELECT ON {_IMPERSONAL} TO {role}"
    yield f"GRANT SELECT ({columns}) ON orders TO {role}"
    if has_views:
        yield f"GRANT USAGE ON SCHEMA bi TO {role}"
        yield f"GRANT SELECT ON ALL TABLES IN SCHEMA bi TO {role}"
        yield f"ALTER DEFAULT PRIVILEGES IN SCHEMA bi GRANT SELECT ON TABLES TO {role}"
        if not sees_personal_data:
            yield f"REVOKE ALL ON bi.order_persons FROM {role}"
    if sees_personal_data:
        yield f"GRANT SELECT ON orders, order_receivers, raw_orders TO {role}"
        yield f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {role}"
    if sees_ledger:
        yield f"GRANT USAGE ON SCHEMA sync TO {role}"
        yield f"GRANT SELECT ON {_LEDGER} TO {role}"
        yield f"GRANT SELECT ({_REJECTS}) ON sync.rejects TO {role}"
        yield f"GRANT SELECT ({_MESSAGES}) ON sync.messages TO {role}"
        yield f"GRANT INSERT (account, feed, starts_at, ends_at, everything) ON sync.backfills TO {role}"
        yield f"GRANT EXECUTE ON FUNCTION {_BACKFILL_FUNCTIONS} TO {role}"
        yield f"GRANT INSERT ({_ACTIVITY}) ON sync.activity TO {role}"
    if role == CONSOLE:
        yield f"GRANT SELECT ON ALL TABLES IN SCHEMA sync TO {role}"
        yield f"ALTER DEFAULT PRIVILEGES IN SCHEMA sync GRANT SELECT ON TABLES TO {role}"
        yield f"REVOKE ALL ON {_OF_THE_CONSOLE} FROM {role}"
    if sees_ledger and has_jobs:
        yield f"GRANT USAGE ON SCHEMA sync_jobs TO {role}"
        yield f"GRANT SELECT ON sync_jobs.procrastinate_jobs, sync_jobs.procrastinate_workers TO {role}"
