from pathlib import Path

from ..common import server
from ..common.inputs import Schema
from ..common.server import Kind
from . import process

server.main("text_process", {"text.process": Kind(Schema(Path(__file__).with_name("schema.json")), process.make)})
