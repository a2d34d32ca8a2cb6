"""Runs migrations on a connection handed over by `orders_sync.store.schema`, or on DATABASE_URL."""

import os

from alembic import command, context
from sqlalchemy import Connection

from orders_sync.platforms import PLATFORMS
from orders_sync.settings import database_url
from orders_sync.store import bi, migrate, order_statuses, roles, schema
from orders_sync.store.tables import SYNC_SCHEMA, metadata


def is_ours(name: str | None, type_: str, parents: dict[str, str | None]) -> bool:
    """Only our own schemas and tables are compared: others may live in the same database."""
    if type_ == "schema":
        return name in (None, SYNC_SCHEMA)
    if type_ == "table":
        return parents["schema_qualified_table_name"] in metadata.tables
    return True


def run(connection: Connection) -> None:
    migrate.prepare(connection)
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_schemas=True,
        include_name=is_ours,
        version_table_schema=SYNC_SCHEMA,
        compare_type=True,
        compare_server_default=True,
        on_version_apply=context.config.attributes.get("on_version_apply"),
    )
    with context.begin_transaction():
        context.run_migrations()


handed_over = context.config.attributes.get("connection")
if handed_over is not None:
    run(handed_over)
else:
    with migrate.engine(database_url.parse(os.environ["DATABASE_URL"])).connect() as connection:
        run(connection)
        if context.config.cmd_opts is not None and context.config.cmd_opts.cmd[0] is command.upgrade:
            driver = connection.connection.driver_connection
            if schema.is_current(driver):
                bi.install(driver)
                roles.install(driver)
                order_statuses.fill(driver, {each.name: (each.direction, each.statuses) for each in PLATFORMS.values()})
        connection.commit()
