"""What several tests of the engine share."""

import pytest

from providers.models import Provider
from tests.cast import forget_rows

from .flagged import quarantined, unknown
from .two_routes import served

__all__ = ["quarantined", "served", "unknown"]


@pytest.fixture(autouse=True)
def own_storage(settings, tmp_path) -> None:
    settings.STORAGE_DIR = tmp_path


@pytest.fixture
def by_list(bell, settings):
    """bell, asked for its list; it is given no address, so that its orders show no mark of ours."""
    settings.HOOKS_URL = ""
    settings.ADAPTERS = [*settings.ADAPTERS, "tests.upstreams.bell_list_adapter"]
    Provider.objects.update(adapter="bell_list_adapter")
    forget_rows()
    return bell
