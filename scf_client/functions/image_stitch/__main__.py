from pathlib import Path

from ..common import server
from ..common.inputs import Schema
from ..common.server import Kind
from . import stitch

server.main("image_stitch", {"image.stitch": Kind(Schema(Path(__file__).with_name("schema.json")), stitch.make)})
