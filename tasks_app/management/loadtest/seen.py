"""What a load measured, as it goes and in the end."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from .plan import Plan
from .times import Times

PERCENTILES = {"p50_ms": 50.0, "p90_ms": 90.0, "p99_ms": 99.0, "p999_ms": 99.9, "max_ms": 100.0}


class Call:
    """One call of the mix. Each request's time counts, however it ended; `errors` by status or kind."""

    def __init__(self) -> None:
        self.times, self.errors = Times(), Counter[str]()

    def told(self) -> dict[str, Any]:
        times = self.times
        figures = dict(zip(PERCENTILES, (us / 1000 for us in times.at(*PERCENTILES.values())), strict=True))
        errors = dict(self.errors.most_common())
        return {"requests": times.count, "errors": errors, **figures, "mean_ms": round(times.mean / 1000, 3), "histogram": times.told()}


class Seen:
    """`late_s`: how late this client itself was with a request that was due, at worst; `open_most`: requests open at once."""

    def __init__(self, plan: Plan):
        self._plan, self.began_at = plan, datetime.now(UTC)
        self.calls: dict[str, Call] = defaultdict(Call)
        self._slots: dict[int, array] = defaultdict(lambda: array("f"))
        self._failed: Counter[int] = Counter()
        self._recent = array("f")
        self.late_s, self.open_now, self.open_most, self.sent = 0.0, 0, 0, 0

    def sends(self, late_s: float) -> None:
        self.sent += 1
        self.open_now += 1
        self.open_most = max(self.open_most, self.open_now)
        self.late_s = max(self.late_s, late_s)

    def ended(self, name: str, *, due_s: float, took_s: float, error: str) -> None:
        """`due_s` from the start of the run; `error` is empty where all went well."""
        self.open_now -= 1
        self.calls[name].times.add(round(took_s * 1e6))
        slot = int(due_s // self._plan.slot_s)
        self._slots[slot].append(took_s)
        self._recent.append(took_s)
        if error:
            self.calls[name].errors[error] += 1
            self._failed[slot] += 1

    @property
    def failed(self) -> int:
        return self._failed.total()

    def lately(self) -> tuple[float, float]:
        """P50 and P99 in ms of what has ended since this was asked last; zeros where nothing has."""
        times, self._recent = sorted(self._recent), array("f")
        return (_ms(times, 0.5), _ms(times, 0.99)) if times else (0.0, 0.0)

    def told(self, *, lasted_s: float, cpu_s: float) -> dict[str, Any]:
        """The run as JSON has it."""
        return {
            "version": 1,
            "began_at": f"{self.began_at:%Y-%m-%dT%H:%M:%SZ}",
            "loop": "open" if self._plan.is_open else "closed",
            "plan": {name: value for name, value in asdict(self._plan).items() if value is not None},
            "lasted_s": round(lasted_s, 3),
            "per_second": round(self.sent / lasted_s, 2),
            "all": self._all().told(),
            "calls": {name: self.calls[name].told() for name in self._plan.mix if name in self.calls},
            "slots": [self._slot(number) for number in sorted(self._slots)],
            "client": {
                "late_ms": round(self.late_s * 1000, 3),
                "open_most": self.open_most,
                "cpu_ms": round(1000 * cpu_s / max(1, self.sent), 3),
            },
        }

    def _all(self) -> Call:
        whole = Call()
        for call in self.calls.values():
            whole.times += call.times
            whole.errors += call.errors
        return whole

    def _slot(self, number: int) -> dict[str, float]:
        times = sorted(self._slots[number])
        slot_s = self._plan.slot_s
        return {
            "at_s": number * slot_s,
            "per_second": round(len(times) / slot_s, 2),
            "errors": self._failed[number],
            "p50_ms": _ms(times, 0.5),
            "p99_ms": _ms(times, 0.99),
            "max_ms": _ms(times, 1.0),
        }


def sentence(told: Mapping[str, Any]) -> str:
    """A run in a line."""
    plan, whole = told["plan"], told["all"]
    how = f"{plan['rate']:g} requests a second" if told["loop"] == "open" else f"{plan['clients']} clients"
    figures = f"P50 {whole['p50_ms']:.1f} ms, P99 {whole['p99_ms']:.1f} ms, longest {whole['max_ms']:.0f} ms"
    return f"{told['loop']} loop, {how}, {told['lasted_s']:.0f} s: {whole['requests']:,} requests, {told['per_second']:,.0f}/s; {figures}"


def _ms(times: list[float], part: float) -> float:
    return round(1000 * times[min(len(times) - 1, int(len(times) * part))], 3)
