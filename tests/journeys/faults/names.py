"""A name server of the stage: the workers' processes see it as the machine's own, and it fails or falls silent as it is told.

No line of Darkroom knows of it. A worker runs in a mount namespace of its own, in which /etc/resolv.conf names this server; the
system's look-up, which all of Python's clients use, then asks here. It takes the rights to mount and to listen on port 53.
"""

import random
import socket
import struct
import subprocess
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from itertools import cycle
from pathlib import Path

ZONE = "fire.test"  # by RFC 6761, no name of it exists anywhere else
SERVFAIL, NXDOMAIN = 2, 3
A = 1
WITHIN = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'


class Names:
    """Every name below ZONE, and localhost, is this machine, but for those in `other`: what each is answered, one time after another.

    `mood`: answers, fails (SERVFAIL), denies (no such name), silent. `asked`: how often, by name.
    """

    def __init__(self, folder: Path):
        self._file = folder / "resolv.conf"
        self.mood = "answers"
        self.other: dict[str, cycle] = {}
        self.asked: Counter[str] = Counter()

    def seen_by(self, command: Sequence[str]) -> list[str]:
        """The command, run where this is the machine's name server."""
        return ["unshare", "--mount", "sh", "-c", WITHIN, str(self._file), *command]

    def will_answer(self, name: str, *addresses: str) -> str:
        """This name leads to these addresses, one at a time and over again; returns it whole."""
        self.other[whole := f"{name}.{ZONE}"] = cycle(addresses)
        return whole

    def behave(self) -> None:
        self.mood = "answers"

    def __enter__(self) -> "Names":
        """Raises OSError where this machine does not allow it."""
        self._socket, address = _bound()
        self._file.write_text(f"nameserver {address}\n")
        if subprocess.run(self.seen_by(["true"]), capture_output=True, check=False).returncode:
            self._socket.close()
            raise OSError("no file system may be mounted here")
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _serve(self) -> None:
        with suppress(OSError):  # the end: its socket was closed
            while True:
                question, asker = self._socket.recvfrom(512)
                if self.mood != "silent":
                    self._socket.sendto(self._answer(question), asker)

    def _answer(self, message: bytes) -> bytes:
        name, end = _name(message)
        (kind,) = struct.unpack_from("!H", message, end)
        self.asked[name] += 1
        code, address = self._found(name)
        has_one = code == 0 and kind == A
        head = struct.pack("!HHHHHH", int.from_bytes(message[:2]), 0x8180 | code, 1, has_one, 0, 0)
        found = struct.pack("!HHHIH", 0xC00C, A, 1, 0, 4) + socket.inet_aton(address) if has_one else b""
        return head + message[12 : end + 4] + found

    def _found(self, name: str) -> tuple[int, str]:
        if not (name == "localhost" or name.endswith(f".{ZONE}")) or self.mood == "denies":
            return NXDOMAIN, ""
        if self.mood == "fails":
            return SERVFAIL, ""
        return 0, next(self.other[name]) if name in self.other else "127.0.0.1"


def _bound() -> tuple[socket.socket, str]:
    """A socket on port 53, at an address of this machine that nobody else's name server has."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    dice = random.SystemRandom()
    for _ in range(10):
        address = f"127.{dice.randrange(1, 255)}.{dice.randrange(1, 255)}.53"
        try:
            bound.bind((address, 53))
        except PermissionError:
            break
        except OSError:
            continue
        return bound, address
    bound.close()
    raise OSError("nobody may listen on port 53 here")


def _name(message: bytes) -> tuple[str, int]:
    """The name that is asked for, and where it ends."""
    labels, at = [], 12
    while length := message[at]:
        labels.append(message[at + 1 : at + 1 + length].decode("ascii", "replace").lower())
        at += 1 + length
    return ".".join(labels), at + 1
