"""Whom we ask: configured upstream accounts, the public models, and which of the one serves which of the other."""

from collections.abc import Callable
from functools import partial

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models

from . import metering, pricing, registry, schemas

# A lane is a model's name, `name:low`, `|name:…` or `~account`, so a name holds none of these signs.
model_name = RegexValidator(
    r"^[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*\Z", "A name such as darkroom/test-card-image: a-z, 0-9, . _ - and /."
)


class Provider(models.Model):
    """A configured upstream account. `max_jobs` None: no cap. `credential_version` 0: it has no credentials."""

    name = models.SlugField(max_length=50, unique=True)
    adapter = models.CharField(max_length=50)
    base_url = models.CharField("base URL", max_length=200, blank=True, help_text="Empty: the adapter's own.")
    credential_version = models.PositiveIntegerField(default=0, editable=False)
    max_jobs = models.PositiveIntegerField(null=True, blank=True, help_text="Jobs open there at once; empty: no cap.")
    is_enabled = models.BooleanField(default=True, help_text="Off drains it: no new jobs, polls go on.")
    unit_credits = models.FloatField(
        "credits per unit",
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="What one unit of the currency it charges in is worth in credits: the first page tells the margin by it. Empty: unknown.",
    )
    # Of the checks (health.py): how many failed in a row, since when, and why the last one did.
    is_healthy = models.BooleanField(default=True, editable=False)
    failed_checks = models.PositiveIntegerField(default=0, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    health_note = models.CharField(max_length=200, blank=True, editable=False)
    checked_at = models.DateTimeField(null=True, editable=False)
    # What is left there, where a check tells it: in the upstream's own unit, and for how many days it will do; NULL: not known.
    balance = models.FloatField(null=True, editable=False)
    balance_unit = models.CharField(max_length=20, blank=True, editable=False)
    balance_days = models.FloatField(null=True, editable=False)
    balance_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        permissions = [("ask_provider", "Can ask a provider now whether it can be used")]

    def __str__(self):
        return self.name

    def clean(self):
        if self.adapter not in registry.names():
            raise ValidationError({"adapter": f"There is no adapter {self.adapter!r}; there are {', '.join(registry.names())}."})
        if self.base_url and not self.base_url.startswith(("https://", "http://")):
            raise ValidationError({"base_url": "An address that starts with https:// or http://, or nothing for the adapter's own."})


class ProviderCredential(models.Model):
    """One version of a provider's credentials, sealed. Versions stay, because tasks in flight ask with the one they began with."""

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="credentials")
    version = models.PositiveIntegerField()
    sealed = models.TextField(editable=False)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "version"], name="credential_once")]

    def __str__(self):
        return f"{self.provider}, version {self.version}"


class Breaker(models.Model):
    """Whether submits go to a provider, or its polls are well (breaker.py says what the columns mean). No row: never a failure."""

    class Door(models.TextChoices):
        SUBMIT = "submit"
        POLL = "poll"

    class State(models.TextChoices):
        CLOSED = "closed"
        OPEN = "open"
        HALF_OPEN = "half_open"

    # No database key, whose check would lock the provider's row: slots.take holds that one while it asks for this one.
    provider = models.ForeignKey(Provider, models.CASCADE, db_constraint=False, related_name="breakers")
    door = models.CharField(max_length=6, choices=Door.choices)
    state = models.CharField(max_length=9, choices=State.choices, default=State.CLOSED)
    since = models.DateTimeField(null=True)
    reason = models.CharField(max_length=40, default="")  # the code of the error that opened it
    note = models.CharField(max_length=200, default="")
    opened = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(null=True)
    window_at = models.DateTimeField(null=True)
    good = models.PositiveIntegerField(default=0)
    bad = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "door"], name="breaker_once")]

    def __str__(self):
        return f"{self.provider}, {self.door}"


class HealthChange(models.Model):
    """A change of a provider's health: of a breaker, of what its checks find, of whether its balance will do. Kept for HEALTH_KEEP_DAYS."""

    class What(models.TextChoices):
        SUBMIT = "submit"
        POLL = "poll"
        CHECK = "check"
        BALANCE = "balance"

    provider = models.ForeignKey(Provider, models.CASCADE, db_constraint=False, related_name="health_changes")
    what = models.CharField(max_length=7, choices=What.choices)
    state = models.CharField(max_length=9)  # a breaker's state; healthy, failing; enough, low
    note = models.CharField(max_length=200, default="")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["at"], name="health_change_age")]  # cleanup; the provider's page goes by its key


