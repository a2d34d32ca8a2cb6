"""Plan, read, decide and land: the work on the accounts."""
