"""Files over a real sshd all the way into Postgres: each lands once, whole, in order, whatever dies in between."""

import hashlib
import json
import multiprocessing
import os
import signal

import pytest

from connectors.erp.sftp import Settings, SftpErp
from connectors.erp.sftp_inbox import Folders, Inbox
from connectors.errors import FileInvalid, MappingInvalid
from connectors.sftp import Login
from connectors.sftp_folder import Folder
from tests.connectors.erp.sftp_parts import DELTA, Drop, products
from warehouse.erp_files import FileLedger
from warehouse.errors import SuspiciousShrink


def test_a_file_lands_once_and_is_archived(drop: Drop) -> None:
    """What lies in the inbox at night is in the tables and in the archive in the morning; another run does nothing."""
    drop.put("products_1.csv", products("A 1.50", "B 2"))
    drop.put("other.txt", "nobody asked for this")
    assert drop.run()["inserted"] == 2
    assert drop.prices() == {"A": "1.50", "B": "2"}
    (archived,) = (drop.root / "archive").rglob("*.csv")
    assert archived.parent.relative_to(drop.root).as_posix() == "archive/2026/05"
    assert os.listdir(drop.inbox) == ["other.txt"]
    again = drop.run()
    assert (again["read"], again["inserted"]) == (0, 0)
    full = drop.run(full=True)
    assert (full["read"], full["unchanged"]) == (2, 2), "a full run reads the archive"
    drop.put("products_1.csv", products("A 1.50", "B 2"))
    assert drop.run()["read"] == 0, "sent twice"
    assert drop.tree("archive") == ["products_1.csv"]
    assert drop.tree("inbox") == [""]
    assert drop.rows("SELECT stream, name FROM erp.landed_file") == [("product", "products_1.csv")]


def test_a_file_under_one_name_may_go_back_to_what_it_was(drop: Drop) -> None:
    """A sender that writes products.csv over and over is believed when a price returns to that of the day before."""
    drop.map(DELTA)
    for price in ("1", "2", "1"):
        drop.put("products.csv", products(f"A {price}"))
        assert drop.run()["inserted"] + drop.run()["unchanged"] <= 1
        assert drop.prices() == {"A": price}


def test_deltas_land_in_their_order_and_delete_nothing(drop: Drop) -> None:
    """Of three days that lie in the inbox after a holiday the last one counts."""
    drop.map(DELTA)
    drop.put("products_c.csv", products("A 3"), age=0)
    drop.put("products_a.csv", products("A 1", "B 1"), age=200)
    drop.put("products_b.csv", products("A 2"), age=100)
    drop.run()
    assert drop.prices() == {"A": "3", "B": "1"}
    drop.run(full=True)
    assert drop.prices() == {"A": "3", "B": "1"}


def test_a_whole_picture_deletes_what_is_not_in_it(drop: Drop) -> None:
    """Only the newest snapshot counts, and one that has shrunk too far waits until somebody agrees."""
    drop.put("products_1.csv", products("A 1", "B 1", "C 1", "D 1"), age=100)
    drop.run()
    drop.put("products_2.csv", products("A 2"), age=50)
    drop.put("products_3.csv", products("A 3", "B 3", "C 3"), age=10)
    counts = drop.run()
    assert (counts["updated"], counts["deleted"]) == (3, 1)
    assert drop.tree("archive") == ["products_1.csv", "products_2.csv", "products_3.csv"]
    drop.put("products_4.csv", products("A 4"))
    with pytest.raises(SuspiciousShrink):
        drop.run()
    assert os.listdir(drop.inbox) == ["products_4.csv"]
    assert drop.run(accept_shrink=True)["deleted"] == 2


def test_an_old_picture_that_is_sent_again_is_not_the_newest(drop: Drop) -> None:
    """A snapshot that comes again, later than the new one, neither lands nor keeps the new one from landing."""
    drop.put("products_1.csv", products("A 1"), age=100)
    drop.run()
    drop.put("products_2.csv", products("A 2"), age=50)
    drop.put("products_1.csv", products("A 1"), age=10)
    drop.run()
    assert drop.prices() == {"A": "2"}
    drop.put("products_1.csv", products("A 1"))
    drop.run(full=True)
    assert drop.prices() == {"A": "2"}
    assert not os.listdir(drop.inbox)


def test_a_row_that_does_not_fit_is_kept_with_its_line_and_deletes_nobody(drop: Drop) -> None:
    """One ragged row costs one dead letter that says where; its product is not taken for deleted."""
    drop.put("products_1.csv", products(*(f"A{number} 1" for number in range(30))), age=10)
    drop.run()
    drop.put("products_2.csv", products(*(f"A{number} 2" for number in range(29))) + "A29,Thing,of,many,commas,2,EUR\n")
    counts = drop.run()
    assert (counts["updated"], counts["deleted"], counts["dead_lettered"]) == (29, 0, 1)
    ((code, message, payload),) = drop.rows("SELECT reason_code, message, payload_redacted FROM ops.dead_letter")
    assert (code, message) == ("BadRow", "products_2.csv, line 31: 7 fields, but there are 6 columns")
    assert json.loads(payload)["fields"][2] == "of"
    assert drop.prices()["A29"] == "1"


