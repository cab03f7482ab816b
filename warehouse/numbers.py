"""What is a number: a JSON number, or a text that is written as one.

Python's Decimal takes more than a business record means: ``"1_000"``, ``" 12 "``, digits of other scripts, ``"NaN"``. None
of those may become money by accident.
"""

import re
from contextlib import suppress
from decimal import Decimal, InvalidOperation

import msgspec

PLAIN = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?").fullmatch


def exact(value: object) -> Decimal:
    """The number that a text is; msgspec.ValidationError for anything else, and where the exponent is beyond measure."""
    if isinstance(value, str) and PLAIN(value):
        with suppress(InvalidOperation):
            return Decimal(value)
    raise msgspec.ValidationError("no number")
