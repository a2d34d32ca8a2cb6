"""Activity: who did what and when, by commands and in the console."""

from __future__ import annotations

from starlette.responses import Response

from orders_sync.console import activity_words, fields
from orders_sync.console.pages import page
from orders_sync.console.visit import Visit
from orders_sync.domain.activity import Action
from orders_sync.store import activity
from orders_sync.store.console import account_names

PAGE = 50


async def show(visit: Visit) -> Response:
    """Show the newest actions, by shop, person, kind and days."""
    since, until = fields.days(visit.query, visit.words)
    async with visit.reading() as connection:
        accounts = await account_names.read(connection)
        actions = await activity.listed(
            connection,
            account=visit.query.get("account") or None,
            actor=visit.query.get("actor", "").strip() or None,
            action=visit.query.get("action") or None,
            since=since,
            until=until,
            before=fields.number(visit.query.get("before")),
            limit=PAGE + 1,
        )
    return visit.render(
        "activity.html",
        accounts=accounts,
        actions=actions[:PAGE],
        after=actions[PAGE - 1] if len(actions) > PAGE else None,
        said=activity_words,
        kinds=list(Action),
    )


PAGES = [page("/activity", show, form="/activity")]
