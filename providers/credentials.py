"""Provider credentials: sealed at rest, opened only here. A rotation adds a version; the old ones stay for tasks in flight."""

import json
from collections.abc import Mapping
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import transaction

from .models import Provider, ProviderCredential


class Unreadable(Exception):
    """A provider's credentials are not there, or none of SEALING_KEYS opens them."""


def seal(secrets: Mapping[str, str]) -> str:
    """Names and secrets, encrypted with the newest sealing key."""
    return _box().encrypt(json.dumps(dict(secrets)).encode()).decode()


def open(provider_id: int, version: int) -> dict[str, str]:
    """The secrets by name; none for version 0. Raises Unreadable that names provider and version, never a secret."""
    if version == 0:
        return {}
    sealed = ProviderCredential.objects.filter(provider_id=provider_id, version=version).values_list("sealed", flat=True).first()
    if sealed is None:
        raise Unreadable(f"provider {provider_id} has no credentials of version {version}")
    try:
        return json.loads(_box().decrypt(sealed))
    except InvalidToken:
        pass
    raise Unreadable(f"no key in SEALING_KEYS opens the credentials of provider {provider_id}, version {version}")


def rotate(provider: Provider, secrets: Mapping[str, str], *, now: datetime) -> int:
    """Keep these as the provider's next version, which new tasks use from now on; returns its number."""
    with transaction.atomic():
        locked = Provider.objects.select_for_update().get(pk=provider.pk)
        version = locked.credential_version + 1
        ProviderCredential.objects.create(provider=locked, version=version, sealed=seal(secrets), created_at=now)
        Provider.objects.filter(pk=locked.pk).update(credential_version=version)
    provider.credential_version = version
    return version


def reseal() -> int:
    """Seal every version anew with the newest key, so that older keys may go from SEALING_KEYS; returns how many."""
    box, count = _box(), 0
    for credential in ProviderCredential.objects.iterator():
        try:
            credential.sealed = box.rotate(credential.sealed.encode()).decode()
        except InvalidToken:
            raise Unreadable(f"no key in SEALING_KEYS opens the credentials of {credential}; the ones before it are done") from None
        credential.save(update_fields=["sealed"])
        count += 1
    return count


def _box() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.SEALING_KEYS])
