"""`landfall erp map`, as a person uses it on a simulated ERP."""

from pathlib import Path

import pytest

from blocks import systems
from sandbox import onec
from tests.cli.conftest import Landfall, answer
from tests.flows.erp_parts import connect


def test_a_mapping_is_checked_and_previewed_before_anything_lands(
    landfall: Landfall, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Mistakes come with line and column, fields that the source lacks too; ten rows are shown, and none has landed."""
    own = tmp_path / "own.yaml"
    own.write_text("")
    with onec.running(orders=12, products=12, invoices=2, employees=2) as base:
        connect(landfall, monkeypatch, "erp-1c", "plant", base.connection() | {"mapping": str(own)})
        try:
            right = landfall("erp", "map", "check", "--connection", "plant", "--json")
            assert (right.exit_code, answer(right)["ok"]) == (0, True), right.output

            own.write_text("products:\n  fields:\n    barcode: Штрихкодd\n")
            wrong = landfall("erp", "map", "check", "--connection", "plant", "--json")
            [complaint] = answer(wrong)["complaints"]
            assert wrong.exit_code == 1
            assert complaint.startswith("own.yaml, line 3, column 14: product.barcode: Штрихкодd is unknown")
            assert complaint.endswith("perhaps Штрихкод")
            assert landfall("erp", "map", "check", "--connection", "plant", "--offline").exit_code == 0

            own.write_text("products:\n  fields:\n    naem: Code\n    sku: {from: Code, colour: red}\n")
            places = answer(landfall("erp", "map", "check", "--connection", "plant", "--json"))["complaints"]
            assert [place.partition(": ")[0] for place in places] == [
                "own.yaml, line 3, column 11", "own.yaml, line 4, column 31",
            ]  # fmt: skip
            refused = landfall("erp", "map", "preview", "--connection", "plant")
            assert refused.exit_code == 1
            assert "MappingInvalid" in refused.output

            own.write_text("products: {fields: {sku: Code}}\n")
            shown = answer(landfall("erp", "map", "preview", "--connection", "plant", "--json"))["data_types"]
            assert len(shown["products"]["rows"]["product"]) == len(shown["orders"]["rows"]["sales_order"]) == 10
            row = shown["products"]["rows"]["product"][0]
            assert row["source_key"]
            assert row["sku"]
            assert row["sku"] == row["sku"].strip()
            table = landfall("erp", "map", "preview", "--connection", "plant", "--data-type", "orders")
            assert "orders → erp.sales_order" in table.stdout
            assert "orders → erp.sales_order_line" in table.stdout
            unknown = landfall("erp", "map", "preview", "--connection", "plant", "--data-type", "people")
            assert "NotMapped" in unknown.output
            assert landfall("erp", "map", "check", "--connection", "nobody").exit_code == 1
        finally:
            systems.delete("erp-1c", "plant")
