"""The settings of its platform alone that an account holds."""

from __future__ import annotations

from dataclasses import replace

from orders_sync.domain.accounts import Account
from orders_sync.domain.secret import Secret

ACCOUNT = Account("shop", "other", "https://h", "s", "app", "secret")
TOKEN = "a-third-credential-wombat"
WITH_TOKEN = replace(ACCOUNT, own={"session_token": Secret(TOKEN), "unit": "ms"})


def test_a_credential_of_the_platforms_own_is_in_no_quoted_answer_and_in_no_repr_P8() -> None:
    assert WITH_TOKEN.redact(f"bad token {TOKEN}, unit ms") == "bad token ***, unit ms"
    assert TOKEN not in f"{WITH_TOKEN!r} {WITH_TOKEN}"


def test_no_credential_of_the_app_is_in_a_repr_P8() -> None:
    account = replace(ACCOUNT, app_id="app-id-wombat", app_secret="app-secret-wombat")
    assert "wombat" not in f"{account!r} {account} {[account]} {account.identity!r}"
    assert "shop" in repr(account)


def test_another_credential_of_the_platforms_own_is_another_fingerprint() -> None:
    assert ACCOUNT.fingerprint != WITH_TOKEN.fingerprint
    assert WITH_TOKEN.fingerprint != replace(ACCOUNT, own={"session_token": Secret("another")}).fingerprint
    assert ACCOUNT.fingerprint == replace(ACCOUNT, own={"unit": "s"}).fingerprint


def test_an_account_can_be_a_key() -> None:
    assert {WITH_TOKEN: 1}[replace(WITH_TOKEN)] == 1
