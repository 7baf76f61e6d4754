"""Where clients put the bytes of an upload, if the store takes nothing from others: PUT /uploads/{id}?signature=…

Whoever has the link may put exactly the bytes that it was made for, from any page: it opens nothing else, and no file that is complete.
"""

from collections.abc import AsyncIterator
from typing import ClassVar

from asgiref.sync import async_to_sync
from django.http import HttpRequest
from django.http.request import UnreadablePostError

from .. import direct_uploads
from . import contract, problems
from .answer import Answer
from .view import View, id_in

PIECE = 256 * 1024
ANY_PAGE = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "PUT", "Access-Control-Allow-Headers": "*"}


class UploadContent(View):
    PARAMETERS: ClassVar = ("signature",)

    authentication_classes = ()
    permission_classes = ()
    http_method_names = ("put", "options")

    def initial(self, request, *args, **kwargs):
        self.headers = {**self.headers, **ANY_PAGE}
        if request.method == "PUT":
            super().initial(request, *args, **kwargs)

    def refuse_other_forms(self, request):
        """There is nothing in the answer."""

    @contract.put_upload
    def put(self, request, id):
        upload = direct_uploads.opened(id_in("file", id), request.GET.get("signature", ""))
        if upload is None:
            raise problems.missing()
        if int(request.META.get("CONTENT_LENGTH") or 0) != upload.bytes:
            raise problems.invalid([("Content-Length", f"must be {upload.bytes}, as the upload was declared")])
        try:
            async_to_sync(direct_uploads.receive)(upload, _pieces(request._request))
        except (UnreadablePostError, direct_uploads.NotThere):
            raise problems.problem("malformed_upload", "The body ended before its Content-Length.") from None
        return Answer(status=204)

    def options(self, request, id):
        return Answer(status=204)


async def _pieces(request: HttpRequest) -> AsyncIterator[bytes]:
    while piece := request.read(PIECE):
        yield piece
