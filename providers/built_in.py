"""The models that Darkroom brings along, served by its own functions through the provider `functions`.

Installing again brings up to date only what belongs to the code or to the environment: the provider's adapter, base URL and
credentials (which say where the functions run), each model's kind, input schema and number of outputs. All else (titles, prices,
times, caps, routes, switches) is written once, when it is not there yet, and is the operator's from then on.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from . import credentials
from .models import Provider, PublicModel, Route

FUNCTIONS = Path(__file__).resolve().parent.parent / "scf_client" / "functions"
PROVIDER = "functions"
# Enough to keep the functions busy between two polls; what is beyond waits with us, where it has a place in the queue.
MAX_JOBS = 16


@dataclass(frozen=True)
class BuiltIn:
    """A model as it is installed; `schema` is a file below scf_client/functions, `function` the folder that serves it."""

    name: str
    kind: str
    title: str
    description: str
    function: str
    schema: str
    price: str
    outputs: str
    typical_seconds: int
    deadline_seconds: int

    def input_schema(self) -> dict:
        return json.loads((FUNCTIONS / self.function / self.schema).read_text(encoding="utf-8"))


MODELS = (
    BuiltIn(
        "darkroom/test-card-image",
        "image.generate",
        "Test card, picture",
        "Draws the prompt, the size and the seed over a pattern; needs no key and costs nothing upstream.",
        function="test_card",
        schema="schema_image.json",
        price="n",
        outputs="n",
        typical_seconds=3,
        deadline_seconds=600,
    ),
    BuiltIn(
        "darkroom/test-card-video",
        "video.generate",
        "Test card, video",
        "Draws the prompt, the seed and a timecode over a moving pattern; needs no key and costs nothing upstream.",
        function="test_card",
        schema="schema_video.json",
        price="2 * duration",
        outputs="1",
        typical_seconds=15,
        deadline_seconds=1800,
    ),
    BuiltIn(
        "darkroom/image-stitch",
        "image.stitch",
        "Stitch pictures",
        "Joins 1 to 50 pictures to a row, a column or a grid.",
        function="image_stitch",
        schema="schema.json",
        price="1",
        outputs="1",
        typical_seconds=5,
        deadline_seconds=600,
    ),
    BuiltIn(
        "darkroom/video-compose",
        "video.compose",
        "Compose a video",
        "Joins pictures and videos to one video, with cross-fades, music and subtitles.",
        function="video_compose",
        schema="schema.json",
        price="5",
        outputs="1",
        typical_seconds=60,
        deadline_seconds=3600,
    ),
    BuiltIn(
        "darkroom/text-process",
        "text.process",
        "Process text",
        "Splits a script into sentences, times them as subtitles, counts and normalises.",
        function="text_process",
        schema="schema.json",
        price="0",
        outputs="len(operations)",
        typical_seconds=2,
        deadline_seconds=300,
    ),
)


class CannotInstall(Exception):
    """A model of the operator's does not go with the schema that this version brings; nothing was changed."""


@transaction.atomic
def install() -> list[str]:
    """Install what is missing and update what belongs to the code; returns a line on each thing done. Raises CannotInstall."""
    provider, is_new = Provider.objects.update_or_create(
        name=PROVIDER,
        defaults={"adapter": "scf", "base_url": settings.FUNCTIONS_URL},
        create_defaults={"adapter": "scf", "base_url": settings.FUNCTIONS_URL, "max_jobs": MAX_JOBS},
    )
    is_moved = _place(provider)
    where = f"on SCF in {settings.SCF_REGION}" if settings.FUNCTIONS == "scf" else f"at {settings.FUNCTIONS_URL}"
    lines = [f"provider {PROVIDER}: {'created' if is_new else 'moved' if is_moved else 'kept'}, {where}"]
    return [*lines, *(f"model {model.name}: {_install_model(model, provider)}" for model in MODELS)]


def where_functions_run() -> dict[str, str]:
    """The credentials by which the adapter `scf` finds our functions; none for the local runtime."""
    return {} if settings.FUNCTIONS == "local" else {"where": "cloud"} | cloud_account()


def cloud_account() -> dict[str, str]:
    """What scf_client.account reads of the environment, chosen or not: functions are deployed before they are."""
    names = ("SCF_REGION", "SCF_NAMESPACE", "SCF_SECRET_ID", "SCF_SECRET_KEY", "SCF_ENDPOINT")
    bucket = ("COS_BUCKET", "COS_REGION", "COS_SECRET_ID", "COS_SECRET_KEY", "COS_TOKEN", "COS_ENDPOINT")
    return {name.lower(): getattr(settings, name) for name in (*names, *bucket)}


def _place(provider: Provider) -> bool:
    """Whether the functions have moved: then new tasks go to the new place, and those in flight are asked about at the old one."""
    wanted = where_functions_run()
    if credentials.open(provider.pk, provider.credential_version) == wanted:
        return False
    credentials.rotate(provider, wanted, now=timezone.now())
    return True


def _install_model(built_in: BuiltIn, provider: Provider) -> str:
    model = PublicModel.objects.filter(name=built_in.name).first()
    is_new = model is None
    model = model or PublicModel(
        name=built_in.name,
        title=built_in.title,
        description=built_in.description,
        price=built_in.price,
        typical_seconds=built_in.typical_seconds,
        deadline_seconds=built_in.deadline_seconds,
    )
    ours = {"kind": built_in.kind, "input_schema": built_in.input_schema(), "outputs": built_in.outputs}
    is_changed = any(getattr(model, column) != value for column, value in ours.items())
    if is_changed:
        _save(model, ours)
    Route.objects.get_or_create(model=model, provider=provider, defaults={"upstream_model": built_in.function})
    return f"{'created' if is_new else 'updated' if is_changed else 'kept'}, price {model.price}{'' if model.is_enabled else ', disabled'}"


def _save(model: PublicModel, columns: dict) -> None:
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
