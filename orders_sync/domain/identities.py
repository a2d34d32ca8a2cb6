"""The accounts of the settings against those the tables know: who was renamed, replaced, removed or is back. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from orders_sync.domain.accounts import Account, Identity
from orders_sync.domain.errors import SettingsError

REPLACED = "~old"  # no name in the settings holds a ~, so a label made from one is never taken


@dataclass(frozen=True, slots=True)
class Known:
    """An account as `sync.accounts` has it. `host` is None where it was last synced by a version that kept none.

    `is_current`: neither removed from the settings nor retired, as far as the tables know.
    """

    name: str
    platform: str
    host: str | None
    seller: str
    is_current: bool = True

    def is_certainly(self, identity: Identity) -> bool:
        return (self.platform, self.host, self.seller) == identity

    def may_be(self, identity: Identity) -> bool:
        """Whether only the host, which is not known, could tell them apart."""
        return self.host is None and (self.platform, self.seller) == (identity.platform, identity.seller)

    def __str__(self) -> str:
        return str(Identity(self.platform, self.host or "a host not yet known", self.seller))


@dataclass(frozen=True, slots=True)
class Changes:
    """What has to change in the tables for them to agree with the settings.

    `renamed`: new names by old. `replaced`: the same, of accounts whose name means another one in the settings now.
    `hosts`: by the name the account has afterwards. `removed`, `returned`: names as they are afterwards.
    """

    renamed: dict[str, str] = field(default_factory=dict)
    replaced: dict[str, str] = field(default_factory=dict)
    hosts: dict[str, str] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)

    @property
    def labels(self) -> dict[str, str]:
        return {**self.renamed, **self.replaced}

    def __bool__(self) -> bool:
        return bool(self.labels or self.hosts or self.removed or self.returned)


def refuse_twins(accounts: Iterable[Account]) -> None:
    """Raise `SettingsError` where two accounts are one: the same seller on the same host of the same platform."""
    first: dict[Identity, str] = {}
    for account in accounts:
        other = first.setdefault(account.identity, account.name)
        if other != account.name:
            raise SettingsError(
                f"the accounts {other} and {account.name} are the same: {account.identity}. "
                "Its orders would be read twice: remove one of them"
            )


def compare(known: Sequence[Known], accounts: Sequence[Account]) -> Changes:
    """Hold all accounts of the settings, which must be different ones, against all that the tables know."""
    found = _matched(known, accounts)
    names = {account.name for account in accounts}
    taken = names | {each.name for each in known}
    changes = Changes()
    for account in accounts:
        match = found.get(account.name)
        if match is None:
            continue
        if match.name != account.name:
            changes.renamed[match.name] = account.name
        if match.host is None:
            changes.hosts[account.name] = account.identity.host
        if not match.is_current:
            changes.returned.append(account.name)
    matched = {match.name for match in found.values()}
    for each in known:
        if each.name in matched:
            continue
        if each.name in names:
            changes.replaced[each.name] = _free(each.name + REPLACED, taken)
        if each.is_current:
            changes.removed.append(changes.replaced.get(each.name, each.name))
    return changes


def _matched(known: Sequence[Known], accounts: Sequence[Account]) -> dict[str, Known]:
    """The account of the tables that each of the settings is, by its name there.

    One whose host is not known is the one of its name; else the only one it can be, if nobody else can be it.
    """
    found: dict[str, Known] = {}
    for account in accounts:
        for each in known:
            if each.is_certainly(account.identity):
                found[account.name] = each
    for account in accounts:
        for each in known:
            if account.name not in found and each.name == account.name and each.may_be(account.identity):
                found[account.name] = each
    taken = {each.name for each in found.values()}
    rest = [account for account in accounts if account.name not in found]
    for account in rest:
        candidates = [each for each in known if each.name not in taken and each.may_be(account.identity)]
        if len(candidates) == 1 and not any(
            candidates[0].may_be(other.identity) for other in rest if other.name != account.name
        ):
            found[account.name] = candidates[0]
    return found


def _free(label: str, taken: Collection[str]) -> str:
    number = 2
    free = label
    while free in taken:
        free = f"{label}{number}"
        number += 1
    return free
