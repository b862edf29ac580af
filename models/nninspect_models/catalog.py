"""The bundled collection: what the entry point names. No torch is imported here."""

from nninspect_models.broken_cards import BROKEN
from nninspect_models.good_cards import GOOD

CARDS = (*GOOD, *BROKEN)
