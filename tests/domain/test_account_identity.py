"""The accounts of the settings against those of the tables: who was renamed, replaced, removed, or is back."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from orders_sync.domain.accounts import Account, Identity, host_of
from orders_sync.domain.identities import IdentityChanges, KnownAccount, compare


def account(name: str, seller: str, host: str = "h", platform: str = "1688", app: str = "app") -> Account:
    return Account(name, platform, f"https://{host}", seller, app, "secret")


def known(
    name: str, seller: str, host: str | None = "h", platform: str = "1688", *, is_current: bool = True
) -> KnownAccount:
    return KnownAccount(name, platform, host, seller, is_current)


@dataclass(frozen=True)
class Uncertain:
    """An account of the settings with a mistake in its name, or in what it is."""

    name: str | None
    identity: Identity | None = None


@pytest.mark.parametrize(
    "base_url",
    [
        "https://kf.fw199.com",
        "http://kf.fw199.com",
        "https://KF.fw199.com/",
        "https://kf.fw199.com:443/api/",
        "http://kf.fw199.com:80",
        "https://kf.fw199.com.",
    ],
)
def test_scheme_path_case_and_the_scheme_s_own_port_are_no_part_of_the_host(base_url: str) -> None:
    assert host_of(base_url) == "kf.fw199.com"


def test_another_port_is_another_host() -> None:
    assert host_of("http://127.0.0.1:8080/api") == "127.0.0.1:8080"
    assert host_of("http://[::1]:8080") == "[::1]:8080"
    assert host_of("http://[::1]:80/") == "[::1]"


def test_the_app_and_the_name_are_no_part_of_who_an_account_is() -> None:
    assert account("a", "s", app="one").identity == account("b", "s", app="two").identity


@pytest.mark.parametrize(
    "other", [account("b", "t"), account("b", "s", "h2"), account("b", "s", platform="xportcn_ka")]
)
def test_one_seller_on_two_hosts_or_platforms_is_two_accounts(other: Account) -> None:
    known_both = [known("a", "s"), known(other.name, other.seller, other.identity.host, other.platform)]
    assert not compare(known_both, [account("a", "s"), other])


def test_nothing_changes_where_tables_and_settings_agree() -> None:
    assert not compare([known("a", "s"), known("b", "t", is_current=False)], [account("a", "s"), account("new", "n")])


def test_a_known_account_under_a_new_name_is_renamed() -> None:
    assert compare([known("a", "s")], [account("b", "s")]) == IdentityChanges(renamed={"a": "b"})


def test_names_that_are_swapped_are_swapped() -> None:
    changes = compare([known("a", "s"), known("b", "t")], [account("a", "t"), account("b", "s")])
    assert changes == IdentityChanges(renamed={"a": "b", "b": "a"})


@pytest.mark.parametrize("now", [account("a", "t"), account("a", "s", "h2"), account("a", "s", platform="xportcn_ka")])
def test_another_seller_host_or_platform_behind_a_name_is_a_new_account(now: Account) -> None:
    assert compare([known("a", "s")], [now]) == IdentityChanges(replaced={"a": "a~old"}, removed=["a~old"])


def test_a_former_account_is_kept_beside_one_before_it() -> None:
    changes = compare([known("a", "t"), known("a~old", "s", is_current=False)], [account("a", "u")])
    assert changes == IdentityChanges(replaced={"a": "a~old2"}, removed=["a~old2"])


def test_a_former_account_that_is_back_gets_its_name_again() -> None:
    changes = compare([known("a", "t"), known("a~old", "s", is_current=False)], [account("a", "s")])
    assert changes == IdentityChanges(
        renamed={"a~old": "a"}, replaced={"a": "a~old2"}, removed=["a~old2"], returned=["a"]
    )


def test_a_name_that_moves_on_to_another_known_account_pushes_nobody_out() -> None:
    changes = compare([known("a", "s"), known("b", "t")], [account("b", "s")])
    assert changes == IdentityChanges(renamed={"a": "b"}, replaced={"b": "b~old"}, removed=["b~old"])


def test_an_account_that_is_gone_is_removed_once_and_returns() -> None:
    assert compare([known("a", "s")], []) == IdentityChanges(removed=["a"])
    assert not compare([known("a", "s", is_current=False)], [])
    assert compare([known("a", "s", is_current=False)], [account("a", "s")]) == IdentityChanges(returned=["a"])


# rows of a version that kept no host


def test_a_host_not_known_is_filled_by_the_account_of_that_name() -> None:
    assert compare([known("a", "s", None)], [account("a", "s")]) == IdentityChanges(hosts={"a": "h"})


def test_a_host_not_known_is_filled_by_the_only_account_it_can_be() -> None:
    assert compare([known("a", "s", None)], [account("b", "s")]) == IdentityChanges(
        renamed={"a": "b"}, hosts={"b": "h"}
    )


def test_a_host_not_known_that_two_could_fill_is_left_to_its_name() -> None:
    both = [account("a", "s", "h1"), account("b", "s", "h2")]
    assert compare([known("a", "s", None)], both) == IdentityChanges(hosts={"a": "h1"})
    assert compare([known("c", "s", None)], both) == IdentityChanges(removed=["c"])


def test_of_two_that_could_be_the_account_none_is_guessed() -> None:
    changes = compare([known("a", "s", None), known("b", "s", None)], [account("c", "s")])
    assert changes == IdentityChanges(removed=["a", "b"])


def test_another_seller_behind_a_name_whose_host_is_not_known_is_a_new_account() -> None:
    assert compare([known("a", "s", None)], [account("a", "t")]) == IdentityChanges(
        replaced={"a": "a~old"}, removed=["a~old"]
    )


def test_an_account_with_a_mistake_keeps_what_is_its_own() -> None:
    both = [known("a", "s"), known("b", "t")]
    assert not compare(both, [account("b", "t"), Uncertain("a")])
    assert not compare(both, [account("b", "t"), Uncertain(None, account("a", "s").identity)])
    assert not compare([known("a", "s", None)], [Uncertain(None, account("a", "s").identity)])


def test_an_account_that_may_be_any_keeps_all_and_the_others_are_renamed_all_the_same() -> None:
    three = [known("a", "s"), known("b", "t"), known("c", "u")]
    for uncertain in (Uncertain(None), Uncertain("new")):
        assert compare(three, [account("b2", "t"), uncertain]) == IdentityChanges(renamed={"b": "b2"})


def test_an_account_with_a_mistake_that_is_found_keeps_no_removed_one() -> None:
    three = [known("a", "s"), known("b", "t"), known("c", "u")]
    assert compare(three, [account("b", "t"), Uncertain("a")]) == IdentityChanges(removed=["c"])


def test_a_new_account_with_the_former_name_of_another_keeps_nothing_from_being_renamed() -> None:
    assert compare([known("a", "s"), known("c", "u")], [account("b", "s"), Uncertain("a")]) == IdentityChanges(
        renamed={"a": "b"}
    )


def test_of_two_names_of_one_account_the_first_counts() -> None:
    two = [account("a", "s"), account("b", "s")]
    assert not compare([known("a", "s")], two)
    assert compare([known("b", "s")], two) == IdentityChanges(renamed={"b": "a"})
    assert not compare([known("b", "s")], [two[1], two[0]])
