"""The conformance class is no test module, and its assertions are to explain themselves as one's do."""

import pytest

pytest.register_assert_rewrite("tests.providers.adapters.conformance")
