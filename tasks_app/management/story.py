"""What the demo makes: four pictures, one of all four, a script with times, and a video of it all. Each part is a task."""

from collections.abc import Callable
from typing import Any

from .client import Client

SCENES = ("A red fox wakes in the snow", "城市的灯一盏一盏亮起来", "A lighthouse counts the waves", "山的那边，是另一个早晨")
SCRIPT = "A red fox wakes in the snow. 城市的灯一盏一盏亮起来。A lighthouse counts the waves. 山的那边，是另一个早晨。"
CLIP_S, FADE_S = 2.5, 0.5
LENGTH_S = len(SCENES) * CLIP_S - (len(SCENES) - 1) * FADE_S

Told = Callable[[str, list[str]], list[dict[str, Any]]]


def tell(client: Client, follow: Told) -> list[dict[str, Any]]:
    """Run the story's tasks; `follow(title, ids)` waits for them and returns them as they ended. Returns all tasks in order."""
    cards = [
        client.submit("darkroom/test-card-image", {"prompt": scene, "size": "768x768", "seed": seed}) for seed, scene in enumerate(SCENES)
    ]
    cards = follow("picture", ids(cards))
    pictures = [f"{card['id']}/0" for card in cards]
    stitch = client.submit("darkroom/image-stitch", {"images": pictures, "layout": "grid", "columns": 2, "gap": 16})
    script = client.submit("darkroom/text-process", {"text": SCRIPT, "operations": ["srt"], "duration": LENGTH_S})
    stitched, timed = follow("stitch and script", ids([stitch, script]))
    video = client.submit("darkroom/video-compose", _composition(pictures, f"{timed['id']}/0"))
    return [*cards, stitched, timed, *follow("video", ids([video]))]


def ids(tasks: list[dict[str, Any]]) -> list[str]:
    return [task["id"] for task in tasks]


def _composition(pictures: list[str], subtitles: str) -> dict[str, Any]:
    return {
        "clips": [{"source": picture, "duration": CLIP_S} for picture in pictures],
        "transition": {"type": "fade", "duration": FADE_S},
        "size": "960x960",
        "fit": "cover",
        "subtitles": {"source": subtitles},
    }
