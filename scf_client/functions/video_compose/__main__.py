from pathlib import Path

from ..common import server
from ..common.inputs import Schema
from ..common.server import Kind
from . import compose

SCHEMA = Schema(Path(__file__).with_name("schema.json"))

server.main("video_compose", {"video.compose": Kind(SCHEMA, compose.make, lower="size")})
