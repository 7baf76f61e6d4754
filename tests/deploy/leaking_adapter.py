"""An operator's own adapter with a leak: a worker that loads it holds 3 MB more every tenth of a second, for ever."""

import sys
import threading
import time

from tests.upstreams.inline_adapter import Adapter

__all__ = ["Adapter"]

kept = []


def leak():
    while True:
        kept.append(b"x" * 3_000_000)
        time.sleep(0.1)


if "worker" in sys.argv:
    threading.Thread(target=leak, daemon=True).start()
