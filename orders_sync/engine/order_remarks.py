"""Remarks on one order: rejects, messages, audits, and what the platform no longer lists."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from orders_sync.domain.local_times import day
from orders_sync.domain.sentences import Sentence
from orders_sync.engine.account_remarks import of_account
from orders_sync.engine.remarks import Reason, Remark
from orders_sync.engine.service_status import Verdict
from orders_sync.store.order_numbers import OrderKey
from orders_sync.store.order_traces import FoundByAudit, MessageTrace, RejectTrace
from orders_sync.store.overview import AccountStatus

DAY = timedelta(days=1)


def of_order(
    key: OrderKey,
    rows: dict[str, Any],
    rejects: list[RejectTrace],
    messages: list[MessageTrace],
    account: AccountStatus | None,
    verdict: Verdict,
) -> Iterator[Remark]:
    """Yield the reasons why an order's rows may not be what the platform shows."""
    if rows["missing_since"]:
        yield Remark(
            Reason.NOT_LISTED,
            Sentence(
                "order %(order)s: no longer listed by the platform: three complete reads of its time of creation did "
                "not return it, the last one at %(at)s. Its rows may be out of date",
                order=key.order_id,
                at=rows["missing_since"],
            ),
        )
    if rows["order"]["unread_version_since"]:
        for each in rejects[:1]:
            yield Remark(
                Reason.REJECTED,
                Sentence(
                    "order %(order)s: a newer version of it, read at %(at)s, could not be converted, so its rows show "
                    "an older one: %(reason)s",
                    order=key.order_id,
                    at=each.read_at,
                    reason=each.reason,
                ),
                f"orders-sync rejects show {each.id}",
                each.account,
                each.id,
            )
    for message in messages:
        if message.handled_at is None:
            yield of_message(message)
    if account is not None:
        yield from of_account(account, verdict)


def of_rounded(number: str) -> Remark:
    """Explain that a spreadsheet cut a number."""
    return Remark(
        Reason.ROUNDED,
        Sentence("%(number)s was rounded by a spreadsheet: format its column as text and copy it again", number=number),
    )


def of_reject(reject: RejectTrace) -> Remark:
    """Explain a record that was kept as a reject."""
    about = {
        "shop": reject.account,
        "reason": reject.reason.rstrip("."),
        "first": reject.rejected_at,
        "last": reject.read_at,
        "reject": reject.id,
    }
    text = Sentence(
        "a record with this number came on %(shop)s and could not be converted into an order: %(reason)s. First "
        "read at %(first)s, last at %(last)s; it is kept as reject %(reject)s, and can be replayed after an update",
        **about,
    )
    if reject.ignored_by:
        text = Sentence(
            "a record with this number came on %(shop)s and could not be converted into an order: %(reason)s. First "
            "read at %(first)s, last at %(last)s; it is kept as reject %(reject)s, which %(person)s ignored, and can "
            "still be replayed",
            person=reject.ignored_by,
            **about,
        )
    return Remark(Reason.REJECTED, text, f"orders-sync rejects replay {reject.id}", reject.account, reject.id)


def of_audit(found: FoundByAudit) -> Remark:
    """Explain that the platform lists an order which the tables lack."""
    return Remark(
        Reason.MISSING,
        Sentence(
            "audit %(audit)s of %(at)s found that the platform lists it on %(shop)s, and no read has brought it since",
            audit=found.audit,
            at=found.began_at,
            shop=found.account,
        ),
        f"orders-sync audit --account {found.account} --from {day(found.starts_at)} "
        f"--to {day(found.ends_at + DAY)} --repair",
        found.account,
    )


def of_other_account(number: str, account: str) -> Remark:
    """Explain that an order was asked for with `--account` of another account than its own."""
    return Remark(
        Reason.OTHER_ACCOUNT,
        Sentence("it is an order of %(shop)s", shop=account),
        f"orders-sync order {number} --account {account}",
        account,
    )


def of_torn(key: OrderKey) -> Remark:
    """Explain that an order's row was deleted from `orders` by hand, and its lines or parcels were left."""
    return Remark(
        Reason.TORN,
        Sentence(
            "lines or parcels of order %(order)s are in the tables, but its row in `orders` is not: it was deleted by "
            "hand. It can be built again from the stored payload; without one a backfill of its day does it",
            order=key.order_id,
        ),
        f"orders-sync renormalize --platform {key.platform}",
    )


def of_message(message: MessageTrace) -> Remark:
    """Explain what became of a platform's message about the order."""
    about = {"shop": message.account, "at": message.received_at}
    outcome = message.outcome or Sentence("it was not processed yet")
    if message.handled_at is not None:
        text = Sentence(
            "the platform sent a message about it to %(shop)s at %(at)s: %(outcome)s", **about, outcome=outcome
        )
        return Remark(Reason.MESSAGE, text, None, message.account)
    text = Sentence(
        "the platform sent a message about it to %(shop)s at %(at)s, which still waits: %(outcome)s",
        **about,
        outcome=outcome,
    )
    return Remark(Reason.MESSAGE, text, f"orders-sync sync --account {message.account}", message.account)
