"""Settings of an account on either Xportcn API."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from msgspec import field

from orders_sync.domain.secret import Secret
from orders_sync.domain.setting_types import BaseUrl, SecretText, span, text, whole
from orders_sync.platforms.account_settings import AccountWithHook
from orders_sync.platforms.xportcn.protocol import BASE_URL, LARGEST_PAGE, LONGEST_WINDOW, PAGE_SIZE


def _header(value: object) -> str:
    header = text(value)
    if not header.isascii():
        raise ValueError("must be ASCII: it travels in an HTTP header")
    return header


def _access_key(value: object) -> Secret:
    return Secret(_header(value))


class AccountXportcn(AccountWithHook, frozen=True, kw_only=True):
    """Xportcn's own words for the seller, the app and its secret, and the unit of the timestamps that are signed."""

    base_url: BaseUrl = BASE_URL
    seller: Annotated[str, _header] = field(name="user_id")
    app_id: Annotated[Secret, _access_key] = field(name="access_key")
    app_secret: SecretText = field(name="access_secret")
    page_size: Annotated[int, whole(1, LARGEST_PAGE)] = PAGE_SIZE
    longest_window: Annotated[timedelta, span("1h", "3650d", whole=True)] = LONGEST_WINDOW
    timestamp_unit: Literal["s", "ms"] = "s"  # the documents contradict each other (api-facts 1)
