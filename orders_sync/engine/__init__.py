"""plan -> read -> verdict -> land, for one pass over every account."""
