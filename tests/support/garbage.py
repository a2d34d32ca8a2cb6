"""No search for garbage among what collecting the tests makes: a pytest plugin.

The modules and the test items are millions of objects that live as long as the process: searched while they are made
and again at every later search, they cost a third of the collection and the end of each worker.
"""

from __future__ import annotations

import gc

import pytest

gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    gc.freeze()
    gc.enable()
