"""DATABASE_URL is read as libpq reads it, or refused; nothing of a password is ever shown (P8)."""

from __future__ import annotations

import pytest
from psycopg.conninfo import conninfo_to_dict

from orders_sync.settings.database_url import parse, written_password
from orders_sync.store.conninfo import shown

WORD = "Hush"  # part of every password here


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("postgres://u:Hush@h/d", "Hush"),
        ("postgresql://u:Hush#w@h/d", "Hush#w"),
        ("postgresql://u:Hush?w=1@h/d", "Hush?w=1"),
        ("postgresql://u:Hush:w@h:1,h2:2/d", "Hush:w"),
        ("postgresql+psycopg://u:%40%2F%23%25%3A%3FHush@h/d", "@/#%:?Hush"),
        ("postgresql://u:中Hush@[::1]:5432/d?sslmode=require&options=endpoint%3Dep-1", "中Hush"),
        ("postgresql://u:Hush@%2Fvar%2Frun%2Fpostgresql/d", "Hush"),
        ("postgresql://u:Hush@/d?host=%2Ftmp", "Hush"),
    ],
)
def test_a_url_that_can_be_read_in_one_way_is_read_so(url: str, password: str) -> None:
    asked = conninfo_to_dict(parse(url))
    assert (asked["user"], asked["password"], asked["dbname"]) == ("u", password, "d")
    assert WORD in written_password(url)
    assert WORD not in shown(parse(url))


@pytest.mark.parametrize(
    "userinfo",
    [
        "u:p@Hush",
        "u:p@Hush/w#rd",
        "u:p/Hush",
        "u:p/Hush@w",
        "u:12/Hush",
        "u:p/Hush?w",
        "u:p@x/Hush?w",
        "u:p@x/y?a=Hush",
        "u:Hush%",
        "u:Hush%4",
        "u:Hush%zz",
        "u:Hush%00",
        "u:Hush%E9",
        "me@Hush:p",
        "me?Hush:p",
    ],
)
def test_a_url_that_may_be_meant_otherwise_is_refused_with_what_to_encode_P8(userinfo: str) -> None:
    for url in (f"postgresql://{userinfo}{rest}" for rest in ("@h/d", "@h:5432/d?sslmode=require", "@/d?host=%2Ftmp")):
        with pytest.raises(ValueError, match=r"@ as %40, / as %2F.*% as %25") as raised:
            parse(url)
        assert WORD not in str(raised.value), url


@pytest.mark.parametrize(
    "url",
    ["postgresql://u:Hush/d", "postgresql://u:p@h:Hush/d", "postgresql://u:p@[Hush/d", "postgresql://u@h:70000/d"],
)
def test_what_is_no_host_and_port_is_refused_and_not_shown_P8(url: str) -> None:
    with pytest.raises(ValueError, match="host and port") as raised:
        parse(url)
    assert WORD not in str(raised.value)


@pytest.mark.parametrize("url", ["postgresql://h/d?Hush", "postgresql://h/d?options=-c Hush=1".replace(" ", "%20")])
def test_parameters_that_libpq_cannot_read_are_refused_with_how_to_write_them(url: str) -> None:
    with pytest.raises(ValueError, match=r"\?name=value.*= as %3D") as raised:
        parse(url)
    assert WORD not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://u:p@a,b:2/d", "d on a, b:2"),
        ("postgresql://u:p@a:1,b:2/d", "d on a:1, b:2"),
        ("postgresql:///d?service=shop", "d on service shop"),
        ("postgresql:///d?host=%2Ftmp&port=5433", "d on /tmp:5433"),
        ("postgresql://u:p@h/d?password=Hush", "d on h"),
        ("postgresql://u:Hush@h/d?nonsense=1", "(unreadable URL)"),
    ],
)
def test_a_database_is_shown_by_its_name_and_hosts(url: str, words: str) -> None:
    assert shown(url) == words
