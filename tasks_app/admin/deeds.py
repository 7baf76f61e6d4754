"""What an operator does to rows: by an engine function, in the operator's name; what came of it is said, and kept in the history."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from ..engine.accept import Problem
from .facts import FactsAdmin

WHY = "Why:"  # what divides a deed from its reason
Deed = Callable[..., str]  # do(row, by=…, now=…), with note=… where a reason is asked for → what it did, in a few words; raises Problem


def do_on_page(screen: FactsAdmin, request, object_id: str, do: Deed, *, note: str = "") -> HttpResponse:
    """To one row; and back to its page, by header where htmx sent the dialog (it would follow a redirect itself)."""
    row = screen.get_object(request, unquote(object_id))
    if row is None:
        raise Http404
    do_to(screen, request, [row], partial(do, note=note) if note else do, note=note)
    opts = screen.model._meta
    url = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row if screen.prefix else row.pk])
    return HttpResponse(headers={"HX-Redirect": url}) if request.headers.get("HX-Request") else redirect(url)


def do_to(screen: FactsAdmin, request, rows: Iterable[Any], do: Deed, *, note: str = "") -> None:
    """To each row; say what came of it, one sentence for all rows with the same end. The history keeps why, too."""
    ends = defaultdict(list)
    for row in rows:
        try:
            said = do(row, by=request.user.get_username(), now=timezone.now())
        except Problem as refused:
            ends[messages.WARNING, _reasons(refused)].append(row)
        else:
            with override("en"):  # the history is one text, whatever language each operator reads
                screen.log_change(request, row, told(str(said), note))
            ends[messages.SUCCESS, said].append(row)
    for (level, said), ended in ends.items():
        messages.add_message(request, level, f"{_named(screen, ended)}: {said}")


def told(said: str, note: str) -> str:
    """A deed with its reason, as the history keeps it."""
    return f"{said} {WHY} {note}" if note else said


def _reasons(refused: Problem) -> str:
    return " ".join([refused.detail, *(f"{fault['field']} {fault['message']}." for fault in refused.errors)])


def _named(screen: FactsAdmin, rows: Sequence[Any]) -> str:
    return f"{len(rows)} {screen.opts.verbose_name_plural}" if len(rows) > 3 else ", ".join(map(str, rows))
