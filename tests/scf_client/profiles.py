"""Colour profiles as files carry them: three primaries and a gamma."""

import struct

D50 = (0.9642, 1.0, 0.8249)
# Red, green and blue as XYZ under D50, as columns of the usual matrices.
ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
DISPLAY_P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))


def icc(primaries=ADOBE_RGB, gamma: float = 2.2) -> bytes:
    """An ICC profile (version 2) of an RGB space."""
    curve = b"curv" + struct.pack(">IIH", 0, 1, round(gamma * 256)) + b"\0\0"
    about = b"desc" + struct.pack(">II", 0, 5) + b"test\0" + b"\0" * 78
    tags = {b"desc": about, b"wtpt": _xyz(D50), b"cprt": b"text\0\0\0\0none\0\0\0\0"}
    tags |= {name: _xyz(colour) for name, colour in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True)}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    table, body, at = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        data += b"\0" * (-len(data) % 4)
        table += name + struct.pack(">II", at + len(body), len(data))
        body += data
    head = struct.pack(">I4sI4s4s4s12s4s", at + len(body), b"none", 0x02400000, b"mntr", b"RGB ", b"XYZ ", b"\0" * 12, b"acsp")
    head = head.ljust(68, b"\0") + b"".join(_fixed(value) for value in D50)
    return head.ljust(128, b"\0") + table + body


def _xyz(values) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(_fixed(value) for value in values)


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))
