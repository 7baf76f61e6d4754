from pathlib import Path

from ..common import server
from ..common.inputs import Schema
from ..common.server import Kind
from . import stitch

SCHEMA = Schema(Path(__file__).with_name("schema.json"))

server.main("image_stitch", {"image.stitch": Kind(SCHEMA, stitch.make, lower="size, cell or the number of images")})
