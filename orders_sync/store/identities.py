"""Identity of accounts: names in the settings are labels, and the tables follow when one changes.

    name      platform, host, seller
    new       known                    renamed: everything that belongs to the account moves to its new name
    known     new                      a new account; the former one of that name is kept as `name~old`
    gone      gone                     removed: nobody refreshes its orders; unless a running process has it

A label is moved everywhere in one transaction in which nobody can land or claim. Windows being read then are taken from
their readers: what these still land fails at its fence (P5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from orders_sync.domain.activity import NOBODY, Action, Actor, Origin
from orders_sync.domain.errors import NotFoundError, UsageError
from orders_sync.domain.identities import IdentityChanges, KnownAccount, ListedAccount, compare
from orders_sync.domain.local_times import stamp
from orders_sync.store import activity, locks, overview
from orders_sync.store.database import Session
from orders_sync.store.database_errors import plain_words
from orders_sync.store.ownership import HAND_OVER
from orders_sync.store.queries import select_rows

_KNOWN = """
SELECT name, platform, host, seller, removed_at IS NULL AND retired_at IS NULL AS is_current
FROM sync.accounts ORDER BY name
"""
# in the order in which a landing and a plan lock them; readers are not kept out
_EXCLUDE = """
LOCK TABLE sync.notices, raw_orders, orders, sync.shared_orders, sync.rejects, sync.accounts, sync.windows,
    sync.backfills, sync.messages, sync.audits, sync.activity, sync.requests IN EXCLUSIVE MODE
"""
_FENCE = """
UPDATE sync.windows SET state = 'planned', fence = nextval('sync.fences')
WHERE account = ANY(%s) AND state = 'running'
"""
_MERGE = (
    """DELETE FROM sync.rejects AS r WHERE account = %(old)s AND EXISTS (
        SELECT FROM sync.rejects WHERE account = %(new)s AND payload_hash = r.payload_hash)""",
    "UPDATE sync.rejects SET account = %(new)s WHERE account = %(old)s",
    "UPDATE raw_orders SET account = %(new)s WHERE account = %(old)s",
    "UPDATE orders SET account = %(new)s, synced_at = now() WHERE account = %(old)s",
    "DELETE FROM sync.shared_orders WHERE account = %(old)s",
    "DELETE FROM sync.windows WHERE account = %(old)s",
    "DELETE FROM sync.backfills WHERE account = %(old)s",
    "DELETE FROM sync.messages WHERE account = %(old)s",
    "DELETE FROM sync.requests WHERE account = %(old)s",
    "DELETE FROM sync.audit_differences WHERE audit_id IN (SELECT id FROM sync.audits WHERE account = %(old)s)",
    "DELETE FROM sync.audits WHERE account = %(old)s",
    "UPDATE sync.activity SET account = %(new)s WHERE account = %(old)s",
    "DELETE FROM sync.notices WHERE subject = %(old)s",
    "DELETE FROM sync.accounts WHERE name = %(old)s",
)
# orders of accounts that left the settings, until somebody says that they need no refresh
_UNREFRESHED = """
SELECT a.name, a.removed_at, count(*)::int AS orders,
    count(*) FILTER (WHERE NOT coalesce(s.is_final, false))::int AS changing
