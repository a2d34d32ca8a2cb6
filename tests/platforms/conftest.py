"""Failed asserts of the shared suite show their values, as those of the tests do."""

import pytest

pytest.register_assert_rewrite("tests.support.platform_contract")
