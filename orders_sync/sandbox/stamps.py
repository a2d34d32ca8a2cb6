"""How a platform writes numbers down: times, money, ids. The model has epoch seconds and fen, nothing else."""

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


@lru_cache(maxsize=256)  # an order writes the same two times on every line
def compact(second: int, offset: int = SHANGHAI) -> str:
    """`20240506162935000+0800`; `offset` in seconds east of UTC."""
    day, rest = divmod(second + offset, DAY)
    zone = "+0800" if offset == SHANGHAI else f"{'-' if offset < 0 else '+'}{abs(offset) // 36:04d}"
    return f"{_day(day)[0]}{rest // 3600:02d}{rest // 60 % 60:02d}{rest % 60:02d}000{zone}"


def local(second: int) -> str:
    """`2024-05-06 16:29:35` in Asia/Shanghai."""
    day, rest = divmod(second + SHANGHAI, DAY)
    return f"{_day(day)[1]} {rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"


def iso(second: int) -> str:
    """`2024-05-06T08:29:35+00:00`."""
    day, rest = divmod(second, DAY)
    return f"{_day(day)[1]}T{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}+00:00"


def epoch(text: str) -> int:
    """`2024-05-06 16:29:35` in Asia/Shanghai as an epoch second. Raises ValueError."""
    return int(datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()) - SHANGHAI


def yuan_text(fen: int) -> str:
    """Fen as the platforms write yuan: 6900 -> "69", 430 -> "4.3", -3989 -> "-39.89"."""
    whole, part = divmod(abs(fen), 100)
    text = f"{whole}.{part:02d}".rstrip("0").rstrip(".") if part else str(whole)
    return f"-{text}" if fen < 0 else text


def yuan_number(fen: int) -> float | int:
    """Fen as a JSON number of yuan."""
    return fen / 100 if fen % 100 else fen // 100


def yuan_decimal(fen: int) -> str:
    """Fen as a decimal string with two places: how the truth says it."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def damaged(number: int) -> int:
    """What a JavaScript program prints for a 64-bit id: 3876532491612498520 -> 3876532491612498400 (seed 1688)."""
    digits, _, exponent = repr(float(number)).partition("e+")
    if not exponent:
        return int(float(number))
    whole, _, part = digits.partition(".")
    return int(whole + part + "0" * (int(exponent) - len(part)))


def snowflake(milliseconds: int, low: int) -> int:
    """An Xportcn id: milliseconds since 2016-01-01 +08 above 22 low bits (api-facts 1)."""
    return (milliseconds - XPORTCN_EPOCH_MS) << 22 | low & 0x3FFFFF
