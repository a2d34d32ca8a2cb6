"""Settings of an account on either Xportcn API."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Literal

from msgspec import field

from orders_sync.domain.accounts import Account
from orders_sync.domain.secret import Secret
from orders_sync.domain.setting_types import BaseUrl, SecretText, secret, span, text, whole
from orders_sync.platforms.account_settings import AccountSettings
from orders_sync.platforms.xportcn_protocol import BASE_URL, LARGEST_PAGE, LONGEST_WINDOW, PAGE_SIZE


def _header(value: object) -> str:
    header = text(value)
    if not header.isascii():
        raise ValueError("must be ASCII: it travels in an HTTP header")
    return header


def _access_key(value: object) -> Secret:
    return Secret(_header(value))


def _hook_token(value: object) -> Secret:
    token = secret(value)
    if not re.fullmatch(r"[A-Za-z0-9._~-]{16,255}", token.reveal()):
        raise ValueError("must be 16 to 255 of letters, digits, - . _ ~: it is the end of a URL that nobody may guess")
    return token


class AccountXportcn(AccountSettings, frozen=True, kw_only=True):
    """`hook_token`: the last part of the address its messages come to; None: it takes none."""

    base_url: BaseUrl = BASE_URL
    seller: Annotated[str, _header] = field(name="user_id")
    app_id: Annotated[Secret, _access_key] = field(name="access_key")
    app_secret: SecretText = field(name="access_secret")
    page_size: Annotated[int, whole(1, LARGEST_PAGE)] = PAGE_SIZE
    longest_window: Annotated[timedelta, span("1h", "3650d", whole=True)] = LONGEST_WINDOW
    hook_token: Annotated[Secret, _hook_token] | None = None
    timestamp_unit: Literal["s", "ms"] = "s"

    def account(self) -> Account:
        return replace(super().account(), timestamp_unit=self.timestamp_unit)
