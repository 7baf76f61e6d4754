"""How loud the whole is, by EBU R 128: it is measured, and brought to what was asked by one gain for all of it.

Where that would drive peaks over the ceiling, a limiter holds them, which takes some loudness: so what comes out is measured again
and the gain corrected. `loudnorm` would do it in two passes as well, but changes the dynamics wherever there is a peak in the way.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..common import ffmpeg
from .mix import Mix

AS_IT_IS = "alimiter=level=0"  # only what two sounds together drive over full scale
CEILING_DB = -1.5  # of the samples: what lies between them may rise a little above
SILENCE_LUFS = -60.0
NEAR_LU = 0.3
CORRECTIONS = 3


@dataclass(frozen=True)
class Heard:
    """Loudness in LUFS over the whole, and the highest peak in dB below full scale."""

    loudness: float
    peak: float


def end(mix: Mix, target: float | None, work: Path) -> str:
    """What is done to the sum of a mix so that it is as loud as asked, or as it is."""
    if target is None:
        return AS_IT_IS if len(mix.parts) > 1 else "anull"
    return gained(target, lambda filters: _measured(mix, filters, work))


def gained(target: float, measure: Callable[[str], Heard]) -> str:
    """The filters after which `measure` hears the target; silence stays silent."""
    plain = measure("anull")
    if plain.loudness < SILENCE_LUFS:
        return "anull"
    gain = target - plain.loudness
    if plain.peak + gain <= CEILING_DB:
        return f"volume={gain:.2f}dB"
    for _ in range(CORRECTIONS):
        miss = target - measure(_limited(gain)).loudness
        if abs(miss) < NEAR_LU:
            break
        gain += miss
    return _limited(gain)


def heard(report: str) -> Heard:
    """What the summary of ffmpeg's `ebur128` says."""
    loudness, peak = (re.findall(rf"^ +{name}: +(-?[\d.]+|-?inf|nan) ", report, re.MULTILINE)[-1] for name in ("I", "Peak"))
    return Heard(float(loudness), float(peak))


def _limited(gain: float) -> str:
    return f"volume={gain:.2f}dB,alimiter=level=0:limit={10 ** (CEILING_DB / 20):.4f}:attack=5:release=50:latency=1"


def _measured(mix: Mix, filters: str, work: Path) -> Heard:
    graph = mix.graph(0, f"{filters},ebur128=framelog=quiet:peak=true")
    return heard(
        ffmpeg.told([*mix.inputs, "-filter_complex", graph, "-map", "[sound]", "-t", f"{mix.lasts:.6f}", "-f", "null", "-"], cwd=work)
    )
