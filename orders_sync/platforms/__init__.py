"""One package an API. `PLATFORMS` is all of them by the name used in settings and tables."""

from orders_sync.platforms import alibaba_1688, xportcn_ka, xportcn_open
from orders_sync.platforms.contract import Ask, Hint, Page, Platform


def _collected() -> dict[str, Platform]:
    """Return every platform there is. All that differs by platform is found from here: settings, secrets, statuses."""
    return {package.PLATFORM.name: package.PLATFORM for package in (alibaba_1688, xportcn_open, xportcn_ka)}


PLATFORMS = _collected()

__all__ = ["PLATFORMS", "Ask", "Hint", "Page", "Platform"]
