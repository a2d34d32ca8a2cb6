"""Compare the accounts of the settings with those in the tables: renamed, replaced, removed or returned. Pure.

An account of the settings with a mistake in its name, platform, host or seller may be any account of the tables. The
one of its name or of its identity is left as it is. Where its identity cannot be told and no account has its name,
none counts as removed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from orders_sync.domain.accounts import Identity

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
        return self.host is not None and Identity(self.platform, self.host, self.seller) == identity

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


class ListedAccount(Protocol):
    """An account of the settings. `name` and `identity` are None where a mistake keeps them from being known."""

    @property
    def name(self) -> str | None:
        """Its label."""
        ...

    @property
    def identity(self) -> Identity | None:
        """Platform, host and seller, whose orders it lists."""
        ...


def compare(
    known: Sequence[KnownAccount], accounts: Sequence[ListedAccount], elsewhere: Collection[str] = ()
) -> IdentityChanges:
    """Compare all accounts of the settings with all of the tables. Of two with one identity the first counts.

    `elsewhere`: names in the settings of other processes that run; none of these accounts is removed.
    """
    identities: dict[str, Identity] = {}
    seen: set[Identity] = set()
    uncertain = []
    for account in accounts:
        if account.name is None or account.identity is None or account.identity in seen:
            uncertain.append(account)
        else:
            seen.add(account.identity)
            identities[account.name] = account.identity
    found = _matched(known, identities)
    matched = {match.name for match in found.values()}
    rest = [each for each in known if each.name not in matched]
    kept = {each.name for each in rest for other in uncertain if _is_probably(each, other)}
    may_be_any = any(each.identity is None and each.name not in kept for each in uncertain)
    taken = identities.keys() | {each.name for each in known}
    changes = IdentityChanges()
    for name, match in found.items():
        if match.name != name:
            changes.renamed[match.name] = name
        if match.host is None:
            changes.hosts[name] = identities[name].host
        if not match.is_current:
            changes.returned.append(name)
    for each in rest:
        if each.name in kept:
            continue
        if each.name in identities:
            changes.replaced[each.name] = _free(each.name + REPLACED, taken)
        label = changes.replaced.get(each.name, each.name)
        if each.is_current and not may_be_any and label not in elsewhere:
            changes.removed.append(label)
    return changes


def _is_probably(known: KnownAccount, account: ListedAccount) -> bool:
    if account.identity is None:
        return known.name == account.name
    return known.is_certainly(account.identity) or known.may_be(account.identity)


def _matched(known: Sequence[KnownAccount], identities: Mapping[str, Identity]) -> dict[str, KnownAccount]:
    """Return the matching account of the tables by name in the settings, in the order of the settings.

    One whose host is unknown matches the account of its name; else the only candidate, if it has no other match.
    """
    found: dict[str, KnownAccount] = {}
    for name, identity in identities.items():
        for each in known:
            if each.is_certainly(identity):
                found[name] = each
    for name, identity in identities.items():
        for each in known:
            if name not in found and each.name == name and each.may_be(identity):
                found[name] = each
    taken = {each.name for each in found.values()}
    rest = {name: identity for name, identity in identities.items() if name not in found}
    for name, identity in rest.items():
        candidates = [each for each in known if each.name not in taken and each.may_be(identity)]
        if len(candidates) == 1 and not any(
            candidates[0].may_be(other) for other_name, other in rest.items() if other_name != name
        ):
            found[name] = candidates[0]
    return {name: found[name] for name in identities if name in found}


def _free(label: str, taken: Collection[str]) -> str:
    number = 2
    free = label
    while free in taken:
        free = f"{label}{number}"
        number += 1
    return free
