"""Pages: each module has `PAGES`, its routes.

    PAGES = [page("/things", show), action("/things/{id}/start", start)]

`show` and `start` take a `Visit` and return a response. An action is a POST; it ends with `visit.go(...)`. Either may
raise an error of `domain/errors.py`: `UsageError` is shown beside the field it names (`Forms`), `NotFoundError` and all
others become a page that says what happened (`console/app.py`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

from starlette.responses import Response

from orders_sync.console.visit import Visit

Handler = Callable[[Visit], Awaitable[Response]]


@dataclass(frozen=True)
class ConsoleRoute:
    """A route for people who are logged in.

    `needs_right_to_act`: only for those who may act (`Person.may_act`); `shows_personal_data`: only for those who may
    see it (`Person.may_see_personal_data`, of `console add --see-persons`). `form`: the path of the page with the form
    that leads here, which is shown again, filled in, where the form has a mistake; its parameters in braces are those
    of `path`. Empty: the mistake has a page of its own.
    """

    path: str
    answer: Handler
    method: str = "GET"
    needs_right_to_act: bool = False
    shows_personal_data: bool = False
    form: str = ""


def page(path: str, answer: Handler, *, form: str = "") -> ConsoleRoute:
    """Return a page that everybody who is logged in may see."""
    return ConsoleRoute(path, answer, form=form)


def action(
    path: str, answer: Handler, *, needs_right_to_act: bool = True, shows_personal_data: bool = False, form: str = ""
) -> ConsoleRoute:
    """Return an action.

    `needs_right_to_act`: False for what is the person's own, and for seeing personal data, which has a right of its
    own, `shows_personal_data`.
    """
    return ConsoleRoute(path, answer, "POST", needs_right_to_act, shows_personal_data, form)


def all_pages() -> list[ConsoleRoute]:
    """Return the routes of every module of this package."""
    names = sorted(each.name for each in iter_modules(__path__))
    return [each for name in names for each in import_module(f"{__name__}.{name}").PAGES]
