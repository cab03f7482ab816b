"""Fields and lines of COPY.

A line is first put together with marks that no text can hold between its fields and for nulls, then escaped as a whole:
a few looks at a line that find nothing cost far less than some looks at every value.
"""

NULL = "\\N"
FIELD, MISSING = "\x1f", "\x1e"
# What a record must not hold, then: the marks themselves, escaped or (which no JSON allows) bare.
MARKS = (b"\\u001", b"\x1f", b"\x1e")


def text(value: str | None) -> str:
    """A text value as a COPY field; NUL cannot be stored and is the careful way's business."""
    if value is NULL or value is None:
        return NULL
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


# The same for a line put together with marks, as code.
FINISHED = r""".replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")"""
FINISHED += r""".replace("\x1f", "\t").replace("\x1e", "\\N")"""