FROM sync.accounts AS a JOIN orders AS o ON o.account = a.name
LEFT JOIN order_statuses AS s ON (s.platform, s.status) = (o.platform, o.status)
WHERE a.removed_at IS NOT NULL AND a.retired_at IS NULL GROUP BY a.name ORDER BY a.name
"""
_UNIQUE = ("sync.rejects", "sync.messages", "sync.shared_orders")
_PLAIN = ("raw_orders", "sync.windows", "sync.backfills", "sync.audits", "sync.activity", "sync.requests")
# prefix of a label that nobody has: two accounts that change labels go by it, for no two may have one label in between
_BETWEEN = "~moving~"
_MOVE = """
UPDATE {table} AS t SET {column} = l.new{more}
FROM unnest(%s::text[], %s::text[]) AS l (old, new) WHERE t.{column} = l.old
"""


class _Unrefreshed(msgspec.Struct, frozen=True):
    name: str
    removed_at: datetime
    orders: int
    changing: int  # not final


def register(
    connection: Session,
    accounts: Sequence[ListedAccount],
    *,
    renames: bool = True,
    actor: Actor = Actor(NOBODY, Origin.CLI),  # noqa: B008 - immutable
) -> list[str]:
    """Make the tables agree with all accounts of the settings; return what was changed, in sentences.

    What is renamed, removed or returned is recorded as an action of `actor`.

    An account that another process has in its settings is not removed while that one runs. `renames`: False to change
    nothing where an account would get another name.

    Raises `DatabaseError`.
    """
    with plain_words(connection.info.dsn):
        elsewhere = {name for each in overview.processes(connection) if each.is_alive for name in each.accounts}
        changes = compare(_known(connection), accounts, elsewhere)
        if not changes or (changes.labels and not renames):
            return []
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [locks.NAMES])
            if compare(_known(connection), accounts, elsewhere).labels:
                connection.execute(_EXCLUDE)
            known = _known(connection)
            changes = compare(known, accounts, elsewhere)
            _apply(connection, changes)
            _record(connection, actor, changes)
        connection.execute(HAND_OVER, [changes.removed])  # alone: a landing locks orders before accounts
    return _sentences(changes, {each.name: each for each in known}, accounts)


def awaited_renames(connection: Session, accounts: Sequence[ListedAccount]) -> dict[str, str]:
    """Return what makes the tables follow a new name in the settings, by the account's name in the tables.

    Until then, tables and running processes know the account by its former name.
    """
    known = _known(connection)
    by_name = {each.name: each for each in known}
    names = [(by_name.get(each.name or ""), each.identity) for each in accounts]
    if all(identity and same and same.is_certainly(identity) for same, identity in names):
        return {}  # the usual case, without comparing every account with every other
    renamed = compare(known, accounts).renamed
    to_reload = [
        each for each in overview.processes(connection) if each.is_alive and renamed.keys() & set(each.accounts)
    ]
    those = ", ".join(f"process {each.pid} on {each.host}" for each in to_reload)
    advice = f"reload (SIGHUP) {those}" if to_reload else "the next `orders-sync sync` or `run` renames it"
    return {
        old: f"the settings rename {old} to {new}, and the tables still have its orders and state as {old}: {advice}"
        for old, new in renamed.items()
    }


def unrefreshed(connection: Session) -> list[str]:
    """Return a sentence with the remedy for each account whose orders are no longer refreshed."""
    with plain_words(connection.info.dsn):
        return [
            f"{each.name}: not in the settings since {stamp(each.removed_at)}: nothing refreshes its "
            f"{each.orders:,} orders, {each.changing:,} of which can still change. Put it back, or `orders-sync "
            f"accounts retire {each.name}`"
            for each in select_rows(connection, _UNREFRESHED, None, _Unrefreshed)
        ]


def rename(connection: Session, actor: Actor, old: str, new: str) -> None:
    """Give an account another label, and record who did. Raises `NotFoundError` and `UsageError`."""
    with plain_words(connection.info.dsn), connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [locks.NAMES])
        connection.execute(_EXCLUDE)
        names = {each.name for each in _known(connection)}
        if old not in names:
            raise NotFoundError(f"no account is known as {old}: `orders-sync accounts list` shows every account")
        if new in names:
            raise UsageError(f"an account is known as {new} already; `accounts merge` makes one of two")
        move(connection, {old: new})
        details = {"was": old}
        activity.record_blocking(connection, actor, Action.ACCOUNT_RENAME, account=new, details=details)


def retire(connection: Session, actor: Actor, name: str) -> None:
    """Record that the account's orders need no refresh, and who said so.

    Orders that another account lists become that one's.

    Raises `NotFoundError` for an unknown account.
    """
    query = "UPDATE sync.accounts SET retired_at = now(), updated_at = now() WHERE name = %s"
    with plain_words(connection.info.dsn):
        with connection.transaction():
            if connection.execute(query, [name]).rowcount == 0:
                raise NotFoundError(f"no account is known as {name}: `orders-sync accounts list` shows every account")
            activity.record_blocking(connection, actor, Action.ACCOUNT_RETIRE, account=name)
        connection.execute(HAND_OVER, [[name]])


def merge(connection: Session, actor: Actor, old: str, new: str) -> None:
    """Give all orders and rejects of an account to another one of the same shop, remove the first, record who did.

    Its ledger is removed too: the other has a proof of its own. Raises `NotFoundError`.
    """
    with plain_words(connection.info.dsn), connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [locks.NAMES])
        connection.execute(_EXCLUDE)
        platforms = {each.name: each.platform for each in _known(connection)}
        if old == new or old not in platforms or platforms.get(new) != platforms[old]:
            raise NotFoundError(f"{old} and {new} are not two known accounts of one platform: see `accounts list`")
        for statement in _MERGE:
            connection.execute(statement, {"old": old, "new": new})
        details = {"merged": old}
        activity.record_blocking(connection, actor, Action.ACCOUNT_MERGE, account=new, details=details)


def move(connection: Session, labels: Mapping[str, str]) -> None:
    """Give accounts other labels, by their present ones. In a transaction that holds `_EXCLUDE`."""
    old, new = list(labels), list(labels.values())
    between = [_BETWEEN + each for each in old]
    connection.execute(_FENCE, [old])
    _update(connection, "orders", old, new, ", synced_at = now()")
    for table in _PLAIN:
        _update(connection, table, old, new)
    for table in _UNIQUE:
        _update(connection, table, old, between)
        _update(connection, table, between, new)
    _update(connection, "sync.notices", old, between, "", "subject")
    connection.execute("DELETE FROM sync.notices WHERE subject = ANY(%s)", [new])  # of accounts there were before
    _update(connection, "sync.notices", between, new, "", "subject")
    _update(connection, "sync.accounts", old, between, ", updated_at = now()", "name")
    _update(connection, "sync.accounts", between, new, "", "name")


def _update(
    connection: Session, table: str, old: list[str], new: list[str], more: str = "", column: str = "account"
) -> None:
    connection.execute(_MOVE.format(table=table, column=column, more=more).encode(), [old, new])


def _known(connection: Session) -> list[KnownAccount]:
    return select_rows(connection, _KNOWN, None, KnownAccount)


def _apply(connection: Session, changes: IdentityChanges) -> None:
    if changes.labels:
        move(connection, changes.labels)
    for name, host in changes.hosts.items():
        connection.execute("UPDATE sync.accounts SET host = %s, updated_at = now() WHERE name = %s", [host, name])
    connection.execute(
        """
        UPDATE sync.accounts SET removed_at = CASE WHEN name = ANY(%(removed)s) THEN now() END, retired_at = NULL,
            updated_at = now()
        WHERE name = ANY(%(removed)s) OR name = ANY(%(returned)s)
        """,
        {"removed": changes.removed, "returned": changes.returned},
    )


def _record(connection: Session, actor: Actor, changes: IdentityChanges) -> None:
    for old, new in changes.labels.items():
        details = {"was": old, "by": "the settings"}
        activity.record_blocking(connection, actor, Action.ACCOUNT_RENAME, account=new, details=details)
    found = ((Action.ACCOUNT_REMOVE, changes.removed), (Action.ACCOUNT_RETURN, changes.returned))
    for action, names in found:
        for name in names:
            activity.record_blocking(connection, actor, action, account=name, details={"by": "the settings"})


def _sentences(
    changes: IdentityChanges, known: Mapping[str, KnownAccount], accounts: Sequence[ListedAccount]
) -> list[str]:
    now = {account.name: account.identity for account in accounts}
    removed = [name for name in changes.removed if name not in changes.replaced.values()]
    return [
        *(f"{old} was renamed to {new}, with its orders and its history" for old, new in changes.renamed.items()),
        *(
            f"{old} is another account now, {now[old]}: its history is read from the beginning. The former one, "
            f"{known[old]}, is kept as {label}, and nothing refreshes its orders"
            for old, label in changes.replaced.items()
        ),
        *(f"{name} is not in the settings any more: nothing refreshes its orders" for name in removed),
    ]
