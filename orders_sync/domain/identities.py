"""Compare the accounts of the settings with those in the tables: renamed, replaced, removed or returned. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from orders_sync.domain.accounts import Account, Identity
from orders_sync.domain.errors import SettingsError

REPLACED = "~old"  # names in the settings hold no ~, so such a label is never taken


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """An account in `sync.accounts`. `host` is None if it was last synced by a version that stored none.

    `is_current`: neither removed from the settings nor retired.
    """

    name: str
    platform: str
    host: str | None
    seller: str
    is_current: bool = True

    def is_certainly(self, identity: Identity) -> bool:
        """Tell whether they match, the known host included."""
        return (self.platform, self.host, self.seller) == identity

    def may_be(self, identity: Identity) -> bool:
        """Return whether they match but for the host, which is unknown."""
        return self.host is None and (self.platform, self.seller) == (identity.platform, identity.seller)

    def __str__(self) -> str:
        return str(Identity(self.platform, self.host or "a host not yet known", self.seller))


@dataclass(frozen=True, slots=True)
class IdentityChanges:
    """Changes that make the tables agree with the settings.

    `renamed`: new names by old. `replaced`: the same for accounts whose name the settings now use for another one.
    `hosts`: by the new name. `removed`, `returned`: new names.
    """

    renamed: dict[str, str] = field(default_factory=dict)
    replaced: dict[str, str] = field(default_factory=dict)
    hosts: dict[str, str] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)

    @property
    def labels(self) -> dict[str, str]:
        """New names by present ones."""
        return {**self.renamed, **self.replaced}

    def __bool__(self) -> bool:
        return bool(self.labels or self.hosts or self.removed or self.returned)


def reject_duplicates(accounts: Iterable[Account]) -> None:
    """Raise `SettingsError` if two accounts have the same identity."""
    first: dict[Identity, str] = {}
    for account in accounts:
        other = first.setdefault(account.identity, account.name)
        if other != account.name:
            raise SettingsError(
                f"the accounts {other} and {account.name} are the same: {account.identity}. "
                "Its orders would be read twice: remove one of them"
            )


def compare(known: Sequence[KnownAccount], accounts: Sequence[Account]) -> IdentityChanges:
    """Compare all accounts of the settings, of different identities, with all accounts of the tables."""
    found = _matched(known, accounts)
    names = {account.name for account in accounts}
    taken = names | {each.name for each in known}
    changes = IdentityChanges()
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


def _matched(known: Sequence[KnownAccount], accounts: Sequence[Account]) -> dict[str, KnownAccount]:
    """Return the matching account of the tables by name in the settings.

    One whose host is unknown matches the account of its name; else the only candidate, if it has no other match.
    """
    found: dict[str, KnownAccount] = {}
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
