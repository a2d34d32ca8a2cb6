"""who ignored a reject and who acknowledged a difference is the person of sync.activity, no longer the database role"""

from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

# rows from before keep the role where no action is kept, as it was all that was known
PERSONS = """
UPDATE sync.rejects AS r SET ignored_by = a.actor
FROM sync.activity AS a
WHERE a.action = 'rejects.ignore' AND a.account = r.account AND a.details -> 'ids' @> to_jsonb(r.id)
    AND r.ignored_at BETWEEN a.at - interval '1 minute' AND a.at + interval '1 minute';
UPDATE sync.audit_differences AS d SET acknowledged_by = a.actor
FROM sync.activity AS a
WHERE a.action = 'audit.acknowledge' AND a.subject = 'audit ' || d.audit_id
    AND d.acknowledged_at BETWEEN a.at - interval '1 minute' AND a.at + interval '1 minute';
"""


def upgrade() -> None:
    op.execute(PERSONS)
    op.execute("COMMENT ON COLUMN sync.rejects.ignored_by IS 'who said so: sync.activity.actor'")
    op.execute("COMMENT ON COLUMN sync.audit_differences.acknowledged_by IS 'who said so: sync.activity.actor'")


def downgrade() -> None:
    op.execute("COMMENT ON COLUMN sync.rejects.ignored_by IS 'the database role that said so'")
    op.execute("COMMENT ON COLUMN sync.audit_differences.acknowledged_by IS 'the database role that said so'")
