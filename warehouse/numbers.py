"""What is a number: a JSON number, or a text that is written as one.

Python's Decimal takes more than a business record means: ``"1_000"``, ``" 12 "``, digits of other scripts, ``"NaN"``. None
of those may become money by accident.
"""

import re
from decimal import Clamped, Context, Decimal, Inexact, InvalidOperation, Overflow, Rounded, Subnormal, Underflow
from typing import Any

import msgspec

PLAIN = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?").fullmatch

# As exact as Decimal, as quick, and an ArithmeticError for whatever has over a thousand digits when it is written out.
decimal = Context(
    prec=1000, Emax=999, Emin=-999,
    traps=[Clamped, Inexact, InvalidOperation, Overflow, Rounded, Subnormal, Underflow],
).create_decimal  # fmt: skip


def exact(value: Any) -> Decimal:
    """The number that a text is; msgspec.ValidationError for anything else, and where the exponent is beyond measure."""
    # Asked of every number that a source writes as text; `isinstance` and `suppress` would cost as much as all of it.
    try:
        if PLAIN(value):  # a TypeError for what is no text
            return decimal(value)
    except (ArithmeticError, TypeError):
        pass
    raise msgspec.ValidationError("no number")
