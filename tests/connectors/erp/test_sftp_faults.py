"""What goes wrong on SFTP servers, on a real one: half-written files, odd names, other keys, lines that break."""

import base64
import io
import os
import socket
import stat
from pathlib import Path

import paramiko
import pytest

from connectors import sftp
from connectors.erp import sftp_inbox
from connectors.errors import (
    AuthRejected,
    Deadline,
    HostKeyMismatch,
    IncompleteBody,
    IncompleteFile,
    SourceError,
    UnsafeArchive,
)
from connectors.sftp import Login, Server
from connectors.sftp_folder import Folder
from sandbox import erp_sftp, faultproxy
from tests.connectors.erp.sftp_parts import DELTA, Drop, products
from tests.connectors.erp.test_sftp_files import zipped


def test_a_file_that_grows_is_left_until_it_is_whole(drop: Drop, monkeypatch, caplog) -> None:
    """Written to between two looks, or after it was claimed: it stays, the others land, and the next run takes it."""
    drop.map(DELTA)
    drop.put("products_a.csv", products("A 1"), age=9)
    slow = drop.put("products_b.csv", products("B 1"))

    def wait(_seconds: float) -> None:
        with slow.open("a") as file:
            file.write(products("B 2").partition("\n")[2])

    fetch, fetched = Folder.fetch, []

    def fetch_noted(self, remote, to, limit):
        fetched.append(remote.name)
        return fetch(self, remote, to, limit)

    with monkeypatch.context() as patch:
        patch.setattr(sftp_inbox.time, "sleep", wait)
        patch.setattr(Folder, "fetch", fetch_noted)
        assert drop.run()["inserted"] == 1
    assert fetched == ["products_a.csv"]
    assert os.listdir(drop.inbox) == ["products_b.csv"]
    assert "FileNotStable: 'products_b.csv'" in caplog.text

    def fetch_late(self, remote, to, limit):
        with (drop.processing / remote.name).open("a") as file:
            file.write(products("B 3").partition("\n")[2])
        return fetch(self, remote, to, limit)

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "fetch", fetch_late)
        assert drop.run()["read"] == 0
    assert os.listdir(drop.inbox) == ["products_b.csv"]
    drop.run()
    assert drop.prices() == {"A": "1", "B": "3"}


def test_a_file_that_is_written_to_after_it_was_read_is_read_again(drop: Drop) -> None:
    """A sender that goes on after the run has read its file loses nothing."""
    drop.map(DELTA)
    drop.put("products_a.csv", products("A 1"))
    with drop.client() as client:
        drop.land(client)
        with (drop.processing / "products_a.csv").open("a") as file:
            file.write(products("B 1").partition("\n")[2])
    assert os.listdir(drop.inbox) == ["products_a.csv"]
    drop.run()
    assert drop.prices() == {"A": "1", "B": "1"}


def test_odd_names_hide_no_other_file_and_write_no_lines_of_their_own(drop: Drop, caplog) -> None:
    """Names that are no UTF-8, or hold controls or options, are told in one line each, and left; the rest lands."""
    odd = [
        b"products_\xff.csv",
        b"-rf.csv",
        b"products\n2026 INFO ok.csv",
        b"products\r\x1b[31m.csv",
        b"p" * 240 + b".csv",
    ]
    for name in odd:
        Path(os.fsdecode(os.fsencode(drop.inbox) + b"/" + name)).write_text(products("X 1"))
    (drop.inbox / "products_link.csv").symlink_to("/etc/passwd")
    (drop.inbox / "products_dir.csv").mkdir()
    for name in ("products.csv.tmp", "products.csv.part", ".products.csv"):
        drop.put(name, products("X 1"))
    drop.put("products_1.csv", products("A 1"))
    assert drop.run()["inserted"] == 1
    told = [record.getMessage() for record in caplog.records if "UnsafeFilename" in record.getMessage()]
    assert len(told) == len(odd)
    assert all(line.isprintable() for line in told)
    assert len(os.listdir(drop.inbox)) == len(odd) + 5
    assert drop.prices() == {"A": "1"}


@pytest.mark.parametrize("pin", ["SHA256:" + "A" * 43, "", "nonsense"])
def test_no_password_is_sent_to_a_server_with_another_key(pin: str) -> None:
    """A changed or unknown host key ends the run before anybody has said a password; both fingerprints are told."""
    with erp_sftp.running(products=1, locations=1, orders=1) as server:
        login = Login(host="127.0.0.1", port=server.port, user=erp_sftp.USER, password=erp_sftp.PASSWORD, host_key=pin)
        with pytest.raises(HostKeyMismatch) as refused, Server(login):
            pass
        assert server.logins == []
        if pin.startswith("SHA256"):
            assert pin in str(refused.value)
            assert server.host_key in str(refused.value)
        if not pin:
            assert f"ssh-keyscan -p {server.port} 127.0.0.1 | ssh-keygen -lf -" in str(refused.value)
        assert erp_sftp.PASSWORD not in str(refused.value) + repr(login)
        with (
            pytest.raises(AuthRejected, match="does not accept"),
            Server(_with(login, server.host_key, password="wrong")),
        ):
            pass
        with Server(_with(login, f"SHA256:{'B' * 43}, {server.host_key}=")):  # one of several is enough
            pass


