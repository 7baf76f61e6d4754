"""The language of what people read in an answer: English, or Chinese for who prefers that. Refusals are told in English to everybody."""

from django.utils.translation import get_supported_language_variant
from django.utils.translation.trans_real import parse_accept_lang_header

ENGLISH, CHINESE = "en", "zh-hans"


def preferred(accept: str) -> str:
    """Of our languages the one that an Accept-Language header likes best; `zh` and `zh-TW` have the Chinese that there is."""
    for name, liking in parse_accept_lang_header(accept):
        if liking and (language := _ours(name)):
            return language
    return ENGLISH


def _ours(name: str) -> str | None:
    try:
        return get_supported_language_variant(name)
    except LookupError:
        return None
