"""Each fault, in process and over a real connection: the client gets the same errors."""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import AsyncIterator, Iterator
from time import perf_counter
from typing import Any

import httpx
import pytest

from orders_sync.sandbox import Faults, Sandbox, background
from orders_sync.sandbox.faults import KINDS
from orders_sync.sandbox.malformed import KINDS as MALFORMED_KINDS
from tests.support.sandbox_calls import ROOT, client, fixed, request, rows

ALL = ("sandbox-1688", "sandbox-open", "sandbox-ka")


Reached = tuple[str, Sandbox, httpx.AsyncClient]
CONTENT = ("total_high", "total_low", "total_zero", "duplicate_rows", "missing_rows", "null_list")


@pytest.fixture(scope="module")
def served(shared_sandbox: Sandbox) -> Iterator[tuple[str, Sandbox]]:
    with background(shared_sandbox.world, Faults(hang_seconds=0.2), fixed) as (root, sandbox):
        yield root, sandbox


@pytest.fixture(params=["in process", "over HTTP"])
async def reached(
    request: pytest.FixtureRequest, shared_sandbox: Sandbox, served: tuple[str, Sandbox]
) -> AsyncIterator[Reached]:
    """A sandbox in process, and one over HTTP; both without faults."""
    if request.param == "in process":
        async with client(shared_sandbox) as http:
            yield ROOT, shared_sandbox, http
    else:
        root, sandbox = served
        async with httpx.AsyncClient() as http:
            yield root, sandbox, http
        shared_sandbox = sandbox
    shared_sandbox.faults.clear()
    shared_sandbox.faults.counts.clear()


@pytest.mark.parametrize("kind", ["reset", "hang", "truncated"])
async def test_faults_of_the_connection(reached: Reached, kind: str) -> None:
    root, sandbox, http = reached
    for account in sandbox.world.accounts:
        sandbox.faults.script(kind)
        with pytest.raises(httpx.TransportError):
            await http.send(request(account, root))
        assert (await http.send(request(account, root))).status_code == 200  # and it is over
    assert sandbox.faults.counts[kind] == 3


@pytest.mark.parametrize(
    ("kind", "statuses"),
    [
        ("http_5xx", {500, 502, 503}),
        ("http_429", {429}),
        ("html", {200}),
        ("garbled", {200}),
        ("firewall", {403}),
    ],
)
async def test_faults_of_the_answer(reached: Reached, kind: str, statuses: set[int]) -> None:
    root, sandbox, http = reached
    for account in sandbox.world.accounts:
        sandbox.faults.script(kind)
        response = await http.send(request(account, root))
        assert response.status_code in statuses
        with pytest.raises(json.JSONDecodeError):
            response.json()
        assert (response.headers.get("retry-after") == "1") is (kind == "http_429")


async def test_flow_limit_in_the_format_of_each_platform(reached: Reached) -> None:
    root, sandbox, http = reached
    sandbox.faults.script(*["flow_limit"] * 3)
    first, second, third = [(await http.send(request(a, root))).json() for a in sandbox.world.accounts]
    assert (first["code"], first["message"].split(":")[0]) == (51, "gw.QosAppFrequencyLimit")
    assert (second["code"], third["code"]) == (429, 429)


async def test_a_byte_order_mark_no_data_and_rows_in_no_order(reached: Reached) -> None:
    root, sandbox, http = reached
    for account in sandbox.world.accounts:
        lists = "items" if account.platform == "1688" else "data"
        normal = (await http.send(request(account, root))).json()
        sandbox.faults.script("bom", "null_data", "shuffled")
        assert (await http.send(request(account, root))).content.startswith(BOM_UTF8 + b"{")
        assert (await http.send(request(account, root))).json()["data"] is None
        shuffled = (await http.send(request(account, root))).json()
        before, after = ([str(row) for row in answer["data"][lists]] for answer in (normal, shuffled))
        assert before != after
        assert sorted(before) == sorted(after)
        assert (normal["code"], normal["data"]["total"]) == (shuffled["code"], shuffled["data"]["total"])


@pytest.mark.parametrize("kind", CONTENT)
async def test_faults_of_the_content(reached: Reached, kind: str) -> None:
    root, sandbox, http = reached
    for account in sandbox.world.accounts:
        parameters: dict[str, Any] = {"page_size" if account.platform == "1688" else "pageSize": 50}
        lists = "items" if account.platform == "1688" else "data"
        normal = (await http.send(request(account, root, **parameters))).json()["data"]
        sandbox.faults.script(kind)
        faulty = (await http.send(request(account, root, **parameters))).json()["data"]
        if kind.startswith("total"):
            assert faulty[lists] == normal[lists]
            assert {"total_high": faulty["total"] > normal["total"], "total_zero": faulty["total"] == 0}.get(
                kind, 0 < faulty["total"] < normal["total"]
            )
        else:
            assert faulty["total"] == normal["total"]
            count = {"duplicate_rows": 53, "missing_rows": 44}.get(kind)
            assert (faulty[lists] is None) if count is None else (len(faulty[lists]) == count)