def test_a_marker_says_that_a_file_is_whole_and_goes_with_it(drop: Drop) -> None:
    """Without its marker a file waits; a checksum in the marker is compared."""
    drop.map("products: {read: {marker: .done}}")
    path = drop.put("products_1.csv", products("A 1"))
    assert drop.run()["read"] == 0
    drop.put("products_1.csv.done", '{"sha256": "0"}')
    with pytest.raises(Exception, match="its marker says 0"):
        drop.run()
    assert sorted(os.listdir(drop.inbox)) == ["products_1.csv", "products_1.csv.done"]
    drop.put("products_1.csv.done", json.dumps({"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}))
    assert drop.run()["inserted"] == 1
    assert drop.tree("archive") == ["products_1.csv", "products_1.csv.done"]


def test_a_file_that_can_never_land_is_set_aside_with_the_reason(drop: Drop) -> None:
    """A file in another encoding goes to the error folder once, and does not keep the next night's from landing."""
    drop.put("products_1.csv", products("A 1").replace("Thing", "Größe").encode("latin-1"), age=10)
    with pytest.raises(FileInvalid, match="not in the encoding utf-8"):
        drop.run()
    (why,) = (drop.root / "error").glob("*.err.json")
    told = json.loads(why.read_text())
    assert (told["file"], told["code"]) == ("products_1.csv", "FileInvalid")
    assert drop.tree("error") == ["products_1.csv", "products_1.csv.err.json"]
    drop.put("products_2.csv", products("A 1"))
    assert drop.run()["inserted"] == 1


def test_a_column_that_is_gone_is_a_matter_of_the_mapping(drop: Drop) -> None:
    """A renamed column lands no empty prices: the mapping's line is named and the file stays."""
    drop.put("products_1.csv", products("A 1").replace("list_price", "price"))
    with pytest.raises(MappingInvalid, match=r"line .*list_price"):
        drop.run()
    assert os.listdir(drop.inbox) == ["products_1.csv"]
    with drop.client() as client, pytest.raises(MappingInvalid, match="list_price"):
        client.test([drop.mapping.binding("products")])


def test_orders_with_a_row_a_line_are_orders_with_lines(drop: Drop) -> None:
    """A flat file of order lines becomes orders and their lines."""
    drop.put(
        "orders_1.csv",
        "order_number,status,customer,currency,order_date,line,sku,quantity,uom,unit_price\n"
        "1,open,C,EUR,2026-05-04,10,A,2,PC,1.10\n1,open,C,EUR,2026-05-04,20,B,1,PC,2\n2,open,D,EUR,2026-05-04,10,A,5,PC,1\n",
    )
    assert drop.run("orders")["inserted"] == 2
    lines = drop.rows(
        "SELECT order_source_key, index, line_key, sku, quantity::text FROM erp.sales_order_line ORDER BY 1, 2"
    )
    assert lines == [("1", 0, "10", "A", "2"), ("1", 1, "20", "B", "1"), ("2", 0, "10", "A", "5")]
    assert drop.rows("SELECT DISTINCT _extra FROM erp.sales_order") == [(None,)]


@pytest.mark.parametrize("place", ["claim", "fetch", "put_away", "note"])
def test_a_run_that_is_killed_anywhere_loses_nothing_and_lands_nothing_twice(drop: Drop, place: str) -> None:
    """After kill -9 right behind any step, the next run ends where an undisturbed one would have."""
    drop.put("products_1.csv", products("A 1", "B 1"))
    worker = multiprocessing.get_context("fork").Process(target=_run_and_die, args=(drop, place))
    worker.start()
    worker.join(60)
    assert worker.exitcode == -signal.SIGKILL
    assert drop.tree("archive") == ([] if place != "put_away" else ["products_1.csv"])
    drop.run()
    assert drop.prices() == {"A": "1", "B": "1"}
    assert drop.tree("archive") == ["products_1.csv"]
    assert drop.rows("SELECT name FROM erp.landed_file") == [("products_1.csv",)] or drop.run()["read"] == 0
    assert not os.listdir(drop.inbox)
    assert not os.listdir(drop.processing)
    assert drop.rows("SELECT count(*) FROM erp.product_history") == [(2,)]


def _run_and_die(drop: Drop, place: str) -> None:
    """Run, in a process of its own, and die right after the first call of a step."""
    holder = next(each for each in (Inbox, Folder, FileLedger) if hasattr(each, place))
    step = getattr(holder, place)
    calls = []

    def deadly(*args: object, **kwargs: object) -> object:
        done = step(*args, **kwargs)
        calls.append(1)
        if place != "note" or len(calls) == 2:  # the first only notes what the run before has left
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    setattr(holder, place, deadly)
    drop.run()


def test_two_looks_at_the_same_time_take_no_file_twice(drop: Drop) -> None:
    """A preview while a run is under way neither lands nor loses anything."""
    drop.put("products_1.csv", products("A 1"))
    with drop.client() as run:
        assert drop.land(run)["inserted"] == 1
        with drop.client() as look:
            pages = look.pages("products", None, drop.mapping.binding("products"))
            assert any(page.records for page in pages)
    assert drop.run()["inserted"] == 0
    assert drop.tree("archive") == ["products_1.csv"]


def test_the_identity_is_account_server_and_inbox(drop: Drop) -> None:
    """Another account or folder under the name of a connection is noticed; a new host key is not another system."""
    client = drop.client()
    assert client.identity().endswith(f"@127.0.0.1{drop.inbox}")
    login = Login("sftp.example.com", "landfall", "SHA256:", 2222)
    settings = Settings(Folders("in", "processing", "archive", "error"))
    assert SftpErp(login, settings, client.ledger).identity() == "landfall@sftp.example.com:2222/in"
