"""Work that the database ends for a temporary reason is run again, and no order is rejected for it (P1, P4)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from orders_sync.domain.errors import DatabaseBusyError
from orders_sync.engine.renormalize import renormalize
from orders_sync.store.retrying import MOST_RUNS
from tests.support.replaying import refuse_all, replay_all
from tests.support.story import Story, Tell

KA = "sandbox-ka"
CODES = {"deadlock": "40P01", "serialization": "40001", "lock time-out": "55P03", "statement time-out": "57014"}


def trouble(story: Story, code: str, times: int) -> None:
    """The next `times` writes of orders end like this; the context of the error repeats a row."""
    story.execute(
        f"""
        DROP SEQUENCE IF EXISTS troubles CASCADE; CREATE SEQUENCE troubles;
        CREATE OR REPLACE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('troubles') <= {times} THEN RAISE EXCEPTION 'ended for the moment' USING ERRCODE = '{code}';
            END IF; RETURN NULL; END $$;
        CREATE OR REPLACE TRIGGER trouble AFTER INSERT OR UPDATE ON orders
            FOR EACH STATEMENT EXECUTE FUNCTION trouble();
        """
    )


async def test_a_landing_the_database_ended_is_run_again_in_the_same_pass(tell: Tell) -> None:
    story = tell(orders=40)
    for name, code in CODES.items():
        story.world.create(1, datetime.now(UTC), KA)
        trouble(story, code, MOST_RUNS - 1)
        outcome = (await story.sync(KA))[KA]
        assert (outcome.errors, outcome.rows.new > 0) == ([], True), name
        assert story.query("SELECT last_value FROM troubles") == [(MOST_RUNS,)], name
    assert story.query("SELECT count(*) FROM sync.rejects") == [(0,)]
    story.assert_equal(KA)


async def test_a_window_the_database_never_takes_is_failed_with_the_reason_and_read_again(tell: Tell) -> None:
    story = tell(orders=40)
    for name, code in CODES.items():
        trouble(story, code, 10**6)
        outcomes = await story.sync(KA)
        assert any("ended for the moment" in error for error in outcomes[KA].errors), name
        [(error,)] = story.query("SELECT DISTINCT error FROM sync.windows WHERE state = 'failed'")
        assert "ended for the moment" in str(error), name
        assert "CONTEXT" not in str(error), name
    trouble(story, code, 0)
    await story.sync(KA)
    assert story.query("SELECT count(*) FROM sync.rejects") == [(0,)]
    story.assert_equal(KA)


async def test_what_was_read_of_a_window_without_proof_lands_though_the_database_ended_it_at_first_P4(
    tell: Tell,
) -> None:
    story = tell(orders=40)
    story.faults.set_rates({"total_high": 1})
    for name, code in CODES.items():
        [order] = story.world.create(1, datetime.now(UTC), KA)
        trouble(story, code, MOST_RUNS - 1)
        outcomes = await story.sync(KA)
        assert not any("ended for the moment" in error for error in outcomes[KA].errors), name
        assert story.query("SELECT count(*) FROM orders WHERE order_id = %s", order.order_id) == [(1,)], name
    assert story.query("SELECT count(*) FROM sync.windows WHERE state = 'done' AND seen > 0") == [(0,)]
    assert story.query("SELECT count(*) FROM sync.rejects") == [(0,)]


async def test_a_replay_and_a_rebuild_the_database_ended_are_run_again(
    tell: Tell, old_code: Callable[..., None]
) -> None:
    story = tell(orders=20)
    for name, code in CODES.items():
        story.world.create(1, datetime.now(UTC), KA)
        old_code(normalize=refuse_all)
        await story.sync(KA)
        old_code()
        trouble(story, code, MOST_RUNS - 1)
        replayed = await replay_all(story)
        assert (replayed.rejected, replayed.landed > 0) == ([], True), name
        story.query("UPDATE raw_orders SET rows_hash = 'of older code' RETURNING 1")
        trouble(story, code, MOST_RUNS - 1)
        async with story.pool.connection() as connection:
            assert (await renormalize(connection, "xportcn_ka", None, story.progress)).rejected == 0
            story.query("UPDATE raw_orders SET rows_hash = 'of older code' RETURNING 1")
            trouble(story, code, 10**6)
            with pytest.raises(DatabaseBusyError, match="ended for the moment"):
                await renormalize(connection, "xportcn_ka", None, story.progress)
        story.assert_equal(KA)
        trouble(story, code, 0)
