"""Settings of an account on 1688."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from msgspec import field

from orders_sync.domain.setting_types import BaseUrl, Text, matching, span
from orders_sync.platforms.account_settings import AccountSettings
from orders_sync.platforms.alibaba_1688.client import BASE_URL, LARGEST_PAGE, LONGEST_WINDOW

PAGE_SIZE = matching("[1-9][0-9]?|[1-5]00", "from 1 to 100, or 200, 300, 400 or 500 on 1688", int)


class Account1688(AccountSettings, frozen=True, kw_only=True):
    """An account on 1688."""

    base_url: BaseUrl = BASE_URL
    seller: Text = field(name="seller_nick")
    page_size: Annotated[int, PAGE_SIZE] = LARGEST_PAGE
    longest_window: Annotated[timedelta, span("1h", "28d", whole=True)] = LONGEST_WINDOW