async def test_latency_delays_every_answer(reached: Reached) -> None:
    root, sandbox, http = reached
    sandbox.faults.latency_ms = 30
    before = perf_counter()
    await http.send(request(sandbox.world.accounts[1], root))
    assert perf_counter() - before >= 0.03


def test_every_kind_is_tested_here() -> None:
    tested = {"reset", "hang", "truncated", "http_5xx", "http_429", "html", "garbled", "flow_limit"}
    tested |= {"bom", "firewall", "null_data", "shuffled"}
    assert tested | set(CONTENT) == set(KINDS)


async def test_a_plain_asgi_server_says_it_cannot_break_connections(shared_sandbox: Sandbox) -> None:
    sandbox = Sandbox(shared_sandbox.world, Faults(script=["reset"]), fixed)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sandbox.app)) as http:
        with pytest.raises(RuntimeError, match=r"sandbox\.transport"):
            await http.send(request(shared_sandbox.world.accounts[0]))


async def test_a_script_of_one_account_is_its_own(shared_sandbox: Sandbox) -> None:
    sandbox = Sandbox(shared_sandbox.world, clock=fixed)
    sandbox.faults.script("ok", "html", account="sandbox-ka")
    async with client(sandbox) as http:
        kinds = []
        for name in ("sandbox-ka", "sandbox-open", "sandbox-ka", "sandbox-ka"):
            response = await http.send(request(sandbox.world.shop(name).account))
            kinds.append(response.headers["content-type"].partition(";")[0])
    assert kinds == ["application/json", "application/json", "text/html", "application/json"]


async def test_probabilities_are_kept_and_repeatable() -> None:
    histories = []
    for _ in range(2):
        faults = Faults({"http_5xx": 0.2, "html": 0.1}, seed=5)
        drawn = [faults.draw("sandbox-1688") for _ in range(2000)]
        assert 340 < drawn.count("http_5xx") < 460
        assert 150 < drawn.count("html") < 250
        histories.append(drawn)
    assert histories[0] == histories[1]


async def test_an_accounts_own_rates_take_the_place_of_the_common_ones() -> None:
    faults = Faults({"html": 1.0}, accounts={"sandbox-ka": {}})
    assert faults.draw("sandbox-1688") == "html"
    assert faults.draw("sandbox-ka") is None


@pytest.mark.parametrize("rates", [{"rain": 0.5}, {"html": 1.5}, {"html": -0.1}, {"html": "often"}])
def test_invalid_rates_are_rejected(rates: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        Faults(rates)


async def test_malformed_records_are_always_the_same_orders(sandbox: Sandbox) -> None:
    sandbox.faults.set_rates({"malformed": 0.1})
    for account in sandbox.world.accounts:
        rejects = {
            t["order_id"]: t["reject_kind"] for t in sandbox.world.expected_orders(account.name) if t.get("reject")
        }
        assert 0 < len(rejects) < 20
        shop = sandbox.world.shop(account.name)
        for order in shop.index.orders.values():
            assert (shop.served_record(order) != order.record) is (order.order_id in rejects)
    sandbox.faults.clear()
    assert not any(expected.get("reject") for expected in sandbox.world.expected_orders("sandbox-ka"))


@pytest.mark.parametrize("kind", MALFORMED_KINDS)
@pytest.mark.parametrize("name", ALL)
async def test_a_malformed_record_leaves_the_others_unchanged(shared_sandbox: Sandbox, name: str, kind: str) -> None:
    account = shared_sandbox.world.shop(name).account
    parameters = {"page_size" if name == "sandbox-1688" else "pageSize": 50}
    _, normal = await rows(shared_sandbox, account, **parameters)
    newest = shared_sandbox.world.expected_orders(name)[-1]["order_id"]
    shared_sandbox.world.malform(name, newest, kind)
    _, faulty = await rows(shared_sandbox, account, **parameters)
    assert len(faulty) == len(normal)
    assert sum(a != b for a, b in zip(normal, faulty, strict=True)) == 1
    shared_sandbox.world.shop(name).malformed.clear()
    assert (await rows(shared_sandbox, account, **parameters))[1] == normal
