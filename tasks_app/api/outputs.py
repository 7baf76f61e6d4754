"""Outputs: their bytes and their thumbnails."""

from .. import content
from ..models import Output
from . import contract
from .content import ContentView


class OutputContent(ContentView):
    KIND, TABLE = "output", Output

    @contract.output_content
    def get(self, request, id):
        return content.send(request, content.of_output(self.own()))


class Thumbnail(ContentView):
    KIND, TABLE = "output", Output

    @contract.output_thumbnail
    def get(self, request, id):
        return content.send(request, content.of_thumbnail(self.own()))
