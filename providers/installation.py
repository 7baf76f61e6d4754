"""Installs what Darkroom brings along: a provider, its models, and the routes between them.

Installing again brings up to date only what belongs to the code or to the environment: the provider's adapter, its base URL where the
offer names one, its credentials where the offer has them, each model's kind, input schema and number of outputs. All else (titles,
prices, times, caps, routes, switches) is written once, when it is not there yet, and is the operator's from then on. A provider
that needs credentials is switched off at first. A price of ours that follows nobody's figures is called an estimate, until the
operator has set another.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from . import credentials
from .models import Provider, PublicModel, Route
from .offers import Offer, OfferedModel

# Of a model: the operator's from then on.
ONCE = ("title", "title_zh", "description", "description_zh", "price", "typical_seconds", "deadline_seconds")
ALWAYS = ("kind", "input_schema", "outputs")


class CannotInstall(Exception):
    """A model of the operator's does not go with the schema that this version brings; nothing was changed."""


@transaction.atomic
def install(offer: Offer, *, now: datetime, dry_run: bool = False) -> list[str]:
    """Install what is missing and update what belongs to the code; returns a line on each thing done. Raises CannotInstall.

    `dry_run`: the same lines, and nothing is changed.
    """
    provider, line = _install_provider(offer, now)
    models = [(offered, *_install_model(offered, provider)) for offered in offer.models]
    transaction.set_rollback(dry_run)
    estimates = sum(_is_estimate(offered, model) for offered, model, _ in models)
    warning = [f"{estimates} of {len(models)} prices estimated: check before you sell"] if estimates else []
    return [line, *(_described(*one) for one in models), *warning]


def _install_provider(offer: Offer, now: datetime) -> tuple[Provider, str]:
    ours: dict[str, Any] = {"adapter": offer.adapter} | ({} if offer.base_url is None else {"base_url": offer.base_url})
    once = {"max_jobs": offer.max_jobs, "is_enabled": not offer.needs}
    provider, is_new = Provider.objects.update_or_create(name=offer.provider, defaults=ours, create_defaults=ours | once)
    is_moved = offer.credentials is not None and _has_moved(provider, offer.credentials, now)
    where = offer.where or f"at {provider.base_url or 'its own address'}"
    state = f"{'created' if is_new else 'moved' if is_moved else 'kept'}, {where}"
    missing = "" if provider.credential_version or not offer.needs else f"; enter its credentials {offer.needs} in the admin"
    switch = "" if provider.is_enabled else " and switch it on" if missing else "; it is switched off"
    return provider, f"provider {provider.name}: {state}{missing}{switch}"


def _has_moved(provider: Provider, wanted: Mapping[str, str], now: datetime) -> bool:
    """Whether it has other credentials from now on: then new tasks go by them, and those in flight are asked about by the former."""
    if credentials.open(provider.pk, provider.credential_version) == wanted:
        return False
    credentials.rotate(provider, wanted, now=now)
    return True


def _install_model(offered: OfferedModel, provider: Provider) -> tuple[PublicModel, str]:
    model = PublicModel.objects.filter(name=offered.name).first()
    is_new = model is None
    model = model or PublicModel(name=offered.name, **{column: getattr(offered, column) for column in ONCE})
    ours = {column: getattr(offered, column) for column in ALWAYS}
    is_changed = any(getattr(model, column) != value for column, value in ours.items())
    if is_changed:
        _save(model, ours)
    Route.objects.get_or_create(model=model, provider=provider, defaults={"upstream_model": offered.upstream_model})
    return model, "created" if is_new else "updated" if is_changed else "kept"


def _described(offered: OfferedModel, model: PublicModel, done: str) -> str:
    estimate = " (an estimate)" if _is_estimate(offered, model) else ""
    return f"model {model.name}: {done}, price {model.price}{estimate}{'' if model.is_enabled else ', disabled'}"


def _is_estimate(offered: OfferedModel, model: PublicModel) -> bool:
    """Whether the model's price is ours still, and follows nobody's figures."""
    return not offered.price_source and model.price == offered.price


def _save(model: PublicModel, columns: dict[str, Any]) -> None:
    for column, value in columns.items():
        setattr(model, column, value)
    try:
        model.full_clean()
    except ValidationError as fault:
        faults = "; ".join(f"{column}: {' '.join(messages)}" for column, messages in fault.message_dict.items())
        raise CannotInstall(
            f"{model.name} does not go with its new input schema: {faults} Change it in the admin, then try again."
        ) from None
    model.save()
