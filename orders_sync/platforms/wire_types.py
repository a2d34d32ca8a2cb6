"""Types that a field of a wire struct is documented as. All are `Any`: the conversions judge whatever is sent.

A wire struct spells its fields as the platform does, and holds only those that become columns.
"""

from __future__ import annotations

from typing import Any, TypeAlias

Id: TypeAlias = Any  # text or number
Text: TypeAlias = Any
Time: TypeAlias = Any
Quantity: TypeAlias = Any  # may be a fraction
Yuan: TypeAlias = Any
Fen: TypeAlias = Any
Amount: TypeAlias = Any  # in a unit that is not documented
Json: TypeAlias = Any  # JSON in a string, or not in a string
