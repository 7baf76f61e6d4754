from pathlib import Path

from ..common import server
from ..common.inputs import Schema
from ..common.server import Kind
from . import image, video

HERE = Path(__file__).parent

server.main(
    "test_card",
    {
        "image.generate": Kind(Schema(HERE / "schema_image.json"), image.make, lower="size"),
        "video.generate": Kind(Schema(HERE / "schema_video.json"), video.make, lower="resolution or size"),
    },
)
