"""Installs what Darkroom brings along: a provider, its models, and the routes between them.

Installing again brings up to date only what belongs to the code or to the environment: the provider's adapter, its base URL where the
offer names one, each model's kind, input schema and number of outputs. All else (titles, prices, times, caps, routes, switches) is
written once, when it is not there yet, and is the operator's from then on. A provider that needs credentials is switched off at first.
"""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from .models import Provider, PublicModel, Route
from .offers import Offer, OfferedModel

ONCE = ("title", "description", "price", "typical_seconds", "deadline_seconds")  # of a model: the operator's from then on
ALWAYS = ("kind", "input_schema", "outputs")


class CannotInstall(Exception):
    """A model of the operator's does not go with the schema that this version brings; nothing was changed."""


@transaction.atomic
def install(offer: Offer, *, dry_run: bool = False) -> list[str]:
    """Install what is missing and update what belongs to the code; returns a line on each thing done. Raises CannotInstall.

    `dry_run`: the same lines, and nothing is changed.
    """
    provider, line = _install_provider(offer)
    lines = [line, *(f"model {model.name}: {_install_model(model, provider)}" for model in offer.models)]
    transaction.set_rollback(dry_run)
    return lines


def _install_provider(offer: Offer) -> tuple[Provider, str]:
    ours: dict[str, Any] = {"adapter": offer.adapter} | ({} if offer.base_url is None else {"base_url": offer.base_url})
    once = {"max_jobs": offer.max_jobs, "is_enabled": not offer.needs}
    provider, is_new = Provider.objects.update_or_create(name=offer.provider, defaults=ours, create_defaults=ours | once)
    state = f"{'created' if is_new else 'kept'}, at {provider.base_url or 'its own address'}"
    missing = "" if provider.credential_version or not offer.needs else f"; enter its credentials {offer.needs} in the admin"
    switch = "" if provider.is_enabled else " and switch it on" if missing else "; it is switched off"
    return provider, f"provider {provider.name}: {state}{missing}{switch}"


def _install_model(offered: OfferedModel, provider: Provider) -> str:
    model = PublicModel.objects.filter(name=offered.name).first()
    is_new = model is None
    model = model or PublicModel(name=offered.name, **{column: getattr(offered, column) for column in ONCE})
    ours = {column: getattr(offered, column) for column in ALWAYS}
    is_changed = any(getattr(model, column) != value for column, value in ours.items())
    if is_changed:
        _save(model, ours)
    Route.objects.get_or_create(model=model, provider=provider, defaults={"upstream_model": offered.upstream_model})
    return f"{'created' if is_new else 'updated' if is_changed else 'kept'}, price {model.price}{'' if model.is_enabled else ', disabled'}"


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
