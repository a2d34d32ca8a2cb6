"""Tables in every state that is watched."""

from __future__ import annotations

from orders_sync.store.database import Connection

ACCOUNTS = ["busy", "quiet", "refused"]

_STATEMENTS = (
    """INSERT INTO sync.accounts (name, platform, seller, feed, history_from, watermark, suspended_at, rests_until)
        VALUES
        ('busy', '1688', 's', 'updated', now() - interval '9 d', now() - interval '1 h', NULL, now() + interval '1 h'),
        ('quiet', 'xportcn_ka', 's', 'created', now() - interval '9 d', NULL, NULL, now() - interval '1 s'),
        ('refused', 'xportcn_open', 's', 'created', now(), now(), now(), NULL),
        ('gone', '1688', 's', 'updated', now() - interval '99 d', now() - interval '99 d', NULL, NULL)""",
    """INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state)
        SELECT 'busy', 'incremental', 'updated', t, t + interval '1 h', state
        FROM unnest(ARRAY['planned', 'planned', 'running', 'failed', 'done', 'split']) WITH ORDINALITY AS w (state, n),
            LATERAL (SELECT now() - n * interval '1 h' AS t) AS at""",
    """UPDATE sync.windows SET late_by = interval '20 m', finished_at = now() - interval '1 d'
        WHERE account = 'busy' AND state = 'done'""",
    """INSERT INTO sync.rejects (account, platform, order_id, payload, payload_hash, reason, read_at, resolved_at)
        VALUES
        ('busy', '1688', '1', '', '1', 'odd', now(), NULL), ('busy', '1688', '2', '', '2', 'odd', now(), now())""",
    """INSERT INTO sync.messages (account, digest, body, received_at, handled_at) VALUES
        ('quiet', '1', '', now() - interval '50 m', NULL), ('quiet', '2', '', now() - interval '40 m', NULL),
        ('quiet', '3', '', now() - interval '90 s', now())""",
    """INSERT INTO sync.audits (account, starts_at, ends_at, started_at, finished_at, differences) VALUES
        ('busy', now(), now(), now() - interval '3 d', now() - interval '3 d', 9),
        ('busy', now(), now(), now() - interval '2 h', now() - interval '1 h', 2),
        ('busy', now(), now(), now(), NULL, NULL)""",
    """INSERT INTO sync.audit_differences (audit_id, starts_at, ends_at, platform_orders, table_orders, repaired_at)
        SELECT id, day, day + interval '1 d', 2, 1, repaired FROM sync.audits,
            (VALUES (date '2026-01-01', NULL), (date '2026-01-02', now())) AS d (day, repaired)
        WHERE differences = 2""",
    "INSERT INTO sync.rates VALUES ('app:1688:1', now() + interval '1 h'), ('app:1688:2', now() - interval '1 h')",
    """INSERT INTO sync.processes (id, parts, version, tables, host, pid, seen_at) VALUES
        ('one:7:ab', ARRAY['scheduler', 'console'], '0.1.0', '0001', 'one', 7, now() + interval '1 h'),
        ('two:8:cd', ARRAY['worker'], '0.1.0', '0001', 'two', 8, now() - interval '5 m')""",
    "SET search_path = sync_jobs",  # their triggers ask for it
    """INSERT INTO sync_jobs.procrastinate_jobs (id, queue_name, task_name, status, scheduled_at) VALUES
        (1, 'drain', 'drain', 'todo', NULL), (2, 'drain', 'drain', 'doing', NULL),
        (3, 'drain', 'drain', 'succeeded', NULL), (4, 'audit', 'audit', 'failed', NULL),
        (5, 'audit', 'audit', 'todo', now() + interval '1 h'),
        (6, 'audit', 'audit', 'todo', now() - interval '10 m')""",
    "RESET search_path",
    # triggers note every job as put in now
    """UPDATE sync_jobs.procrastinate_events
        SET at = now() - CASE job_id WHEN 1 THEN interval '20 m' ELSE interval '2 h' END""",
)


async def fill(connection: Connection) -> None:
    for statement in _STATEMENTS:
        await connection.execute(statement.encode())
