"""A provider and a model for a simulated bell, into the database that the environment names: python -m tests.journeys.bell URL"""

import sys

import django

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["prompt"],
    "properties": {"prompt": {"type": "string", "minLength": 1}},
}


def main(url: str) -> None:
    from django.utils import timezone

    from providers import credentials
    from providers.models import Provider, PublicModel, Route
    from tests.upstreams import Bell

    provider = Provider.objects.create(name="bell", adapter="bell_adapter", base_url=url)
    credentials.rotate(provider, {"key": Bell.KEY}, now=timezone.now())
    model = PublicModel.objects.create(name="bell/image", kind="image.generate", title="bell", input_schema=SCHEMA, price="3")
    Route.objects.create(model=model, provider=provider, upstream_model="bell-image")


if __name__ == "__main__":
    django.setup()
    main(sys.argv[1])