def _with(login: Login, host_key: str, password: str = erp_sftp.PASSWORD) -> Login:
    return Login(login.host, login.user, host_key, login.port, password)


def test_pins_and_keys_of_every_form_open_the_door(drop: Drop) -> None:
    """A pin is a fingerprint or a public key; a key that does not open, or is none, is told as such."""
    key = drop.sshd.host_key
    for pin in (key, sftp.fingerprint(base64.b64decode(key.split()[1])), key.split()[1]):
        with Server(drop.sshd.login(host_key=pin)) as server:
            assert server.host_key.startswith("SHA256:")
    stranger = paramiko.RSAKey.generate(2048)
    text = io.StringIO()
    stranger.write_private_key(text)
    with pytest.raises(AuthRejected, match="does not accept"), Server(drop.sshd.login(private_key=text.getvalue())):
        pass
    with pytest.raises(AuthRejected, match="cannot be read"), Server(drop.sshd.login(private_key="canary-key")):
        pass


def test_a_file_cut_short_stays_and_nothing_of_it_lands(drop: Drop) -> None:
    """A file that ends in the middle of a line lands no row; it stays in the inbox, to be sent again."""
    drop.put("products_1.csv", products("A 1", "B 2")[:-4])
    with pytest.raises(IncompleteFile, match=r"products_1\.csv ends within line 3"):
        drop.run()
    assert drop.rows("SELECT count(*) FROM erp.product") == [(0,)]
    assert os.listdir(drop.inbox) == ["products_1.csv"]
    drop.put("products_1.csv", products("A 1", "B 2"))
    assert drop.run()["inserted"] == 2


def test_an_unsafe_archive_is_set_aside(drop: Drop) -> None:
    """An archive with a path that leads out goes to the error folder; nothing is written anywhere else."""
    drop.map("products: {read: {files: 'products*.zip'}}")
    drop.put("products_1.zip", zipped(**{"../../x.csv": products("A 1").encode()}))
    with pytest.raises(UnsafeArchive, match="leads out"):
        drop.run()
    assert drop.tree("error") == ["products_1.zip", "products_1.zip.err.json"]
    drop.limits = {"max_unpacked_mb": 1}
    drop.put("products_2.zip", zipped(**{"x.csv": os.urandom(2 * 1024 * 1024)}))
    with pytest.raises(UnsafeArchive, match="more than the"):
        drop.run()
    drop.put("products_3.zip", zipped(**{"x.csv": products("A 1").encode()}))
    assert drop.run()["inserted"] == 1
    assert not list(drop.root.parent.rglob("x.csv"))


@pytest.mark.parametrize("toxic", ["reset", "fin", "blackhole", "corrupt"])
def test_a_line_that_breaks_is_a_failure_that_passes(drop: Drop, toxic: str) -> None:
    """Cut off, silent or garbled in the middle of a file: nothing lands, and the next run lands all."""
    drop.put("products_1.csv", products(*(f"A{number} 1" for number in range(9000))))
    with faultproxy.running("127.0.0.1", drop.sshd.port) as proxy:
        proxy.toxics.add(toxic, way="down", at=100_000)
        with pytest.raises((IncompleteBody, Deadline)), drop.client(port=proxy.port, timeout_s=1.0) as client:
            drop.land(client)
    assert drop.rows("SELECT count(*) FROM erp.product") == [(0,)]
    assert drop.run()["inserted"] == 9000
    assert drop.tree("archive") == ["products_1.csv"]


def test_a_server_that_says_nothing_is_not_waited_for() -> None:
    """Somebody who takes the call and is silent costs no longer than the time limit."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        login = Login("127.0.0.1", "somebody", "SHA256:" + "A" * 43, silent.getsockname()[1], timeout_s=0.3)
        with pytest.raises((Deadline, IncompleteBody)), Server(login):
            pass


def test_what_the_server_lacks_is_told(drop: Drop) -> None:
    """An inbox that is not there, and a file larger than allowed, in one sentence each."""
    drop.limits = {"max_file_mb": 1}
    drop.put("products_1.csv", products("A 1") + " " * 2_000_000)
    with pytest.raises(SourceError, match="more than 1,048,576 bytes"):
        drop.run()
    drop.inbox.rename(drop.root / "elsewhere")
    with pytest.raises(SourceError, match=r"has no .*inbox"):
        drop.run()
    assert stat.S_ISDIR((drop.root / "archive").stat().st_mode)
