"""Formats of times, amounts and ids in platform records. Inputs are epoch seconds and fen."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

SHANGHAI = 8 * 3600
DAY = 86400
XPORTCN_EPOCH_MS = 1451577600000  # 2016-01-01 00:00 +08, api-facts 1


@lru_cache(maxsize=4096)
def _day(day: int) -> tuple[str, str]:
    date = datetime.fromtimestamp(day * DAY, UTC)
    return date.strftime("%Y%m%d"), date.strftime("%Y-%m-%d")


@lru_cache(maxsize=256)  # all lines of an order repeat the same two times
def compact_time(second: int, offset: int = SHANGHAI) -> str:
    """Format as `20240506162935000+0800`. `offset` is in seconds east of UTC."""
    day, rest = divmod(second + offset, DAY)
    zone = "+0800" if offset == SHANGHAI else f"{'-' if offset < 0 else '+'}{abs(offset) // 36:04d}"
    return f"{_day(day)[0]}{rest // 3600:02d}{rest // 60 % 60:02d}{rest % 60:02d}000{zone}"


def local_time(second: int) -> str:
    """Format as `2024-05-06 16:29:35` in Asia/Shanghai."""
    day, rest = divmod(second + SHANGHAI, DAY)
    return f"{_day(day)[1]} {rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"


def iso_time(second: int) -> str:
    """Format as `2024-05-06T08:29:35+00:00`, in UTC."""
    day, rest = divmod(second, DAY)
    return f"{_day(day)[1]}T{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}+00:00"


def parse_local_time(text: str) -> int:
    """Parse `2024-05-06 16:29:35` in Asia/Shanghai to epoch seconds. Raises ValueError."""
    return int(datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()) - SHANGHAI


def yuan_text(fen: int) -> str:
    """Format fen as yuan without trailing zeros: 6900 -> "69", 430 -> "4.3", -3989 -> "-39.89"."""
    whole, part = divmod(abs(fen), 100)
    text = f"{whole}.{part:02d}".rstrip("0").rstrip(".") if part else str(whole)
    return f"-{text}" if fen < 0 else text


def yuan_number(fen: int) -> float | int:
    """Convert fen to a JSON number of yuan; an integer where possible."""
    return fen / 100 if fen % 100 else fen // 100


def yuan_decimal(fen: int) -> str:
    """Format fen as yuan with two decimal places, as expected values are written."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def rounded_to_double(number: int) -> int:
    """Return the integer that JavaScript prints for a 64-bit id, which it holds as a double.

    3876532491612498520 -> 3876532491612498400, as in the 1688 sample response.
    """
    digits, _, exponent = repr(float(number)).partition("e+")
    if not exponent:
        return int(float(number))
    whole, _, part = digits.partition(".")
    return int(whole + part + "0" * (int(exponent) - len(part)))


def snowflake_id(milliseconds: int, low: int) -> int:
    """Return an Xportcn id: milliseconds since 2016-01-01 +08, shifted left by 22 bits, and `low` (api-facts 1)."""
    return (milliseconds - XPORTCN_EPOCH_MS) << 22 | low & 0x3FFFFF
