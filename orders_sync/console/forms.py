"""Forms that are shown again, filled in: after a mistake, and after a log-in that a form had to wait for.

One mechanism for all of them. A page or action names the page its form stands on (`ConsoleRoute.form`); what is wrong
is a `UsageError` that names the field. The page of the form is asked once more, with `Visit.filled` for what was typed
and `Visit.mistakes` for what stands beside the fields. Nothing is stored, and nothing of a form that is posted is put
into a URL.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import compile_path

from orders_sync.console.pages import ConsoleRoute
from orders_sync.console.visit import ForbiddenError, Visit
from orders_sync.domain.errors import ChangedError, NotFoundError, OrdersSyncError, UsageError

CORRECTABLE = (UsageError, NotFoundError, ChangedError)


class Forms:
    """The forms of all pages."""

    def __init__(self, pages: Sequence[ConsoleRoute]) -> None:
        self._shown_by = {each.path: each for each in pages if each.method == "GET"}
        self._pages = pages
        self._actions = [(compile_path(each.path), each) for each in pages if each.method == "POST" and each.form]

    def addresses(self) -> list[ConsoleRoute]:
        """Return a page for the address of each action, which a reload may ask for: it leads to the form's page."""
        return [
            ConsoleRoute(each.path, partial(self._to_form, each.form))
            for each in self._pages
            if each.method == "POST" and each.form
        ]

    async def _to_form(self, form: str, visit: Visit) -> Response:
        query = visit.request.url.query
        if not query and (before := self._shown_by[form].form):
            form = before  # a page that is nothing without its parameters
        path = visit.url(form.format(**visit.request.path_params))
        return RedirectResponse(path + (f"?{query}" if query else ""), 303)

    async def answer(self, visit: Visit, page: ConsoleRoute) -> Response:
        """Return the answer of a page or action; with a mistake in its form, the form again and what is wrong.

        Raises what the page raises where it has no form, or where the page of the form cannot be shown either.
        """
        try:
            return await page.answer(visit)
        except ForbiddenError:
            raise
        except CORRECTABLE as error:
            if not page.form:
                raise
            if page.method == "POST":
                visit = self._at_form(visit, page, visit.path)
            visit.mistakes[_argument(error)] = visit.words.error(error)
            return await self._corrected(visit, page.form, error)

    async def resume(self, visit: Visit, path: str) -> Response | None:
        """Return the page of a form that was sent to `path` without a session; None where there is none.

        `visit`: of whoever has logged in since, with the form. Nothing of the form is done.
        """
        for (pattern, _, convertors), page in self._actions:
            if found := pattern.match(path):
                params = {name: convertors[name].convert(value) for name, value in found.groupdict().items()}
                request = Request({**visit.request.scope, "path_params": params})
                visit = self._at_form(replace(visit, request=request), page, path)
                try:
                    return await self._shown_by[page.form].answer(visit)
                except OrdersSyncError:
                    return None
        return None

    def _at_form(self, visit: Visit, page: ConsoleRoute, path: str) -> Visit:
        """Return the visit of an action as one of the page its form stands on."""
        scope = visit.request.scope
        shown = page.form.format(**visit.request.path_params)
        request = Request({**scope, "method": "GET", "path": shown, "raw_path": shown.encode(), "root_path": ""})
        return replace(visit, request=request, sent_to=path)

    async def _corrected(self, visit: Visit, form: str, error: OrdersSyncError) -> Response:
        while True:
            try:
                answer = await self._shown_by[form].answer(visit)
            except UsageError as another:
                if not another.argument or another.argument in visit.mistakes:
                    raise error from None
                visit.mistakes[another.argument] = visit.words.error(another)
            except OrdersSyncError:
                raise error from None
            else:
                answer.status_code = 404 if isinstance(error, NotFoundError) else 400
                return answer


def _argument(error: Exception) -> str:
    return error.argument if isinstance(error, UsageError) else ""
