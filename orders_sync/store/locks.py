"""Keys of the advisory locks, which hold between all processes of one database.

Keys of one number and keys of two (the second is `hashtext` of a name) are apart in Postgres, so `NOTICES` and
`REJECTS` do not block each other. The numbers stay: processes of two versions may run beside each other.
"""

from __future__ import annotations

MIGRATION = 0x6F72_6465_7273  # "orders": one process migrates at a time

CLAIMS = 0x6F72  # and an account: who holds it claims windows of the account
REJECTS = 0x6F74  # and a platform: who holds it stores or settles rejects of the platform
RETENTION = 0x6F73  # who holds it removes what is old
NOTICES = 0x6F74  # who holds it decides which notices people get
NAMES = 0x6F75  # who holds it changes names of accounts
PRODUCT_FIGURES = 0x6F76  # who holds it makes figures of products anew
