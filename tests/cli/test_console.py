import json
from datetime import UTC, datetime, timedelta

import pytest
import typer

from cli import console


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(0), "just now"),
        (timedelta(seconds=1, milliseconds=200), "1 second ago"),
        (timedelta(minutes=3, seconds=20), "3 minutes ago"),
        (timedelta(hours=1, minutes=59), "1 hour ago"),
        (timedelta(days=2, hours=3), "2 days ago"),
    ],
)
def test_ages_are_told_in_words(age: timedelta, words: str) -> None:
    """How old something is reads as a person would say it."""
    assert console.ago(datetime.now(UTC) - age) == words


def test_never_is_never() -> None:
    """A stream that never succeeded says so."""
    assert console.ago(None) == "never"


def test_an_answer_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """What --json prints is one object on one line, times and all."""
    console.emit({"at": datetime(2026, 1, 2, tzinfo=UTC), "text": "two\nlines"})
    line, rest = capsys.readouterr().out.split("\n", 1)
    assert rest == ""
    assert json.loads(line)["text"] == "two\nlines"


def test_a_failure_is_told_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """A sentence about what is wrong never mixes with the answer."""
    with pytest.raises(typer.Exit) as caught:
        console.fail("There is no such sync.")
    out, err = capsys.readouterr()
    assert caught.value.exit_code == 2
    assert out == ""
    assert "There is no such sync." in err


def test_a_table_shows_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    """A table prints its rows, large numbers readable and what is missing as a dash."""
    console.table("Streams", [{"stream": "invoice", "read": 12345, "error": None}])
    out = capsys.readouterr().out
    assert "invoice" in out
    assert "12,345" in out
    assert "–" in out
