import json
import subprocess
import sys
from pathlib import Path

import psycopg

from warehouse import embedded

TIMEOUT_S = 900  # three minutes alone on two cores


def test_the_demo_lands_twice_and_ends_by_itself(reachable_home: Path) -> None:
    """One command sets everything up, lands the company through Prefect, shows that a re-run changes nothing, and stops."""
    command = [sys.executable, "-c", "from cli.main import main; main()", "demo", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    landed = {
        sync: {stream: row["inserted"] for stream, row in runs["first"].items()}
        for sync, runs in answer["syncs"].items()
    }
    books = landed.pop("quickbooks")
    assert {name: books[name] for name in ("customer", "vendor", "item", "invoice")} == {
        "customer": 1000, "vendor": 300, "item": 2000, "invoice": 5000,
    }  # fmt: skip
    assert len(books) == 30
    assert all(books.values())
    assert landed == {
        "cetec": {"customer": 344},
        "microshare": {"cluster": 3, "device": 26, "inspection_point": 26, "incident": 1, "sensor_event": 2},
        "sap-s4": {
            "sales_order": 400,
            "product": 1000,
            "invoice": 200,
            "inventory_level": 900,
            "order_status_event": 400,
        },
        "sftp": {"product": 300, "inventory_level": 600, "sales_order": 50},
    }
    for row in (row for runs in answer["syncs"].values() for row in runs["second"].values()):
        assert row["inserted"] == row["updated"] == row["deleted"] == 0
        assert row["unchanged"] == row["read"]
    served = {row["site_name"]: (row["connection"], row["source"], row["usable"]) for row in answer["sites"]}
    assert served == {"North": ("demo", "client", True), "South": ("demo-files", "site", True)}
    assert answer["ui"].startswith("http://127.0.0.1:")
    assert embedded.running_url() is None
    password = json.loads((reachable_home / "postgres.json").read_text())["landfall"]
    assert password not in done.stdout + done.stderr
    assert "Socket exception" not in done.stderr, "how a client went is nothing that people should read about"
    embedded.start()
    with psycopg.connect(answer["database_url"]) as conn:
        assert conn.execute("SELECT count(*) FROM quickbooks.invoice_current").fetchone() == (5000,)
