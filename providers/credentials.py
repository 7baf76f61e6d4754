"""Provider credentials: sealed at rest (sealing.py), opened only here. A rotation adds a version; the old ones stay for tasks in flight."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from . import breakers, sealing
from .models import Provider, ProviderCredential
from .sealing import Unreadable


def open(provider_id: int, version: int) -> dict[str, str]:
    """The secrets by name; none for version 0. Raises Unreadable that names provider and version, never a secret."""
    if version == 0:
        return {}
    sealed = ProviderCredential.objects.filter(provider_id=provider_id, version=version).values_list("sealed", flat=True).first()
    if sealed is None:
        raise Unreadable(f"provider {provider_id} has no credentials of version {version}")
    return sealing.unseal(sealed, of=f"the credentials of provider {provider_id}, version {version}")


def rotate(provider: Provider, secrets: Mapping[str, str], *, now: datetime) -> int:
    """Keep these as the provider's next version, which new tasks use from now on, at once even where its breaker is open; returns its
    number.
    """
    with transaction.atomic():
        locked = Provider.objects.select_for_update().get(pk=provider.pk)
        version = locked.credential_version + 1
        ProviderCredential.objects.create(provider=locked, version=version, sealed=sealing.seal(secrets), created_at=now)
        Provider.objects.filter(pk=locked.pk).update(credential_version=version)
        breakers.retry_now(locked.pk, now=now)
    provider.credential_version = version
    return version


def reseal() -> int:
    """Seal every version anew with the newest key, so that older keys may go from SEALING_KEYS; returns how many."""
    count = 0
    for credential in ProviderCredential.objects.iterator():
        credential.sealed = sealing.reseal(credential.sealed, of=f"the credentials of {credential}")
        credential.save(update_fields=["sealed"])
        count += 1
    return count
