"""Settings of an account on Example Shop."""

from __future__ import annotations

from typing import Annotated

from msgspec import field

from example_shop.client import BASE_URL, LARGEST_PAGE
from orders_sync.domain.setting_types import AppId, BaseUrl, SecretText, Text, whole
from orders_sync.platforms.account_settings import AccountWithHook


class ExampleShopAccount(AccountWithHook, frozen=True, kw_only=True):
    """`name=` renames a key that every account has to the marketplace's own word.

    `session_token` is a key of this platform alone; by its type it is redacted in logs and may come from a variable or
    a file.
    """

    base_url: BaseUrl = BASE_URL
    seller: Text = field(name="shop")
    app_id: AppId = field(name="app_key")
    session_token: SecretText
    page_size: Annotated[int, whole(1, LARGEST_PAGE)] = LARGEST_PAGE
