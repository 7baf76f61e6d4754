"""Runs functions as the local runtime does: a process for each, one event after another."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp

from ..local.instance import Instance
from .example import SAMPLES, Tone, named, with_files

MEMORY_MB = 1024
PATIENCE_S = 300.0


class Refused(Exception):
    """A function did not take an example; the text says why."""


class Stage:
    """Functions that are started when they are first asked; `folder` gets what they make, and the samples."""

    def __init__(self, folder: Path):
        self._folder, self._samples, self._runs = folder, dict[str, str](), 0
        self._instances: dict[str, Instance] = {}

    def run(self, function: str, kind: str, input: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The outputs, each with its `path`; raises Refused."""
        for name in sorted(named(input) - self._samples.keys()):
            self._samples[name] = self._sample(name)
        self._runs += 1
        out, work = self._folder / f"out{self._runs}", self._folder / f"work{self._runs}"
        event = {"kind": kind, "token": kind, "input": with_files(input, self._samples), "out": str(out), "work": str(work)}
        envelope = asyncio.run(_asked(self._instance(function), event))
        if not envelope["ok"]:
            raise Refused(f"{kind} refused {input}: {envelope['error']['message']} ({envelope['error']['field']})")
        return [{**output, "path": str(out / output["file"])} for output in envelope["outputs"]]

    def _sample(self, name: str) -> str:
        sample = SAMPLES[name]
        if isinstance(sample, Tone):
            sample.write(self._folder / f"{name}.wav")
            return str(self._folder / f"{name}.wav")
        (made,) = self.run(sample.function, sample.kind, sample.input)
        return made["path"]

    def _instance(self, function: str) -> Instance:
        if function not in self._instances:
            self._instances[function] = Instance(function, memory_mb=MEMORY_MB, log_format="text")
        return self._instances[function]

    def end(self) -> None:
        for instance in self._instances.values():
            instance.end()


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """A stage whose functions end with the block."""
    opened = Stage(folder)
    try:
        yield opened
    finally:
        opened.end()


async def _asked(instance: Instance, event: Mapping[str, Any]) -> dict[str, Any]:
    async with aiohttp.ClientSession() as http:
        return await instance.invoke(http, event, time_limit_s=PATIENCE_S)