class HealthHour(models.Model):
    """What a provider's calls for a model came to within an hour (rates.py says what the columns mean). Kept for HEALTH_KEEP_DAYS."""

    provider = models.ForeignKey(Provider, models.CASCADE, db_constraint=False, db_index=False, related_name="health_hours")
    model = models.CharField(max_length=64)
    door = models.CharField(max_length=6, choices=Breaker.Door.choices)
    hour = models.DateTimeField()
    good = models.PositiveIntegerField(default=0)
    bad = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    took_ms = models.PositiveBigIntegerField(default=0)
    slowest_ms = models.PositiveIntegerField(default=0)
    jobs = models.PositiveIntegerField(default=0)
    jobs_s = models.FloatField(default=0)
    cost = models.FloatField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "hour", "model", "door"], name="health_hour_once")]
        indexes = [models.Index(fields=["hour"], name="health_hour_age")]  # cleanup, and rates.typical

    def __str__(self):
        return f"{self.provider}, {self.model}, {self.door}, {self.hour:%Y-%m-%d %H}"


class PublicModel(models.Model):
    """A name that clients ask for, with its kind, input schema (JSON Schema) and price (an expression over input and usage)."""

    class Kind(models.TextChoices):
        IMAGE_GENERATE = "image.generate", "image.generate"
        VIDEO_GENERATE = "video.generate", "video.generate"
        IMAGE_STITCH = "image.stitch", "image.stitch"
        VIDEO_COMPOSE = "video.compose", "video.compose"
        TEXT_PROCESS = "text.process", "text.process"

    name = models.CharField(max_length=64, unique=True, validators=[model_name], help_text="What clients ask for, as in: kling/v2-6")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    title = models.CharField(max_length=100)
    title_zh = models.CharField("title in Chinese", max_length=100, blank=True, help_text="Empty: the title.")
    description = models.TextField(blank=True)
    description_zh = models.TextField("description in Chinese", blank=True, help_text="Empty: the description.")
    input_schema = models.JSONField(default=dict)
    price = models.CharField(max_length=300, default="0", help_text='Credits, as in: 2 * duration * (2 if resolution == "1080p" else 1)')
    usage = models.JSONField(
        default=dict,
        blank=True,
        help_text='What the price names of what the upstream will have used, and the most each comes to, as in: {"tokens": "4000 * n"}',
    )
    outputs = models.CharField(max_length=100, default="1", help_text="How many outputs an input asks for, as in: n")
    typical_seconds = models.PositiveIntegerField(default=30, help_text="How long a task usually takes; clients are told.")
    deadline_seconds = models.PositiveIntegerField(default=3600, help_text="A task that is not done after this expires.")
    is_enabled = models.BooleanField(default=True, help_text="Off: offered to nobody; its tasks in flight go on.")

    class Meta:
        verbose_name = "model"
        permissions = [("price_publicmodel", "Can change the price of a model")]

    def __str__(self):
        return self.name

    def clean(self):
        try:
            schemas.check(self.input_schema)
        except ValueError as fault:
            raise ValidationError({"input_schema": str(fault)}) from None
        checks = {
            "usage": partial(metering.check, self.usage, self.input_schema),
            "price": partial(metering.check_price, self.price, self.usage, self.input_schema),
            "outputs": partial(pricing.check, self.outputs, self.input_schema),
        }
        faults = {name: fault for name, check in checks.items() if (fault := _fault_in(check))}
        if faults:
            raise ValidationError(faults)


def _fault_in(check: Callable[[], None]) -> str:
    try:
        check()
    except ValueError as fault:
        return str(fault)
    return ""


class Route(models.Model):
    """A model served by a provider under the upstream's own name. The lowest `priority` that can take the job wins."""

    model = models.ForeignKey(PublicModel, models.CASCADE, related_name="routes")
    provider = models.ForeignKey(Provider, models.CASCADE, related_name="routes")
    upstream_model = models.CharField(max_length=100, help_text="The provider's own name of the model.")
    priority = models.PositiveSmallIntegerField(default=0, help_text="The lowest that can take the job wins.")
    weight = models.PositiveSmallIntegerField(default=1, help_text="Share among routes of one priority.")
    cost = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="What a task costs you there, in a unit of your own for all routes. Of one priority the cheapest wins; empty: not known.",
    )
    max_jobs = models.PositiveIntegerField(null=True, blank=True, help_text="Jobs open on this route at once; empty: no cap.")
    is_enabled = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model", "provider", "upstream_model"], name="route_once")]

    def __str__(self):
        return f"{self.model} → {self.provider}"
