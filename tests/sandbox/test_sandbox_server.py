"""The control endpoints, over a real connection."""

from __future__ import annotations

import json
import re
import socket
import tomllib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from orders_sync.sandbox import Sandbox, World, background
from orders_sync.sandbox.faults import CLEAN, KINDS
from tests.support.sandbox_calls import NOW, fixed, request


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, Sandbox]]:
    with background(World(150, shops=5, now=NOW), clock=fixed) as (root, sandbox):
        yield root, sandbox


def test_accounts_as_a_ready_settings_file(served: tuple[str, Sandbox]) -> None:
    root, sandbox = served
    accounts = tomllib.loads(httpx.get(f"{root}/sandbox/accounts.toml").text)["accounts"]
    first, second = accounts[:2]
    assert len(accounts) == 5
    assert (first["base_url"], second["base_url"]) == (root, f"{root}/api")
    assert first["app_secret"] == sandbox.world.accounts[0].app_secret
    assert second["access_secret"] == sandbox.world.accounts[1].app_secret
    assert first["seller_nick"] == "sandbox-1688"
    assert second["user_id"]
    assert first["requests_per_second"] == 1000


def test_accounts_as_json(served: tuple[str, Sandbox]) -> None:
    root, sandbox = served
    response = httpx.get(f"{root}/sandbox/accounts").json()
    assert [account["name"] for account in response] == [account.name for account in sandbox.world.accounts]
    assert {"platform", "seller", "app_id", "app_secret", "history_from", "orders"} <= response[0].keys()


def test_truth_is_one_order_per_line(served: tuple[str, Sandbox]) -> None:
    root, sandbox = served
    text = httpx.get(f"{root}/sandbox/truth", params={"account": "sandbox-ka"}).text
    assert [json.loads(line) for line in text.splitlines()] == sandbox.world.expected_orders("sandbox-ka")


def test_truth_of_an_unknown_account_is_not_found(served: tuple[str, Sandbox]) -> None:
    assert httpx.get(f"{served[0]}/sandbox/truth", params={"account": "nobody"}).status_code == 404


def test_stats_count_calls_by_account_and_endpoint(served: tuple[str, Sandbox]) -> None:
    root, sandbox = served
    account = sandbox.world.shop("sandbox-open-2").account
    with httpx.Client() as http:
        for _ in range(3):
            assert http.send(request(account, root)).json()["code"] == 200
    assert httpx.get(f"{root}/sandbox/stats").json()["calls"]["sandbox-open-2"] == {"/api/open/order/page": 3}


def test_faults_are_set_counted_and_cleared(served: tuple[str, Sandbox]) -> None:
    root, sandbox = served
    account = sandbox.world.shop("sandbox-1688-2").account
    url = f"{root}/sandbox/faults"
    assert httpx.post(url, json={"rates": {"http_5xx": 1}, "account": account.name}).status_code == 200
    with httpx.Client() as http:
        assert http.send(request(account, root)).status_code >= 500
        assert http.send(request(sandbox.world.accounts[0], root)).status_code == 200
    assert httpx.get(url).json()["injected"] == {"http_5xx": 1}
    assert httpx.post(url, json={"clear": True}).json()["rates"] == {}
    assert httpx.post(url, json={"script": ["html"]}).json()["queued"] == {"*": ["html"]}
    httpx.post(url, json={"clear": True})


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"rates": {"rain": 1}}', "unknown fault 'rain'; known are http_5xx, reset, "),
        ('{"rates": {"reset": 1}, "script": ["rain"]}', "unknown fault 'rain'; known are http_5xx, reset, "),
        ('{"rates": {"reset": 1}, "foo": 1}', "unknown key 'foo'; known are rates, script, account, "),
        ('{"rates": {"reset": 1}, "account": "nobody"}', "unknown account 'nobody'; known are sandbox-1688, "),
        ('{"rates": {"reset": 1}, "latency_ms": -1}', "latency_ms: must be a number, 0 or more"),
        ('{"rates": {"reset": 1}, "latency_ms": "fast"}', "latency_ms: must be a number, 0 or more"),
        ('{"rates": {"reset": 1}, "script": "reset"}', "script: must be a list"),
        ('{"rates": {"reset": 1}, "script": [{}]}', "unknown fault {}"),
        ('{"rates": {"reset": 2}}', "between 0 and 1"),
        ('{"rates": 5}', "rates: must be an object"),
        ("[]", "must be a JSON object"),
        ("no json", "no JSON"),
    ],
)
def test_nonsense_about_faults_is_a_bad_request_and_changes_nothing(
    served: tuple[str, Sandbox], body: str, words: str
) -> None:
    url = f"{served[0]}/sandbox/faults"
    before = httpx.get(url).json()
    response = httpx.post(url, content=body)
    assert response.status_code == 400
    assert words in response.json()["error"]
    assert httpx.get(url).json() == before


def test_the_document_and_the_address_name_every_fault_as_the_code_does(served: tuple[str, Sandbox]) -> None:
    document = Path(__file__).parents[2].joinpath("docs/sandbox.md").read_text(encoding="utf-8")
    described = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", document.split("| fault |")[1], re.MULTILINE))
    known = httpx.get(f"{served[0]}/sandbox/faults").json()["known"]
    assert {kind: text.replace("`", "") for kind, text in described.items() if kind in KINDS} == KINDS
    assert set(described) | {CLEAN} == set(known)


def test_live_mode_is_started_and_stopped() -> None:
    with background(World(90, now=NOW)) as (root, sandbox):
        url = f"{root}/sandbox/live"
        assert httpx.post(url, json={"rate": 2000}).json()["rate"] == 2000
        while httpx.get(url).json()["happened"] == 0:
            pass
        assert httpx.post(url, json={"rate": 0}).json()["rate"] == 0
        for wrong in ({"rate": "fast"}, {"rate": -1}, {}, {"rate": 1, "per": "minute"}):
            assert httpx.post(url, json=wrong).status_code == 400
        assert any(order.version for shop in sandbox.world.shops for order in shop.index.orders.values())


def test_a_port_in_use_is_an_error_of_the_caller() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError), background(World(0, now=NOW), port=port):
            pass
