"""The person who is logged in: rights, and sessions, which can be ended."""

from __future__ import annotations

from starlette.responses import Response

from orders_sync.console.pages import action, page
from orders_sync.console.visit import Visit
from orders_sync.domain.activity import Action
from orders_sync.domain.errors import NotFoundError
from orders_sync.store import activity, console_access


async def show(visit: Visit) -> Response:
    """Show the person's rights and sessions."""
    async with visit.site.working() as connection:  # no role that reads may read sessions
        sessions = await console_access.sessions(connection, visit.person)
    own = getattr(visit.request.state, "session", None)  # None where a proxy logs people in
    return visit.render("me.html", sessions=sessions, own=own)


async def end(visit: Visit) -> Response:
    """End one session of the person."""
    try:
        key_hash = bytes.fromhex(visit.form.get("session", ""))
    except ValueError:
        key_hash = b""
    async with visit.site.working() as connection:
        has_ended = await console_access.close_session(connection, visit.person, key_hash)
    if not has_ended:
        raise NotFoundError(visit._("You have no such session: it has ended already, or is somebody else's."))
    return visit.go("/me", visit._("The session has ended."))


async def end_all(visit: Visit) -> Response:
    """End all sessions of the person, this one too."""
    async with visit.site.working() as connection, connection.transaction():
        await console_access.close_sessions(connection, visit.person)
        await activity.record(connection, visit.actor, Action.CONSOLE_LOGOUT)
    return visit.go("/login")


PAGES = [
    page("/me", show),
    action("/me/end", end, needs_right_to_act=False, form="/me"),
    action("/me/end-all", end_all, needs_right_to_act=False, form="/me"),
]
