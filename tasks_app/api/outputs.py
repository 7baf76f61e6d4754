"""Outputs: their bytes and their thumbnails."""

from ..models import Output
from . import contract, problems
from .content import Content, ContentView, name_of, send


class OutputContent(ContentView):
    KIND, TABLE = "output", Output

    @contract.output_content
    def get(self, request, id):
        output = self.own()
        return send(request, Content(output.key, output.content_type, f'"{output.sha256}"', name_of(id, output.content_type)))


class Thumbnail(ContentView):
    KIND, TABLE = "output", Output

    @contract.output_thumbnail
    def get(self, request, id):
        output = self.own()
        if not output.thumbnail_key:
            raise problems.missing()
        # The picture is made from the output alone, so the output's hash tells its versions apart too.
        return send(request, Content(output.thumbnail_key, "image/webp", f'"{output.sha256}-thumbnail"', name_of(id, "image/webp")))
