"""Fill the stage's empty database: python -m tests.journeys.faults.furnish '{"plasma": URL, …}'; prints the accounts' API keys."""

import json
import sys

import django

CREDITS = 10**9
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["prompt"],
    "properties": {"prompt": {"type": "string", "minLength": 1}, "image": {"type": "string", "format": "media"}},
}
# acme may have all it wants at work, bolt ten tasks: the others are parked and let in one after another.
CAPS = {"acme": 100_000, "bolt": 10}
# plasma's cap is met, so that slots are counted under its row's lock.
# grit has three doors more: one by its name, one with TLS before it, one for those whose inputs are fetched first.
PROVIDERS = {
    "plasma": ("plasma_adapter", 60),
    "grit": ("grit_adapter", None),
    "mute": ("patient_adapter", None),
    "named": ("grit_adapter", None),
    "sealed": ("grit_adapter", None),
    "near": ("near_adapter", None),
}
MODELS = {
    "fire/plasma": ["plasma"],
    "fire/grit": ["grit"],
    "fire/either": ["plasma", "grit"],
    "fire/mute": ["mute"],
    "fire/named": ["named"],
    "fire/sealed": ["sealed"],
    "fire/any": ["named", "sealed", "plasma"],
    "fire/near": ["near"],
    "fire/brief": ["grit"],
    "fire/curt": ["plasma"],
}
DEADLINE_S = {"fire/brief": 20, "fire/curt": 20}


def main(urls: dict[str, str]) -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("install_schedule", verbosity=0, stdout=sys.stderr)
    call_command("install_models", verbosity=0, stdout=sys.stderr)
    serve(urls)
    print(json.dumps({name: open_account(name, cap) for name, cap in CAPS.items()}))


def serve(urls: dict[str, str]) -> None:
    from django.utils import timezone

    from providers import credentials
    from providers.models import Provider, PublicModel, Route
    from tests.upstreams import Plasma

    made = {}
    for name, (adapter, cap) in PROVIDERS.items():
        made[name] = Provider.objects.create(name=name, adapter=adapter, base_url=urls[name], max_jobs=cap)
        credentials.rotate(made[name], {"key": Plasma.KEY}, now=timezone.now())
    for name, providers in MODELS.items():
        facts = {
            "kind": "image.generate",
            "title": name,
            "input_schema": SCHEMA,
            "price": "3",
            "deadline_seconds": DEADLINE_S.get(name, 3600),
        }
        model = PublicModel.objects.create(name=name, **facts)
        for provider in providers:
            upstream_model = "plasma-image" if provider == "plasma" else "grit-image"
            Route.objects.create(model=model, provider=made[provider], upstream_model=upstream_model)


def open_account(name: str, cap: int) -> str:
    from django.utils import timezone

    from accounts import credits, keys
    from accounts.models import Account

    account, now = Account.objects.create(name=name, max_active=cap), timezone.now()
    credits.grant(account.id, CREDITS, by="faults", note="", now=now)
    return keys.make(account, "faults", now=now)[1]


if __name__ == "__main__":
    django.setup()
    main(json.loads(sys.argv[1]))
