"""A large database for the benchmark of the console, made by SQL: what a year of many shops leaves behind.

Windows of changes: one an hour for a year, one a minute in the last two days and, of the first shop, in the last month;
beside them sweeps, confirming passes, messages' windows of one second, some that failed, run or wait. Times are
relative to the database's clock.
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from benchmarks.environment import info

_PLATFORM = "(ARRAY['1688', 'xportcn_open', 'xportcn_ka'])[1 + n %% 3]"
_FEED = "CASE WHEN n %% 3 = 0 THEN 'updated' ELSE 'created' END"
_SHOP = "'shop' || lpad(n::text, 3, '0')"

_STEPS = {
    "accounts": f"""
        INSERT INTO sync.accounts (name, platform, host, seller, feed, history_from, watermark, last_error)
        SELECT {_SHOP}, {_PLATFORM}, 'api.example.com', 'seller' || n, {_FEED}, hour - %(days)s * interval '1 d',
            hour - interval '1 min', CASE WHEN n %% 50 = 0 THEN 'the platform answered 503' END
        FROM generate_series(1, %(accounts)s) AS n, date_trunc('hour', now()) AS hour
    """,
    "windows of changes": f"""
        INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state, attempts, fence, total, seen, calls,
            rows_new, rows_changed, rows_unchanged, started_at, finished_at)
        SELECT {_SHOP}, 'incremental', {_FEED}, t, t + length, 'done', 1, 1, 3, 3, 1, (n + minute) %% 2, 1, 1,
            t + length + interval '10 s', t + length + interval '12 s'
        FROM generate_series(1, %(accounts)s) AS n,
            LATERAL (SELECT date_trunc('minute', now()) AS now, CASE n WHEN 1 THEN 31 ELSE 2 END AS minutely) AS each,
            LATERAL (
                SELECT now - m * interval '1 min' AS t, interval '1 min' AS length, m AS minute
                FROM generate_series(1, least(minutely, %(days)s) * 1440) AS m
                UNION ALL
                SELECT now - minutely * interval '1 d' - h * interval '1 h', interval '1 h', h
                FROM generate_series(1, (%(days)s - minutely) * 24) AS h
            ) AS w
    """,
    "windows of sweeps": f"""
        INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state, attempts, fence, total, seen, calls,
            rows_new, rows_changed, rows_unchanged, started_at, finished_at)
        SELECT {_SHOP}, kind, 'created', t - length, t, 'done', 1, 1, 50, 50, 2, 0, 1, 49, t + interval '1 min',
            t + interval '2 min'
        FROM generate_series(1, %(accounts)s) AS n,
            LATERAL (
                SELECT 'sweep' AS kind, date_trunc('hour', now()) - d * interval '1 d' AS t, interval '1 d' AS length
                FROM generate_series(1, %(days)s) AS d
                UNION ALL
                SELECT 'confirm', date_trunc('hour', now()) - h * interval '1 h', interval '3 h'
                FROM generate_series(1, least(%(days)s, 30) * 24) AS h
            ) AS w
    """,
    "windows of messages": """
        INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state, attempts, fence, total, seen, calls,
            rows_new, started_at, finished_at, orders)
        SELECT 'shop002', 'hook', 'created', t, t + interval '1 s', 'done', 1, 1, 1, 1, 1, 0, t + interval '5 s',
            t + interval '6 s', ARRAY['1']
        FROM generate_series(1, 20000) AS s, LATERAL (SELECT date_trunc('second', now()) - s * interval '7 s' AS t) AS w
    """,
    "windows that are open": f"""
        INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state, attempts, fence, error, started_at,
            finished_at, lease_until, owner)
        SELECT {_SHOP}, 'incremental', {_FEED}, t, t + interval '1 min', state, 3, 1, 'it answered 503',
            t, t, t, 'x'
        FROM generate_series(1, %(accounts)s, 10) AS n, unnest(ARRAY['failed', 'planned', 'running']) WITH ORDINALITY
            AS s (state, place),
            LATERAL (SELECT date_trunc('minute', now()) - (n + place) * interval '10 min' AS t) AS w
    """,
    "orders": f"""
        INSERT INTO orders (platform, account, order_id, order_no, purchase_id, status, status_group, currency,
            total_amount, created_at, modified_at, paid_at, buyer_name, line_count, synced_at, direction)
        SELECT {_PLATFORM}, {_SHOP}, 'order' || o, 'no' || o, 'purchase' || o, 'success', 'completed', 'CNY', 10, t, t,
            t, 'buyer', 1, t, 'purchase'
        FROM generate_series(1, %(orders)s) AS o, LATERAL (SELECT 1 + o %% %(accounts)s AS n,
            date_trunc('second', now() - (o::float / %(orders)s) * %(days)s * interval '1 d') AS t) AS each
    """,
    "lines": """
        INSERT INTO sub_orders (platform, order_id, sub_order_id, line_no, currency, status, purchase_id, synced_at)
        SELECT platform, order_id, 'line' || order_no, 1, 'CNY', 'success', purchase_id, synced_at FROM orders
    """,
    "products": """
        INSERT INTO product_items (platform, order_id, sub_order_id, item_no, product_id, sku_id, title, currency)
        SELECT platform, order_id, 'line' || order_no, 1, 'product', 'sku', 'title', 'CNY' FROM orders
    """,
    "parcels": """
        INSERT INTO order_parcels (platform, order_id, parcel_id, tracking_no)
        SELECT platform, order_id, 'parcel' || order_no, 'track' || order_no FROM orders
    """,
    "history": """
        INSERT INTO order_history (platform, order_id, seen_at, read_at, changed, status, status_group, line_count)
        SELECT platform, order_id, synced_at + s * interval '1 h', synced_at + s * interval '1 h',
            CASE WHEN s > 0 THEN ARRAY['status'] END, 'success', 'completed', 1
        FROM orders, generate_series(0, 1) AS s
    """,
    "payloads": """
        INSERT INTO raw_orders (platform, account, order_id, payload_hash, rows_hash, read_at, payload, synced_at)
        SELECT platform, account, order_id, decode(md5(order_id), 'hex'), decode(md5(order_id), 'hex'), synced_at,
            json_build_object('id', order_id, 'receiver', json_build_object('name', 'x'), 'text', repeat('x', 200)),
            synced_at
        FROM orders
    """,
    "audits": f"""
        INSERT INTO sync.audits (account, starts_at, ends_at, started_at, finished_at, seen_at, platform_orders,
            table_orders, differences, calls, is_routine)
        SELECT {_SHOP}, t - interval '90 d', t, t, t + interval '1 min', t, 2000, 2000, d %% 2, 30, true
        FROM generate_series(%(days)s, 1, -1) AS d, generate_series(1, %(accounts)s) AS n,
            LATERAL (SELECT now() - d * interval '1 d' AS t) AS each
    """,
    "differences": """
        INSERT INTO sync.audit_differences (audit_id, feed, starts_at, ends_at, platform_orders, table_orders, missing,
            missing_ids, repaired_at)
        SELECT id, 'created', t, t + interval '1 h', 30, 20, 10,
            ARRAY(SELECT id || '-' || i FROM generate_series(1, 10) AS i),
            CASE WHEN started_at < now() - interval '2 d' THEN finished_at END
        FROM sync.audits, LATERAL (SELECT starts_at + interval '2 d' AS t) AS each WHERE differences > 0
    """,
    "rejects": f"""
        INSERT INTO sync.rejects (account, platform, order_id, payload, payload_hash, reason, reason_key, read_at,
            rejected_at, resolved_at)
        SELECT {_SHOP}, {_PLATFORM}, 'reject' || r, convert_to('{{"id": null, "text": "x"}}', 'UTF8'),
            decode(md5(r::text), 'hex'), 'id: missing or empty',
            (ARRAY['no_order_id', 'not_json', 'other'])[1 + r %% 3],
            t, t, CASE WHEN r %% 10 > 0 THEN t END
        FROM generate_series(1, %(orders)s / 4) AS r, LATERAL (SELECT 1 + r %% %(accounts)s AS n,
            now() - r * interval '10 s' AS t) AS each
    """,
    "messages": f"""
        INSERT INTO sync.messages (account, digest, message_type, order_no, order_id, body, received_at, handled_at,
            outcome)
        SELECT {_SHOP}, decode(md5(m::text), 'hex'), 'ORDER_CHANGED', 'no' || m, 'order' || m, '{{}}', t,
            CASE WHEN m > 500 THEN t END, 'read again'
        FROM generate_series(1, %(orders)s / 2) AS m, LATERAL (SELECT 1 + m %% %(accounts)s AS n,
            now() - m * interval '5 s' AS t) AS each
    """,
    "backfills": f"""
        WITH made AS (
            INSERT INTO sync.backfills (account, feed, starts_at, ends_at, state, request_id, finished_at)
            SELECT {_SHOP}, {_FEED}, day, day + interval '1 d', 'done', NULL, now()
            FROM generate_series(1, %(accounts)s) AS n,
                generate_series(1, 5) AS r, LATERAL (SELECT date_trunc('day', now()) - r * interval '1 d' AS day) AS d
            ORDER BY r, n RETURNING id, account, feed, starts_at, ends_at
        )
        INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state, attempts, fence, total, seen, calls,
            started_at, finished_at, backfill_id)
        SELECT account, 'backfill', feed, starts_at, ends_at, 'done', 1, 1, 50, 50, 2, ends_at, ends_at, id FROM made
    """,
    "requests of backfills": """
        UPDATE sync.backfills AS b SET request_id = f.id
        FROM (SELECT starts_at, min(id) AS id FROM sync.backfills GROUP BY starts_at) AS f
        WHERE f.starts_at = b.starts_at AND f.id <> b.id
    """,
    "activity": f"""
        INSERT INTO sync.activity (at, actor, origin, action, account, subject)
        SELECT now() - a * interval '5 min', 'lin', 'console', 'account.sync', {_SHOP}, 'x'
        FROM generate_series(1, %(orders)s / 10) AS a, LATERAL (SELECT 1 + a %% %(accounts)s AS n) AS each
    """,
    "processes": """
        INSERT INTO sync.processes (id, parts, version, tables, host, pid, seen_at)
        SELECT 'host:' || n, ARRAY['scheduler', 'worker'], '1', '1', 'host', n, now() FROM generate_series(1, 6) AS n
    """,
    "rates": "INSERT INTO sync.rates SELECT 'app' || n, now() FROM generate_series(1, %(accounts)s) AS n",
    "jobs": """
        INSERT INTO sync_jobs.procrastinate_jobs (queue_name, task_name, status, queueing_lock)
        SELECT 'drain', 'drain', (CASE WHEN j <= 500 THEN 'todo' WHEN j <= 600 THEN 'failed' ELSE 'succeeded' END)
            ::sync_jobs.procrastinate_job_status, j::text
        FROM generate_series(1, %(orders)s / 10) AS j
    """,
}
_LOADED = (
    "sync.windows",
    "public.orders",
    "public.sub_orders",
    "public.product_items",
    "public.order_parcels",
    "public.order_history",
    "public.raw_orders",
)
_INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = ANY (%s::regclass[])
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid) ORDER BY 1
"""


@dataclass(frozen=True)
class Size:
    """The size of the database."""

    orders: int = 1_000_000
    accounts: int = 500
    days: int = 365


def fill(connection: psycopg.Connection[tuple[object, ...]], size: Size) -> None:
    """Fill a migrated, empty database. Indexes of large tables are made at the end, and everything is analyzed."""
    indexes = connection.execute(_INDEXES, [list(_LOADED)]).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}".encode())
    connection.execute(
        "SET synchronous_commit = off; SET search_path = public, sync_jobs; SET maintenance_work_mem = '512MB'"
    )
    values = {"orders": size.orders, "accounts": size.accounts, "days": size.days}
    for what, statement in _STEPS.items():
        info(f"creating {what}")
        connection.execute(statement.encode(), values)
    info("creating indexes")
    for _, definition in indexes:
        connection.execute(str(definition).encode())
    connection.execute("VACUUM (ANALYZE)")
