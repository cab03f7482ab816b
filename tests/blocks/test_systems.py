import pytest

from blocks import systems
from blocks.quickbooks import QuickBooks

GIVEN = {"realm_id": "1", "client_id": "app", "client_secret": "canary-s", "refresh_token": "canary-r"}


def test_systems_are_found_by_looking() -> None:
    """A file in blocks/ is all that a new system needs to be connectable."""
    assert {"quickbooks", "warehouse"} <= set(systems.names())
    assert systems.block_class("quickbooks") is QuickBooks


def test_an_unknown_system_names_the_known_ones() -> None:
    """A typing error in a system's name is answered with the names that there are."""
    with pytest.raises(systems.UnknownSystem, match=r"no system 'quikbooks'; there are: .*quickbooks"):
        systems.block_class("quikbooks")


def test_fields_say_what_must_be_given_first() -> None:
    """The fields of a system are told with the required ones first, secrets marked."""
    fields = systems.fields("quickbooks")
    required = [field.name for field in fields if field.required]
    assert [field.name for field in fields][: len(required)] == required
    assert {field.name for field in fields if field.secret} == {"client_secret", "refresh_token"}


def test_a_refused_value_is_not_repeated() -> None:
    """An error about a field names it, without the value, which may be a secret."""
    with pytest.raises(ValueError, match="timeout_s") as caught:
        systems.save("quickbooks", "x", GIVEN | {"timeout_s": "canary-value"})
    assert "canary" not in str(caught.value)


def test_a_name_that_prefect_would_refuse_is_explained() -> None:
    """A connection's name with other characters is refused in words."""
    with pytest.raises(ValueError, match="small letters, digits and dashes"):
        systems.save("quickbooks", "Main Company", GIVEN)


def test_saved_loaded_deleted(prefect_api: str) -> None:
    """A saved connection is listed and loads with its secrets until it is deleted; then the others are named."""
    systems.save("quickbooks", "west", GIVEN)
    systems.save("quickbooks", "east", GIVEN)
    try:
        assert {"east", "west"} <= set(systems.connections("quickbooks"))
        assert systems.load("quickbooks", "west").client_secret.get_secret_value() == "canary-s"
        systems.delete("quickbooks", "west")
        with pytest.raises(systems.UnknownConnection, match=r"no connection quickbooks/west; there are: .*east"):
            systems.load("quickbooks", "west")
    finally:
        systems.delete("quickbooks", "east")
