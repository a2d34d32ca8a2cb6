"""One request of one person: what a page needs to read, act and answer."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from orders_sync.console import rendering
from orders_sync.console.site import Site
from orders_sync.console.words import Words
from orders_sync.domain.activity import Actor, Origin
from orders_sync.domain.errors import SchemaVersionError, UsageError
from orders_sync.domain.sentences import Sentence
from orders_sync.store.console_access import Person
from orders_sync.store.database import Connection

MOST_FIELDS = 2000  # of a form
FLASH = "orders_sync_message"  # cookie: what the page after an action says
FLASH_SECONDS = 60


class ForbiddenError(UsageError):
    """The person has no right to do or see this."""


@dataclass(frozen=True)
class Filled:
    """The contents of a form's fields, and the mistakes in them, by the name of the field."""

    values: Mapping[str, str]
    choices: Mapping[str, Sequence[str]]
    mistakes: Mapping[str, str]

    def get(self, name: str, otherwise: str = "") -> str:
        """Return what stands in a field."""
        return self.values.get(name, otherwise)

    def has(self, name: str, value: str) -> bool:
        """Tell whether a value is chosen in a field that may have several."""
        return value in self.choices.get(name, ())

    def mistake(self, name: str) -> str:
        """Return what is wrong with a field; empty where nothing is."""
        return self.mistakes.get(name, "")

    def fits(self, name: str, shape: str) -> bool:
        """Tell whether a browser's picker can show what stands in a field: it drops every other text."""
        return not self.get(name) or re.fullmatch(shape, self.get(name)) is not None


@dataclass
class Visit:
    """A request of a person.

    `flash`: what the action before has to say, shown once. `form`, `choices`: the fields of a form that was posted,
    each with its last value and with all. `sent_to`: the path of the action where its form is shown again because it
    was not done; `mistakes`: what was wrong with the form, by field, "" for the form as a whole.
    """

    request: Request
    site: Site
    person: Person
    words: Words
    flash: str = ""
    form: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    sent_to: str = ""
    mistakes: dict[str, str] = field(default_factory=dict)

    def _(self, key: str, **values: object) -> str:
        """Return a text in the person's language."""
        return self.words(key, **values)

    @property
    def actor(self) -> Actor:
        """The person, for the record of actions."""
        return Actor(self.person.name, Origin.CONSOLE)

    @property
    def query(self) -> Mapping[str, str]:
        """The parameters of the URL, each once, without those that are wrong."""
        wrong = () if self.sent_to else self.mistakes
        return {name: value for name, value in self.request.query_params.items() if name not in wrong}

    def filled(self, action: str = "", first: Mapping[str, str] | None = None) -> Filled:
        """Return what a form shows: that of an `action` what was sent, or `first`, another the URL's parameters."""
        if action:
            is_sent = action == self.sent_to
            return Filled(self.form, self.choices, self.mistakes) if is_sent else Filled(first or {}, {}, {})
        query = self.request.query_params
        return Filled(query, _choices(query.multi_items()), {} if self.sent_to else self.mistakes)

    @property
    def path(self) -> str:
        """The path of this page, without the base path."""
        return self.request.url.path.removeprefix(self.site.base_path) or "/"

    @cached_property
    def here(self) -> str:
        """The path of this page with its parameters, without the base path."""
        return self.path + (f"?{self.request.url.query}" if self.request.url.query else "")

    def url(self, path: str, /, **query: object) -> str:
        """Return the URL of a path of the console; parameters that are None or empty are left out."""
        kept = {name: str(value) for name, value in query.items() if value not in (None, "", False)}
        return self.site.base_path + quote(path, safe="/:@!$&'()*+,;=~") + (f"?{urlencode(kept)}" if kept else "")

    def url_here(self, **changes: object) -> str:
        """Return the URL of this page with some parameters changed; None removes one."""
        return self.url(self.path, **{**self.query, **changes})

    def action(self, path: str) -> str:
        """Return the URL of an action with the query of this page: where it fails, the page is shown as it was."""
        return self.url(path) + (f"?{self.request.url.query}" if self.request.url.query else "")

    @asynccontextmanager
    async def reading(self, *, personal_data: bool = False) -> AsyncIterator[Connection]:
        """Open a transaction that only reads. Raises `ForbiddenError` where this person may not see `personal_data`."""
        if personal_data:
            self.must_see_personal_data()
        async with self.site.reading(personal_data=personal_data) as connection:
            yield connection

    def must_see_personal_data(self) -> None:
        """Raise `ForbiddenError` for a person who may not see personal data."""
        if not self.person.may_see_personal_data:
            raise ForbiddenError(self._("You have no right to see personal data."))

    @asynccontextmanager
    async def acting(self) -> AsyncIterator[Connection]:
        """Lend a connection that may change things; actions begin transactions of their own.

        Raises `ForbiddenError` for a person who may only look, `SchemaVersionError` while the tables are of another
        version.
        """
        if not self.person.may_act:
            raise ForbiddenError(self._("You may look, but not change anything."))
        async with self.planning() as connection:
            yield connection

    @asynccontextmanager
    async def planning(self) -> AsyncIterator[Connection]:
        """Lend a connection that stores the plan of a preview, which changes nothing else: also who may only look.

        Raises `SchemaVersionError` while the tables are of another version.
        """
        if reason := self.site.mismatch():
            raise SchemaVersionError(reason)
        async with self.site.working() as connection:
            yield connection

    def render(self, template: str, code: int = 200, **values: Any) -> Response:
        """Return a page."""
        text = rendering.page(template, self.words, {"visit": self, "url": self.url, **values})
        answer = HTMLResponse(text, code)
        if self.flash:
            answer.delete_cookie(FLASH, path=self.site.base_path or "/")
        return answer

    def go(self, path: str, flash: str = "", **query: object) -> Response:
        """Send the browser to another page after an action; `flash` is shown there once."""
        answer = RedirectResponse(self.url(path, **query), 303)
        if flash:
            self.say(answer, flash)
        return answer

    def go_back(self, path: str, flash: str) -> Response:
        """Send the browser to the page whose form asked for it in a field `next`, else to `path`; as `go`."""
        back = inside(self.form.get("next", ""), self.site.base_path)
        answer = RedirectResponse(self.site.base_path + back, 303) if back else self.go(path)
        self.say(answer, flash)
        return answer

    def say(self, answer: Response, flash: str) -> None:
        """Have the next page show a text, once."""
        answer.set_cookie(
            FLASH,
            quote(flash[:1000]),
            max_age=FLASH_SECONDS,
            path=self.site.base_path or "/",
            httponly=True,
            samesite="lax",
        )


def parse_form(body: bytes) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return the fields of a form, each with its last value and with all of them. Raises `UsageError`."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        raise UsageError(Sentence("the form cannot be read: reload the page and try again")) from None
    choices = _choices([(name, value.replace("\x00", "")) for name, value in pairs])
    return {name: values[-1] for name, values in choices.items()}, choices


def inside(path: str, base_path: str) -> str:
    """Return a path of this console without the base path; an empty text for what leads elsewhere."""
    path = path.removeprefix(base_path)
    is_inside = path.startswith("/") and not path.startswith(("//", "/\\", "/login")) and path.isprintable()
    return path if is_inside else ""


def _choices(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    choices: dict[str, list[str]] = {}
    for name, value in pairs:
        choices.setdefault(name, []).append(value)
    return choices
