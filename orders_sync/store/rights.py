"""Rights that a role needs in its database, and the statements that grant them."""

from __future__ import annotations

# TEMP: changed orders are staged in temporary tables
_TO_USE = "has_database_privilege(current_database(), 'TEMP'), 'GRANT TEMP ON DATABASE ' || db"
_TO_MIGRATE = (
    "has_database_privilege(current_database(), 'CREATE') OR to_regnamespace('sync_jobs') IS NOT NULL,"
    " 'GRANT CREATE ON DATABASE ' || db",
    "to_regnamespace('public') IS NULL OR has_schema_privilege(to_regnamespace('public'), 'CREATE'),"
    " 'GRANT CREATE, USAGE ON SCHEMA public'",
    "to_regnamespace('sync') IS NULL OR has_schema_privilege(to_regnamespace('sync'), 'CREATE'),"
    " 'GRANT CREATE, USAGE ON SCHEMA sync'",
)


def missing(*, migrates: bool) -> str:
    """Return a query for the statements that give this role what it lacks.

    They are GRANTs, and CREATE SCHEMA where there is no schema public. `migrates`: also what changing tables needs.
    """
    rights = [_TO_USE, *(_TO_MIGRATE if migrates else ())]
    return f"""
    SELECT grant_it || ' TO ' || quote_ident(current_user)
    FROM quote_ident(current_database()) AS db,
        LATERAL (VALUES {", ".join(f"({each})" for each in rights)}) AS rights (has_it, grant_it)
    WHERE NOT has_it
    UNION ALL SELECT 'CREATE SCHEMA public' WHERE to_regnamespace('public') IS NULL
    """


def advice(grants: list[str]) -> str:
    """Return a sentence with the statements that an administrator of the database is to run."""
    return f"the role lacks rights: as an owner of the database run {'; '.join(grants)}"
