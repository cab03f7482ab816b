"""Made-up names, places and numbers in the vendor's notation; nobody real, nothing random."""

from functools import lru_cache

import msgspec


def _split(text: str) -> list[str]:
    return text.split(",")


_FIRST = _split(
    "Amber,Birch,Cobalt,Driftwood,Ember,Fern,Granite,Hazel,Indigo,Juniper,Kestrel,Lantern,Maple,Nimbus,Onyx,Prairie,"
    "Quartz,Rowan,Saffron,Thistle,Umber,Velvet,Willow,Österhaven"
)
_SECOND = _split(
    "Harbor,Ridge,Canyon,Meadow,Summit,Valley,Orchard,Beacon,Crossing,Falls,Grove,Hollow,Island,Junction,Lagoon,Mesa,"
    "Northgate,Outpost,Pier,Quarry,Rapids,Shore,Terrace,O'Highland"
)
CUSTOMER_KINDS = _split(
    "Supply,Works,Foundry,Tooling,Optics,Packaging,Marine,Dairy,Paper,Robotics,Café & Bakery,Textiles"
)
VENDOR_KINDS = _split(
    "Wholesale,Carriers,Components,Plastics,Chemicals,Insurance,Utilities,Telecom,Printing,Cleaning,Leasing,R&D"
)
_MATERIALS = _split("Brass,Steel,Copper,Nylon,Rubber,Oak,Ceramic,Carbon,Glass,Felt")
_SHAPES = _split("Flange,Bracket,Valve,Coupling,Gasket,Hinge,Spindle,Washer,Nozzle,Panel,Grommet,Sleeve")
_TOWNS = _split("Eastmere,Fallow Point,Graywater,Highfen,Ironvale,Juniper Flats,Kingsmoor,Low Harbor")
_STREETS = _split("Foundry Lane,Quay Street,Mill Road,Station Avenue,Cooper's Yard,Old Canal Way")
_STATES = _split("CA,AZ,NV,OR,WA,UT")

_NAMES = len(_FIRST) * len(_SECOND) * 12


def company_name(number: int, kinds: list[str]) -> str:
    """Return the name of the n-th company; no two numbers share one."""
    # 2617 has no divisor in common with the number of combinations, so that each comes once and in no order.
    mixed = number * 2617 % _NAMES
    first, second = _FIRST[mixed % 24], _SECOND[mixed // 24 % 24]
    again = number // _NAMES
    return f"{first} {second} {kinds[mixed // 576]}" + (f" {again + 1}" if again else "")


def item_name(number: int) -> str:
    """Return the name of the n-th item."""
    return f"{_MATERIALS[number % 10]} {_SHAPES[number // 10 % 12]} {number}"


def address(number: int, id_: str) -> dict[str, str]:
    """Return a postal address; every ninth is one that the vendor could not place ("INVALID")."""
    placed = number % 9 != 4
    return {
        "Id": id_,
        "Line1": f"{number % 980 + 1} {_STREETS[number % 6]}",
        "City": _TOWNS[number % 8],
        "CountrySubDivisionCode": _STATES[number % 6],
        "PostalCode": f"{90000 + number % 9000:05}",
        "Lat": f"{32 + number % 1000 / 100:.4f}" if placed else "INVALID",
        "Long": f"-{114 + number % 900 / 100:.4f}" if placed else "INVALID",
    }


def phone(number: int) -> dict[str, str]:
    """Return a telephone number out of those kept free for stories."""
    return {"FreeFormNumber": f"({200 + number % 700}) 555-01{number % 100:02}"}


@lru_cache(maxsize=100_000)
def money(cents: int) -> msgspec.Raw:
    """Write an amount as the vendor does: 0, 100.0, 337.5, 78.75."""
    if cents == 0:
        return msgspec.Raw(b"0")
    sign, (whole, rest) = "-" if cents < 0 else "", divmod(abs(cents), 100)
    return msgspec.Raw(f"{sign}{whole}.{rest:02}".removesuffix("0").encode())


@lru_cache(maxsize=100_000)
def number(hundredths: int) -> msgspec.Raw:
    """Write a price or quantity as the vendor does: 75, 22.5, 4.25."""
    text = bytes(money(hundredths))
    return msgspec.Raw(text.removesuffix(b".0"))
