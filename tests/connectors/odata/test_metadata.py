"""What a service says of itself: real documents of SAP and 1C, and documents made to do harm."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.erp.mapping import load
from connectors.errors import SourceError
from connectors.odata.dialect import V2, V3, V4
from connectors.odata.metadata import parse

V4_DOCUMENT = b"""<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>
<Schema Namespace="com.example.orders" Alias="SELF" xmlns="http://docs.oasis-open.org/odata/ns/edm">
<EntityType Name="Base" Abstract="true"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.String"/></EntityType>
<EntityType Name="Order" BaseType="SELF.Base"><Property Name="Net" Type="Edm.Decimal"/>
<Property Name="Address" Type="SELF.Address"/><NavigationProperty Name="_Item" Type="Collection(SELF.Item)"/></EntityType>
<EntityType Name="Item"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.String"/>
<NavigationProperty Name="_Order" Type="SELF.Order"/></EntityType>
<ComplexType Name="Address"><Property Name="City" Type="Edm.String"/></ComplexType>
<EntityContainer Name="C"><EntitySet Name="Order" EntityType="SELF.Order"/></EntityContainer>
</Schema></edmx:DataServices></edmx:Edmx>"""
LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>"""


def read(folder, *names):
    return parse((folder.joinpath(*names)).read_bytes())


def test_real_sales_orders(recorded):
    """The recorded metadata of SAP's sales orders tells keys, properties and what can be expanded."""
    found = read(recorded, "sap_s4", "gregorwolf_teched2020-DT261-cap", "API_SALES_ORDER_SRV.edmx")
    assert found.key_of("A_SalesOrder") == ("SalesOrder",)
    assert found.key_of("A_SalesOrderItem") == ("SalesOrder", "SalesOrderItem")
    plain = found.paths("A_SalesOrder", V2)
    assert {"SalesOrder", "TotalNetAmount", "LastChangeDateTime"} <= plain
    assert not any(path.startswith("to_Item") for path in plain)
    expanded = found.paths("A_SalesOrder", V2, ("to_Item", "to_Item/to_ScheduleLine"))
    assert {"to_Item.results", "to_Item.results.Material"} <= expanded
    assert any(path.startswith("to_Item.results.to_ScheduleLine.results.") for path in expanded)


def test_real_products(recorded):
    """The recorded metadata of SAP's products parses, all 32 sets of it."""
    found = read(recorded, "sap_s4", "gregorwolf_teched2020-DT261-cap", "API_PRODUCT_SRV.edmx")
    assert len(found.sets) == 32
    assert "to_Description.results.ProductDescription" in found.paths("A_Product", V2, ("to_Description",))


def test_real_odds_and_ends(recorded):
    """A document with several schemas, types without a namespace and functions of a set parses."""
    found = read(recorded, "sap_s4", "SAP_python-pyodata", "metadata.xml")
    assert found.type_of("Employees") is not None
    assert found.functions["TemperatureMeasurements/get_best_measurements"].startswith("Collection(")


def test_real_1c(recorded):
    """The recorded metadata of 1C parses: lines inside a record, documents, and functions of registers."""
    folder = recorded / "onec" / "hacker-cb_1c-odata"
    catalogue = read(folder, "01-catalog-with-table.xml")
    assert {"Артикулы", "Артикулы.Артикул", "Ref_Key"} <= catalogue.paths("Catalog_Номенклатура", V3)
    assert read(folder, "02-document-with-fi.xml").key_of("Document_РТУ") == ("Ref_Key",)
    prices = read(folder, "03-information-register.xml")
    assert prices.key_of("InformationRegister_ЦеныНоменклатуры/SliceLast()") == ("Period", "Номенклатура_Key")
    stock = read(folder, "04-accumulation-register.xml")
    assert stock.paths("AccumulationRegister_ОстаткиТоваров/Balance()", V3) == {"Номенклатура_Key", "Количество"}


def test_version_4():
    """Aliases, inherited keys, complex types and types that lead back to each other are understood."""
    found = parse(V4_DOCUMENT)
    assert found.key_of("Order") == ("ID",)
    paths = found.paths("Order", V4, ("_Item", "_Item/_Order"))
    assert {"ID", "Net", "Address.City", "_Item", "_Item.ID", "_Item._Order.Net"} <= paths
    assert found.paths("Nothing", V4) is None


@pytest.mark.parametrize(
    ("data_type", "document", "expand"),
    [("orders", "API_SALES_ORDER_SRV.edmx", ["to_Item"]), ("products", "API_PRODUCT_SRV.edmx", ["to_Description"])],
)
def test_the_default_mapping_fits_real_systems(recorded, data_type, document, expand):
    """Every path of the default mapping is in the metadata that a real system gave."""
    found = read(recorded, "sap_s4", "gregorwolf_teched2020-DT261-cap", document)
    binding = load("sap-s4").binding(data_type)
    assert binding.missing(found.paths(binding.read["set"], V2, expand)) == []
    assert list(found.key_of(binding.read["set"])) == binding.read["key"]
    assert binding.read["changed"] in found.paths(binding.read["set"], V2)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60), st.integers(0, len(V4_DOCUMENT)), st.integers(0, 40))
def test_damaged_documents(junk, at, cut):
    """Whatever a document is damaged with, it is read or refused in a sentence."""
    with suppress(SourceError):
        parse(V4_DOCUMENT[:at] + junk + V4_DOCUMENT[at + cut :]).paths("Order", V4, ("_Item",))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (LAUGHS, "document type"),
        (OUTSIDE, "document type"),
        (b"<html><body>Sign in</body></html>", "no type"),
        (b"<edmx:Edmx>", "no XML"),
        (b"", "no XML"),
        (V4_DOCUMENT[:400], "no XML"),
        (b'<?xml version="1.0" encoding="utf-7"?><x/>', "no XML"),
        (b'<?xml version="1.0" encoding="shift_jis"?><x/>', "no XML"),
        (b'<?xml version="1.0" encoding="nonsense"?><x/>', "no XML"),
    ],
)
def test_what_is_no_metadata(content, said):
    """A document that declares entities is refused unread, and so is what is none."""
    with pytest.raises(SourceError, match=said):
        parse(content)
