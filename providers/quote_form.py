"""The dialog in which an operator tries what an input would cost, by the price as it is or as it might be."""

import json
from dataclasses import replace
from typing import Any

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from . import catalogue, metering
from .catalogue import COLUMNS, InvalidInput, Model, Price
from .models import PublicModel


class QuoteForm(BaseDialogForm):
    input = forms.JSONField(
        label=gettext_lazy("Input"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6, "spellcheck": "false", "class": "mono"}),
        help_text=gettext_lazy("As a client sends it; what it leaves out is filled in."),
    )
    price = forms.CharField(
        label=gettext_lazy("Price"),
        max_length=300,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("Change it to try another one; nothing is saved."),
    )
    quote: Price | None = None

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.model = _model(self.object_id)
        if self.model:
            self.fields["input"].initial = example(self.model.schema)
            self.fields["price"].initial = self.model.price

    def clean_price(self) -> str:
        if self.model is None:
            raise forms.ValidationError(_("There is no such model."))
        try:
            metering.check_price(self.cleaned_data["price"], self.model.usage, self.model.schema)
        except ValueError as fault:
            raise forms.ValidationError(str(fault)) from None
        return self.cleaned_data["price"]

    def clean(self):
        given = super().clean()
        if self.model is None or not {"input", "price"} <= set(given):
            return given
        tried = replace(self.model, price=given["price"])
        try:
            self.filled = catalogue.validate(tried, given["input"])
            self.quote = catalogue.price(tried, self.filled)
        except InvalidInput as wrong:
            for fault in wrong.errors:
                self.add_error("input", f"{fault['field']} {fault['message']}")
        return given

    def render_after_template(self) -> SafeString | str:
        return _told(self.quote, self.filled, self.model) if self.quote else ""


def example(schema: dict[str, Any]) -> dict[str, Any]:
    """The least that a client must send, as far as the schema tells."""
    return {name: _value(schema["properties"].get(name, {})) for name in schema.get("required", ())}


def _value(node: dict[str, Any]) -> Any:
    if "default" in node or "const" in node:
        return node.get("default", node.get("const"))
    if node.get("enum"):
        return node["enum"][0]
    match node.get("type"):
        case "integer" | "number":
            return node.get("minimum", 1)
        case "boolean":
            return False
        case "array":
            return [_value(node.get("items", {}))] * max(node.get("minItems", 1), 1)
        case "object":
            return example({"properties": {}, **node})
    return "https://example.com/picture.png" if node.get("format") == "media" else "a red fox"


def _model(object_id: Any) -> Model | None:
    row = PublicModel.objects.filter(pk=object_id).values_list(*COLUMNS).first() if str(object_id).isdecimal() else None
    return Model(*row) if row else None


def _told(quote: Price, filled: dict[str, Any], model: Model) -> SafeString:
    outputs = ngettext("%(count)s output", "%(count)s outputs", quote.outputs) % {"count": f"{quote.outputs:,}"}
    total = ngettext("%(count)s credit", "%(count)s credits", quote.total) % {"count": f"{quote.total:,}"}
    facts = [total, outputs, _("typically %(seconds)s s") % {"seconds": model.typical_seconds}]
    terms = [_("By usage: %(price)s, at most this.") % {"price": item["price"]} for item in quote.items if "price" in item]
    return format_html(
        '<div class="quote" role="status"><strong class="text-important">{}</strong>{}<pre class="mono">{}</pre></div>',
        " · ".join(facts),
        format_html_join("", "<p>{}</p>", ((term,) for term in terms)),
        json.dumps(filled, ensure_ascii=False, indent=2),
    )
