"""As in English: it sorts, and it is UTC."""

from ..en.formats import *  # noqa: F403 - all of them
