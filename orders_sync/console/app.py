"""The routes of the console, and the order in which a request passes them.

Proxy -> Guard -> log-in -> page -> answer
                    |         '- errors become pages: what happened, and what to do
                    '- nobody: the log-in page, then back
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import uuid4

import psycopg
import structlog
from psycopg import errors
from psycopg_pool import PoolTimeout
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from orders_sync.console import fields, guard, rendering
from orders_sync.console.access import NOBODY, Access
from orders_sync.console.forms import Forms
from orders_sync.console.pages import ConsoleRoute, all_pages
from orders_sync.console.site import Site
from orders_sync.console.visit import ForbiddenError, Visit, parse_form
from orders_sync.domain.errors import DatabaseError, NotFoundError, OrdersSyncError

CACHE_CONTROL = "public, max-age=31536000, immutable"

log = structlog.get_logger(__name__)

Endpoint = Callable[[Request], Awaitable[Response]]


def make(site: Site) -> ASGIApp:
    """Return the console as an ASGI application."""
    pages = all_pages()
    forms = Forms(pages)
    access = Access(site, forms.resume)
    routes = [
        Route("/static/{fingerprint}/{name}", _static, methods=["GET"]),
        # the addresses of actions first: /audits/run is no audit
        *(
            Route(each.path, authorized(access, forms, each), methods=[each.method])
            for each in forms.addresses() + pages
        ),
    ]
    routes += [
        Route(each.path, _with_error_pages(access, each.endpoint), methods=list(each.methods or ()))
        for each in access.routes()
    ]
    nothing = ConsoleRoute("/{path:path}", _nothing_here)
    routes.append(Route(nothing.path, authorized(access, forms, nothing), methods=["GET", "POST"]))
    app: ASGIApp = Starlette(routes=routes)
    if site.base_path:
        app = _below(site.base_path, app)
    console = site.settings.console
    return guard.Proxy(guard.Guard(app), guard.networks(console.trusted_proxies), console.user_header)


def authorized(access: Access, forms: Forms, route: ConsoleRoute) -> Endpoint:
    """Return an endpoint that answers people who are logged in and sends others to the log-in.

    Everybody who is logged in may look, and preview a backfill (`Visit.planning`). `Person.may_act` is needed for
    a route that `needs_right_to_act`, and asked for once more where something is changed (`Visit.acting`); for a route
    with `shows_personal_data` it is `Person.may_see_personal_data`. Templates leave out the buttons of what a person
    may not do.

    A missing right, and any error, is answered by a page that says so.
    """

    async def answer(request: Request) -> Response:
        person = await access.person(request)
        if person is None:
            return await access.login(request)
        request.state.person = person
        visit = access.visit(request, person)
        if route.method == "GET" and (filled := fields.with_days(visit)):
            return RedirectResponse(filled, 303)
        if route.method == "POST":
            visit.form, visit.choices = parse_form(await request.body())
        if route.needs_right_to_act and not person.may_act:
            raise ForbiddenError(visit._("You may look, but not change anything."))
        if route.shows_personal_data:
            visit.must_see_personal_data()
        return await forms.answer(visit, route)

    return _with_error_pages(access, answer)


def _with_error_pages(access: Access, answer: Endpoint) -> Endpoint:
    """Return an endpoint that answers as this one, and every error by a page."""

    async def answer_or_explain(request: Request) -> Response:
        def visit() -> Visit:
            return access.visit(request, getattr(request.state, "person", NOBODY))

        try:
            return await answer(request)
        except (psycopg.OperationalError, PoolTimeout, errors.InsufficientPrivilege, OrdersSyncError) as error:
            return _error_page(visit(), error)
        except psycopg.Error as error:
            log.error("console: database error", path=request.url.path, error=type(error).__name__)
            return _error_page(visit(), error)
        except Exception:
            number = uuid4().hex[:12]
            log.exception("console: internal error", path=request.url.path, number=number)
            return _internal_error_page(visit(), number)

    return answer_or_explain


def _error_page(visit: Visit, error: Exception) -> Response:
    """Return the page of an expected error: what happened, and what to do."""
    message = visit.words.error(error)
    match error:
        case ForbiddenError():
            return visit.render("short_page.html", 403, title=visit._("No access"), text=message, advice="")
        case NotFoundError():
            return visit.render("short_page.html", 404, title=visit._("Not found"), text=message, advice="")
        case DatabaseError():
            title = visit._("Nothing can be changed now")
            return visit.render("short_page.html", 503, title=title, text=message, advice="")
        case OrdersSyncError():
            return visit.render("short_page.html", 400, title=visit._("Not done"), text=message, advice="")
        case errors.QueryCanceled():
            text = visit._("The database took too long to answer.")
            advice = visit._("Ask for less: a shorter range, one account, or try again in a minute.")
        case errors.InsufficientPrivilege():
            text = visit._("The database role of the console lacks a privilege.")
            advice = visit._("An administrator runs: orders-sync migrate, then orders-sync doctor.")
        case psycopg.OperationalError() | PoolTimeout():
            text = visit._("The database does not answer.")
            advice = visit._("This page tries again by itself. Nothing that has landed is lost.")
        case _:
            text = visit._("The database refused the question of this page.")
            advice = visit._("The tables may be of another version: orders-sync migrate.")
    return visit.render("short_page.html", 503, title=visit._("No data now"), text=text, advice=advice, again=True)


def _internal_error_page(visit: Visit, number: str) -> Response:
    text = visit._("This page failed by a mistake of the program.")
    advice = visit._("The log of the service has it under number %(number)s.", number=number)
    return visit.render("short_page.html", 500, title=visit._("Internal error"), text=text, advice=advice)


async def _nothing_here(visit: Visit) -> Response:
    raise NotFoundError(visit._("There is no such page."))


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in {each.name for each in rendering.STATIC.iterdir()}:
        return PlainTextResponse("not found", 404)
    return FileResponse(rendering.STATIC / name, headers={"cache-control": CACHE_CONTROL})


def _below(base_path: str, app: ASGIApp) -> ASGIApp:
    """Return the application for a proxy that passes the base path on, and for one that removes it."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and (path == base_path or path.startswith(base_path + "/")):
            scope = {**scope, "path": path.removeprefix(base_path) or "/"}
            scope["raw_path"] = scope["path"].encode()
        await app(scope, receive, send)

    return answer
