"""What keeps a function process from outgrowing or outliving what started it."""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
M_ARENA_MAX = -8
MAX_FILE_BYTES = 4 * 1024**3  # a runaway encoder must not fill the disk

_libc = ctypes.CDLL(None, use_errno=True)  # loaded before any fork: nothing may be loaded between fork and exec


def memory(megabytes: int) -> None:
    """Bound the address space of this process and, each by itself, of those it starts; larger requests fail there.

    To be called before the first thread: glibc gives each one an arena of 64 MB, and a function that had drawn six small pictures
    used 595 MB of its bounds for 64 MB of data; with two arenas 209 MB.
    """
    if mallopt := getattr(_libc, "mallopt", None):  # glibc's
        mallopt(M_ARENA_MAX, 2)
    bytes_ = megabytes * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (bytes_, bytes_))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_FILE_BYTES, MAX_FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def die_with(parent: int) -> None:
    """Have the kernel kill this process when process `parent`, which must be its parent, dies in whatever way."""
    if sys.platform == "linux":
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        os._exit(1)


def dying_with_us() -> Callable[[], None]:
    """For a child's `preexec_fn`: it dies with the thread that starts it."""
    parent = os.getpid()
    return lambda: die_with(parent)
