"""Processes that fail while they hold secrets: `python -m tests.support.talker FOLDER FORMAT...`, by `test_logs.py`.

Each format has a fork of one process, since most of what it costs are imports. What it writes and its exit code are in
the files FORMAT.out, FORMAT.err and FORMAT.code of the folder.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import sys
import threading
import warnings
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

import psycopg
import structlog

from orders_sync import settings
from orders_sync.service import logs
from orders_sync.service.redaction import collect_secrets
from orders_sync.settings import LogSettings

# No process id, clock, address or folder holds these by chance: words, and a number longer than all of them.
SECRET = 'Hush-"quokka"\\/ä 订'  # all that some writing escapes
APP_ID = "81100427305518264903"
ACCESS_KEY = "Hush-key-wombat"
PASSWORD = "Hush-p@ss/numbat"
SHORT = "k9"
URL = f"postgresql://me:{quote(PASSWORD, safe='')}@127.0.0.1:1/orders?connect_timeout=1"
SETTINGS = f"""
[database]
url = {json.dumps(URL)}

[[accounts]]
name = "kingdo"
platform = "1688"
seller_nick = "kingdo"
app_id = "{APP_ID}"
app_secret = {json.dumps(SECRET)}
history_from = "2025-01-01"

[[accounts]]
name = "open"
platform = "xportcn_open"
user_id = "u"
access_key = "{ACCESS_KEY}"
access_secret = "{SHORT}"
history_from = "2025-01-01"
"""
logger = structlog.get_logger("orders_sync.talker")
library = logging.getLogger("some.library")


class Odd:
    """Its repr holds what it should not."""

    def __repr__(self) -> str:
        return f"Odd({SECRET!r})"

    def __del__(self) -> None:
        raise ValueError(f"a finalizer knows {SECRET}")


def speak() -> None:
    logger.info("plain", secret=SECRET, app=APP_ID, number=int(APP_ID), short=f"a key {SHORT}, and k9s beside it")
    logger.info("nested", value={"keys": [ACCESS_KEY, {SECRET: (PASSWORD,)}]}, body=json.dumps({"secret": SECRET}))
    logger.warning("shown", odd=[Odd()], bytes=SECRET.encode(), url=URL, quoted=f"/?sign={quote(SECRET)}")
    logger.info(f"in the event: {SECRET}")
    library.warning("a library says %s and %r", SECRET, {"access": ACCESS_KEY})
    library.warning("%d is no number", SECRET)
    library.info("too chatty to be heard")
    warnings.warn(f"a warning that holds {PASSWORD}", stacklevel=1)


def stumble() -> None:
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            raise RuntimeError(f"cannot sign with {SECRET} of {APP_ID}") from error
    except RuntimeError:
        logger.exception("caught")
        library.exception("caught by a library")
    try:
        psycopg.connect(URL)
    except psycopg.OperationalError as error:
        logger.error("no database", error=repr(error), url=URL)


async def lose() -> None:
    asyncio.get_running_loop().set_exception_handler(logs.log_unhandled)

    async def fail() -> None:
        raise ValueError(f"a task knows {SECRET}")

    task = asyncio.create_task(fail(), name=f"task of {ACCESS_KEY}")
    await asyncio.wait([task])
    del task
    gc.collect()


def fail_in_a_thread() -> None:
    raise ValueError(f"a thread knows {PASSWORD}")


def main(folder: Path, formats: list[str]) -> None:
    for each in formats:
        process = os.fork()
        if not process:
            for number, stream in ((1, "out"), (2, "err")):
                os.dup2(os.open(folder / f"{each}.{stream}", os.O_WRONLY | os.O_CREAT), number)
            talk(each, folder)
        _, status = os.waitpid(process, 0)
        (folder / f"{each}.code").write_text(str(os.waitstatus_to_exitcode(status)))


def talk(format_: Any, folder: Path) -> NoReturn:
    file = folder / "orders_sync.toml"
    file.write_text(SETTINGS, encoding="utf-8")
    logs.configure(LogSettings(format=format_), collect_secrets(settings.load(file, {})))
    logs.catch_unhandled()
    speak()
    stumble()
    asyncio.run(lose())
    thread = threading.Thread(target=fail_in_a_thread)
    thread.start()
    thread.join()
    Odd()
    raise RuntimeError(f"the end, with {SECRET} and {PASSWORD}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
