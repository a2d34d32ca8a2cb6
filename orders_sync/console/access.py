"""Log-in, log-out and sessions.

A session is a row with the hash of a random key; the key itself is in a cookie that scripts cannot read. A person
whom a trusted proxy has logged in needs no session.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import unquote, urlencode, urlsplit

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from orders_sync.console import passwords
from orders_sync.console.site import Site
from orders_sync.console.visit import FLASH, Visit, inside, parse_form
from orders_sync.console.words import LANGUAGES, Words, chosen
from orders_sync.domain.activity import Action, Actor, Origin
from orders_sync.domain.errors import UsageError
from orders_sync.store import activity, console_access
from orders_sync.store.console_access import Person

LANGUAGE = "orders_sync_language"  # cookie
YEAR_SECONDS = 365 * 86_400
LONGEST_NAME = 100
# a key whose session is over opens nothing, but tells that there was one
COOKIE_OUTLIVES_SESSION_BY = timedelta(days=30)
LONGEST_FORM = 16 * 2**10  # bytes of a form that is kept while its sender logs in again
HASHES_AT_ONCE = 2  # log-ins must not take memory and cores from the rest

log = structlog.get_logger(__name__)


Resume = Callable[[Visit, str], Awaitable[Response | None]]


@dataclass(frozen=True)
class Unsent:
    """A form that came without a session: nothing of it was done. `path`: its action; `body`: its fields, encoded.

    It is kept in the log-in page alone, so that it is in no URL and in no table.
    """

    path: str = ""
    body: str = ""


class Access:
    """The log-in of one site, and the sessions that follow it. `resume`: shows the page of an unsent form."""

    def __init__(self, site: Site, resume: Resume) -> None:
        self._site = site
        self._resume = resume
        self._hashing = asyncio.Semaphore(HASHES_AT_ONCE)

    def routes(self) -> list[Route]:
        """Return the routes that need no session."""
        return [
            Route("/login", self._login_page, methods=["GET"]),
            Route("/login", self._log_in, methods=["POST"]),
            Route("/logout", self._log_out, methods=["POST"]),
            Route("/language", self._choose_language, methods=["POST"]),
            *(Route(path, self._to_overview, methods=["GET"]) for path in ("/logout", "/language")),
        ]

    async def person(self, request: Request) -> Person | None:
        """Return who makes a request, None where nobody is logged in."""
        async with self._site.pool.connection() as connection:
            if self._site.settings.console.user_header:
                name = getattr(request.state, "user", None)
                found = await console_access.find(connection, name) if name else None
                return found[0] if found else None
            if not (key := request.cookies.get(self._cookie(request))):
                return None
            request.state.session = _hash(key)
            return await console_access.of_session(
                connection, request.state.session, self._site.settings.console.session
            )

    def visit(self, request: Request, person: Person) -> Visit:
        """Return the request as one of this person."""
        flash = unquote(request.cookies.get(FLASH, ""))[:1000]
        return Visit(request, self._site, person, self.words(request), flash)

    def words(self, request: Request) -> Words:
        """Return the language of a request: chosen, set, or asked for by the browser."""
        default = self._site.settings.console.language
        return Words(chosen(request.cookies.get(LANGUAGE), request.headers.get("accept-language", ""), default))

    async def login(self, request: Request) -> Response:
        """Send the browser to the log-in and then back; a form stays in the log-in page, for nothing of it is done."""
        if self._site.settings.console.user_header:
            return self._refuse(request)
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        if request.method == "POST":
            body = (await request.body()).decode(errors="replace")
            unsent = Unsent(path, body if len(body) <= LONGEST_FORM else "")
            referer = urlsplit(request.headers.get("referer", ""))
            path = referer.path + (f"?{referer.query}" if referer.query else "")
            return self._form(request, path, code=401, unsent=unsent)
        if request.headers.get("x-part"):
            return Response(status_code=401)
        visit = self.visit(request, NOBODY)
        had_session = self._cookie(request) in request.cookies
        return RedirectResponse(visit.url("/login", next=self._own_path(path), ended=1 if had_session else None), 303)

    def _refuse(self, request: Request) -> Response:
        name = getattr(request.state, "user", None)
        words = self.words(request)
        text = (
            words("The proxy logged in %(name)s, whom this console does not know.", name=name)
            if name
            else words("The proxy in front of this console did not say who you are.")
        )
        advice = words("An administrator adds people with: orders-sync console add NAME --no-password")
        return self.visit(request, NOBODY).render(
            "short_page.html", 403, title=words("No access"), text=text, advice=advice
        )

    async def _login_page(self, request: Request) -> Response:
        if await self.person(request):
            return self._redirect_inside(request.query_params.get("next", ""))
        return self._form(request, request.query_params.get("next", ""), ended="ended" in request.query_params)

    def _form(
        self,
        request: Request,
        after: str,
        message: str = "",
        code: int = 200,
        *,
        unsent: Unsent = Unsent(),
        ended: bool = False,
        name: str = "",
    ) -> Response:
        after = self._own_path(after)
        scope = {
            **request.scope,
            "method": "GET",
            "path": "/login",
            "query_string": urlencode({"next": after}).encode(),
        }
        visit = self.visit(Request(scope), NOBODY)
        return visit.render("login.html", code, after=after, message=message, unsent=unsent, ended=ended, name=name)

    async def _log_in(self, request: Request) -> Response:
        form, _ = parse_form(await request.body())
        after, unsent = form.get("next", ""), Unsent(form.get("unsent_path", ""), form.get("unsent_body", ""))
        name = form.get("name", "").strip()[:LONGEST_NAME]
        address = request.client.host if request.client else "unknown"
        words = self.words(request)
        async with self._hashing:
            async with self._site.pool.connection() as connection:
                if not await console_access.may_try(connection, name, address):
                    text = words("Too many failed log-ins: wait 15 minutes, then try again.")
                    return self._form(request, after, text, 429, unsent=unsent, name=name)
                found = await console_access.find(connection, name)
            right = await passwords.is_right(form.get("password", "").strip(), found[1] if found else None)
            async with self._site.pool.connection() as connection:
                await console_access.record_login(connection, name, address, succeeded=right)
                if not right or found is None:
                    log.warning("console: log-in refused", address=address)
                    who = Actor(found[0].name if found else "", Origin.CONSOLE)  # an unknown name may be a password
                    await activity.record_seldom(
                        connection, who, Action.CONSOLE_REFUSED, console_access.LOGIN_WINDOW, {"address": address}
                    )
                    text = words("Name and password do not match.")
                    return self._form(request, after, text, 401, unsent=unsent, name=name)
                key = secrets.token_urlsafe(32)
                browser = request.headers.get("user-agent", "")[:300]
                async with connection.transaction():
                    await console_access.open_session(connection, found[0], _hash(key), address, browser)
                    details = {"address": address}
                    await activity.record(connection, _actor(found[0]), Action.CONSOLE_LOGIN, details=details)
        answer = await self._page_after_login(self.visit(request, found[0]), after, unsent)
        self._set_cookie(request, answer, key)
        return answer

    async def _page_after_login(self, visit: Visit, path: str, unsent: Unsent) -> Response:
        """Return the page that follows a log-in. That of an unsent form has the form filled in, and says so."""
        back = self._redirect_inside(path)
        if not unsent.path:
            return back
        sent = urlsplit(self._own_path(unsent.path))
        request = Request({**visit.request.scope, "query_string": sent.query.encode()})
        visit = replace(visit, request=request)
        with suppress(UsageError):  # no browser made it: the form is shown empty
            visit.form, visit.choices = parse_form(unsent.body.encode())
        visit.flash = visit._("Your session had ended, so nothing was done. Check what stands here, then do it again.")
        answer = await self._resume(visit, unquote(sent.path))
        if answer is None:
            visit.say(back, visit.flash)
        return answer or back

    async def _log_out(self, request: Request) -> Response:
        person = await self.person(request)
        answer = RedirectResponse(self.visit(request, NOBODY).url("/login"), 303)
        if person and (key := request.cookies.get(self._cookie(request))):
            async with self._site.working() as connection, connection.transaction():
                await console_access.close_session(connection, person, _hash(key))
                await activity.record(connection, _actor(person), Action.CONSOLE_LOGOUT)
        answer.delete_cookie(self._cookie(request), path=self._cookie_path)
        return answer

    async def _choose_language(self, request: Request) -> Response:
        form, _ = parse_form(await request.body())
        answer = self._redirect_inside(form.get("next", ""))
        if (language := form.get("language")) in LANGUAGES:
            path = self._site.base_path or "/"
            answer.set_cookie(LANGUAGE, language, max_age=YEAR_SECONDS, path=path, httponly=True, samesite="lax")
        return answer

    def _redirect_inside(self, path: str) -> Response:
        """Send the browser to a page of this console; to the overview for a path that leads elsewhere."""
        return RedirectResponse(self._site.base_path + (self._own_path(path) or "/"), 303)

    async def _to_overview(self, request: Request) -> Response:
        return self._redirect_inside("/")

    def _own_path(self, path: str) -> str:
        """Return a path of this console without the base path; an empty text for what leads elsewhere."""
        return inside(path, self._site.base_path)

    def _cookie(self, request: Request) -> str:
        owns_host = request.url.scheme == "https" and not self._site.base_path
        return "__Host-orders_sync" if owns_host else "orders_sync"

    @property
    def _cookie_path(self) -> str:
        return self._site.base_path or "/"

    def _set_cookie(self, request: Request, answer: Response, key: str) -> None:
        answer.set_cookie(
            self._cookie(request),
            key,
            max_age=int((self._site.settings.console.session + COOKIE_OUTLIVES_SESSION_BY).total_seconds()),
            path=self._cookie_path,
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="lax",
        )


NOBODY = Person(0, "", may_act=False, may_see_personal_data=False)


def _actor(person: Person) -> Actor:
    return Actor(person.name, Origin.CONSOLE)


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()
