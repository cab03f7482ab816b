"""The fault proxy does to a connection what it was told, and nothing else."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from sandbox import faultproxy


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server that sends back what it gets; it keeps no connection after the client's end."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(peer: socket.socket) -> None:
        with peer:
            try:
                while data := peer.recv(65536):
                    peer.sendall(data)
            except OSError:
                pass

    def listen() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(peer,), daemon=True).start()

    threading.Thread(target=listen, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


@pytest.fixture
def proxy(echo: int) -> Iterator[faultproxy.Proxy]:
    """A proxy in front of the echo."""
    with faultproxy.running("127.0.0.1", echo) as running:
        yield running


Talk = Callable[..., bytes]


@pytest.fixture
def talk(proxy: faultproxy.Proxy) -> Talk:
    """Send bytes through the proxy and return all that comes back."""

    def send(data: bytes, timeout: float = 5.0) -> bytes:
        with socket.create_connection(("127.0.0.1", proxy.port), timeout) as client:
            client.sendall(data)
            with suppress(OSError):  # it may be broken already, which reading then says
                client.shutdown(socket.SHUT_WR)
            answer = b""
            while piece := client.recv(65536):
                answer += piece
            return answer

    return send


def test_everything_passes_while_nothing_is_set(proxy: faultproxy.Proxy, talk: Talk) -> None:
    """Without toxics the proxy changes no byte, however many there are."""
    data = bytes(range(256)) * 4_000
    assert talk(data) == data
    assert proxy.passed == {"up": len(data), "down": len(data)}
    assert proxy.connections == 1


@pytest.mark.parametrize("way", ["up", "down"])
def test_a_reset_breaks_off_at_the_byte(proxy: faultproxy.Proxy, talk: Talk, way: str) -> None:
    """A reset lets exactly the bytes before it pass, and the client sees a broken connection."""
    proxy.toxics.add("reset", way=way, at=1_000)
    with pytest.raises(ConnectionError):
        talk(b"x" * 5_000)
    assert proxy.passed[way] == 1_000


def test_a_fin_looks_like_a_complete_answer(proxy: faultproxy.Proxy, talk: Talk) -> None:
    """After a FIN the client has part of the answer and no error."""
    proxy.toxics.add("fin", at=300)
    assert talk(b"y" * 1_000) == b"y" * 300


def test_one_byte_is_corrupted(proxy: faultproxy.Proxy, talk: Talk) -> None:
    """Only the byte named arrives changed."""
    proxy.toxics.add("corrupt", at=2, times=1)
    assert talk(b"abcd") == b"ab\x9cd"
    assert talk(b"abcd") == b"abcd", "it happens to one connection"


def test_a_black_hole_answers_nothing(proxy: faultproxy.Proxy, talk: Talk) -> None:
    """Nothing comes and nothing breaks: only the client's own clock ends it."""
    proxy.toxics.add("blackhole", way="up")
    with socket.create_connection(("127.0.0.1", proxy.port), 0.2) as client:
        client.sendall(b"hello")
        with pytest.raises(TimeoutError):
            client.recv(10)


def test_latency_and_bandwidth_only_slow_down(proxy: faultproxy.Proxy, talk: Talk) -> None:
    """Slow connections lose nothing."""
    late = proxy.toxics.add("latency", seconds=0.01)
    slow = proxy.toxics.add("bandwidth", way="up", bytes_per_s=4_000)
    assert talk(b"z" * 400) == b"z" * 400
    assert late.hit == slow.hit == {1}


def test_the_reply_to_a_pattern_is_lost_though_the_server_got_it(proxy: faultproxy.Proxy, echo: int) -> None:
    """Once the client has said the pattern for the second time it never learns what became of it."""
    proxy.toxics.add("drop_reply", pattern=b"COMMIT", at=1)
    with socket.create_connection(("127.0.0.1", proxy.port), 5) as client:
        client.sendall(b"COMMIT;")
        assert client.recv(100) == b"COMMIT;"
        client.sendall(b"COM")
        assert client.recv(100) == b"COM"
        client.sendall(b"MIT;")
        with pytest.raises(ConnectionError):
            client.recv(100)
    assert proxy.passed["up"] == 14


def test_cut_breaks_open_connections_and_new_ones_pass(proxy: faultproxy.Proxy, talk: Talk) -> None:
    """A cut ends what is open; who connects anew is served."""
    with socket.create_connection(("127.0.0.1", proxy.port), 5) as client:
        client.sendall(b"a")
        assert client.recv(1) == b"a"
        proxy.cut()
        with pytest.raises(ConnectionError):
            client.recv(1)
    assert talk(b"b") == b"b"


def test_an_unknown_toxic_is_named(proxy: faultproxy.Proxy) -> None:
    """A misspelt toxic does not silently do nothing."""
    with pytest.raises(ValueError, match="drip"):
        proxy.toxics.add("drip")
