"""Requests that are served and requests that are rejected, by each platform's rules (api-facts 0, 1, 4)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orders_sync.sandbox import Sandbox, World
from orders_sync.sandbox.request_checks import sign_1688, sign_xportcn
from tests.support.sandbox_calls import NOW, answer, local, md5, rows

SECRET = "test-secret-0001"
FORM = {
    "appid": "uwkahf@jfs92",
    "seller_nick": "kingdo",
    "timestamp": "1633618722",
    "start_created": "2024-05-28 00:00:00",
    "end_created": "2024-05-30 23:10:59",
    "status": "2",
    "page_no": "1",
    "page_size": "10",
}
ALL = ("sandbox-1688", "sandbox-open", "sandbox-ka")
XPORTCN = ("sandbox-open", "sandbox-ka")


def test_signature_1688_vectors() -> None:
    assert sign_1688(FORM, SECRET) == "7f5c96de449fcd5139a25a04ccdf7a62"
    assert sign_1688(FORM | {"sign": "is left out"}, SECRET) == "7f5c96de449fcd5139a25a04ccdf7a62"
    more = {"buyer_message": "不要搞错", "buyer_message_op": "ne", "buyer_open_uid": ""}
    assert sign_1688(FORM | more, SECRET) == "383b9e0c19d4a9c76e001dbdcdff9afd"


def test_signature_xportcn_vector() -> None:
    signature = sign_xportcn("8bfeefe8df8846bea5c0ed90759afe4c", "1775221032", "nzxqnqd8u7", SECRET)
    assert signature == "38342DABADF21BC4A5593FE9FCB65663"


@pytest.mark.parametrize("name", ALL)
async def test_signed_call_is_served(shared_sandbox: Sandbox, name: str) -> None:
    account = shared_sandbox.world.shop(name).account
    total, found = await rows(shared_sandbox, account)
    assert total == 80 - (name == "sandbox-1688")  # its documented order is of 2024, outside of the window
    assert found


@pytest.mark.parametrize("name", ALL)
async def test_wrong_signature_is_rejected(shared_sandbox: Sandbox, name: str) -> None:
    account = shared_sandbox.world.shop(name).account
    refusal = await answer(shared_sandbox, account, sign=md5("something else"))
    if account.platform == "1688":
        assert refusal == {"code": 50, "message": "gw.SignatureInvalid: sign does not match"}
    else:
        assert refusal["code"] == 401
        assert refusal["msg"].startswith("签名错误")
        assert refusal["data"] is None
        assert refusal["requestId"]


@pytest.mark.parametrize("name", XPORTCN)
async def test_lower_case_signature_is_rejected_by_xportcn(shared_sandbox: Sandbox, name: str) -> None:
    account = shared_sandbox.world.shop(name).account
    stamp = str(int(NOW.timestamp()))
    right = sign_xportcn(account.app_id, stamp, "nzxqnqd8u7", account.app_secret)
    assert (await answer(shared_sandbox, account, sign=right))["code"] == 200
    assert (await answer(shared_sandbox, account, sign=right.lower()))["code"] == 401


@pytest.mark.parametrize(("name", "tolerance", "code"), [("sandbox-1688", 300, 50), ("sandbox-ka", 600, 401)])
async def test_clock_tolerance(shared_sandbox: Sandbox, name: str, tolerance: int, code: int) -> None:
    account = shared_sandbox.world.shop(name).account
    fine = 0 if name == "sandbox-1688" else 200
    for off in (0, tolerance, -tolerance):
        assert (await answer(shared_sandbox, account, stamp=int(NOW.timestamp()) + off))["code"] == fine
    for off in (tolerance + 1, -tolerance - 1):
        assert (await answer(shared_sandbox, account, stamp=int(NOW.timestamp()) + off))["code"] == code


@pytest.mark.parametrize("name", XPORTCN)
async def test_xportcn_accepts_milliseconds_as_its_documents_show(shared_sandbox: Sandbox, name: str) -> None:
    account = shared_sandbox.world.shop(name).account
    assert (await answer(shared_sandbox, account, stamp=int(NOW.timestamp() * 1000)))["code"] == 200


@pytest.mark.parametrize(("name", "code"), [("sandbox-1688", 50), ("sandbox-open", 401), ("sandbox-ka", 401)])
async def test_unknown_key_is_rejected(shared_sandbox: Sandbox, name: str, code: int) -> None:
    assert (await answer(shared_sandbox, shared_sandbox.world.shop(name).account, key="nobody"))["code"] == code


@pytest.mark.parametrize(("name", "code"), [("sandbox-1688", 40), ("sandbox-open", 403), ("sandbox-ka", 403)])
async def test_unknown_seller_is_rejected(shared_sandbox: Sandbox, name: str, code: int) -> None:
    assert (await answer(shared_sandbox, shared_sandbox.world.shop(name).account, seller="nobody"))["code"] == code


async def test_a_key_of_another_platform_is_unknown(shared_sandbox: Sandbox) -> None:
    account, other = (shared_sandbox.world.shop(name).account for name in XPORTCN)
    assert (await answer(shared_sandbox, account, key=other.app_id))["code"] == 401


@pytest.mark.parametrize("size", [1, 10, 99, 100, 200, 300, 400, 500])
async def test_page_sizes_1688_accepts(shared_sandbox: Sandbox, size: int) -> None:
    assert (await answer(shared_sandbox, shared_sandbox.world.accounts[0], page_size=size))["code"] == 0


@pytest.mark.parametrize("size", [0, -1, 101, 150, 499, 501, 600, "many"])
async def test_page_sizes_1688_rejects(shared_sandbox: Sandbox, size: object) -> None:
    response = await answer(shared_sandbox, shared_sandbox.world.accounts[0], page_size=size)
    assert response["code"] == 40
    assert "page_size" in response["message"]


@pytest.mark.parametrize("name", XPORTCN)
async def test_page_sizes_of_xportcn(shared_sandbox: Sandbox, name: str) -> None:
    account = shared_sandbox.world.shop(name).account
    assert (await answer(shared_sandbox, account, pageSize=500))["code"] == 200
    assert (await answer(shared_sandbox, account, pageSize=501))["code"] == 400


@pytest.mark.parametrize(("seconds", "code"), [(31 * 86400, 0), (31 * 86400 + 1, 40), (0, 0), (-1, 40)])
async def test_window_of_1688_is_at_most_a_month(shared_sandbox: Sandbox, seconds: int, code: int) -> None:
    start, end = local(NOW - timedelta(days=31)), local(NOW - timedelta(days=31) + timedelta(seconds=seconds))
    response = await answer(shared_sandbox, shared_sandbox.world.accounts[0], start_created=start, end_created=end)
    assert response["code"] == code


@pytest.mark.parametrize(
    "parameters",
    [
        {"start_created": ""},
        {"start_created": "2026-10-01"},
        {"date_type": 2},
        {"order_asc": "up"},
        {"status": 12},
        {"page_no": 0},
        {"num_iid": 5},
        {"buyer_message_op": "like"},
    ],
)
async def test_1688_rejects_invalid_parameters(shared_sandbox: Sandbox, parameters: dict[str, object]) -> None:
    assert (await answer(shared_sandbox, shared_sandbox.world.accounts[0], **parameters))["code"] == 40


@pytest.mark.parametrize(
    "parameters", [{"beginDateTime": "yesterday"}, {"pageNum": 0}, {"pageSize": "9" * 5000}, {"status": "open"}]
)
@pytest.mark.parametrize("name", XPORTCN)
async def test_xportcn_rejects_invalid_parameters(
    shared_sandbox: Sandbox, name: str, parameters: dict[str, object]
) -> None:
    assert (await answer(shared_sandbox, shared_sandbox.world.shop(name).account, **parameters))["code"] == 400


async def test_rejected_calls_do_not_leak_the_secret(shared_sandbox: Sandbox) -> None:
    for account in shared_sandbox.world.accounts:
        assert account.app_secret not in str(await answer(shared_sandbox, account, sign="x"))


def test_a_world_without_orders_has_accounts() -> None:
    assert len(World(0, now=NOW).accounts) == 3
