"""An adapter asked over HTTP, without an engine; and orders to ask it for."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from providers.adapters import Upstream, adapter_class
from providers.http import Http
from providers.offers import OfferedModel
from providers.outcomes import Job, Media
from tests.upstreams.jobs import png
from tests.upstreams.simulator import Simulator

PICTURE = Media("https://a.example/1.png")
FRAME = {"image": PICTURE, "frame_type": "first_frame"}
LAST = {"image": Media("https://a.example/2.png"), "frame_type": "last_frame"}
HOOK = "https://d.example/hooks/x"
MEDIA: dict[str, Any] = {"images": [PICTURE], "input_references": [PICTURE], "frame_images": [FRAME, LAST]}


def job(model: str, given: dict | None = None, *, kind: str = "video.generate", **more) -> Job:
    """An order for a kite, with a callback address."""
    more = {"callback_url": HOOK} | more
    return Job("task_1-1", kind, model, {"prompt": "a kite"} | (given or {}), datetime(2026, 6, 1, tzinfo=UTC), **more)


def fullest(model: OfferedModel, *, media: bool = True) -> Job:
    """An order for a model with all that its schema has; `media`: or only those that it needs."""
    given: dict[str, Any] = {}
    for name, field in model.input_schema["properties"].items():
        if name in MEDIA:
            given |= {name: MEDIA[name][: field.get("maxItems", 9)]} if media or name in model.input_schema["required"] else {}
        elif field.get("format") == "media":
            given |= {name: PICTURE} if media else {}
        elif name != "prompt":
            given[name] = field["enum"][-1] if "enum" in field else field.get("default", field.get("maximum", "rain"))
    return job(model.upstream_model, given, kind=model.kind)


def on_disk(ordered: Job, folder: Path) -> Job:
    """The order with a real picture of this machine for each of its media, as an adapter gets it that reads by path."""
    path = folder / "picture.png"
    path.write_bytes(png(1))
    return replace(ordered, input=_with(ordered.input, Media(PICTURE.url, "image/png", str(path))))


def _with(value: Any, media: Media) -> Any:
    match value:
        case Media():
            return media
        case dict():
            return {name: _with(below, media) for name, below in value.items()}
        case list():
            return [_with(below, media) for below in value]
    return value


def asked(vendor: str, simulator: Simulator, road, **credentials: str):
    """What `road(adapter)` gives; with all credentials of the simulator unless others are named."""

    async def go():
        http = Http(vendor)
        try:
            return await road(adapter_class(vendor)(Upstream(vendor, simulator.url, credentials or simulator.credentials, http)))
        finally:
            await http.close()

    return asyncio.run(go())


def posted(vendor: str, url: str, body: dict, *, headers: dict[str, str]) -> tuple[int, Any]:
    """The status and the JSON of an answer to a POST of somebody's."""

    async def go():
        http = Http(vendor)
        try:
            reply = await http.request("POST", url, headers=headers, json=body, timeout=5)
        finally:
            await http.close()
        return reply.status, reply.json()

    return asyncio.run(go())
