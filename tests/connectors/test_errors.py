"""The tree of errors is the documentation of errors."""

import pickle

import pytest

from connectors import errors

ALL = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.ConnectorError)]


@pytest.mark.parametrize("kind", ALL)
def test_every_error_says_cause_and_cure(kind):
    """Whoever meets a code finds its cause and what to do."""
    assert kind.__doc__.strip().endswith(".")
    assert kind.cure.endswith(".")
    assert "cure" in vars(kind)
    error = kind("What happened.", wait_s=3.0)
    assert (error.code, error.wait_s, str(error)) == (kind.__name__, 3.0, "What happened.")


def test_an_error_survives_a_process_border():
    """Errors travel between processes with all they know."""
    error = pickle.loads(pickle.dumps(errors.RateLimited("Wait.", wait_s=60.0, at="page 2")))
    assert (str(error), error.wait_s, error.code) == ("Wait. (at page 2)", 60.0, "RateLimited")
