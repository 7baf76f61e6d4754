from pathlib import Path

from ..common import server
from ..common.inputs import Schema
from ..common.server import Kind
from . import process

SCHEMA = Schema(Path(__file__).with_name("schema.json"))

server.main("text_process", {"text.process": Kind(SCHEMA, process.make, lower="the length of text")})
