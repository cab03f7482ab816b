"""Tokens that rotate: encrypted, committed before they are used, renewed by one process at a time."""

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
import psycopg

from warehouse.connect import connect, translated
from warehouse.crypto import decrypt, encrypt
from warehouse.errors import LockTimeout
from warehouse.locks import lock_key

REFRESH_WAIT_S = 120  # whoever refreshes has two tries of 60 s each
TIMES = ("obtained_at", "expires_at", "refresh_expires_at", "consent_expires_at")


class TokenStore:
    """The stored tokens of one connection, and the block's own as their seed.

    A new seed (told by its fingerprint) replaces what is stored; the same one never does, since QuickBooks
    revokes it once it has rotated. Safe to share between the threads of a run.
    """

    def __init__(self, url: str, connection: str, seed: Mapping[str, Any]) -> None:
        self._url, self._connection, self._seed = url, connection, dict(seed)
        self._fingerprint = hashlib.sha256(msgspec.json.encode(self._seed, order="sorted")).hexdigest()
        self._mutex = threading.RLock()

    def read(self) -> Mapping[str, Any]:
        """The tokens to use: the stored ones, or the seed where nothing is stored or the seed is new.

        StateCorrupt if the encryption key is another one.
        """
        with connect(self._url, "landfall tokens") as session:
            row: Any = session.execute(
                "SELECT token, seed_fingerprint FROM ops.oauth_token WHERE connection = %s", (self._connection,)
            ).fetchone()
        if row is None or row[1] != self._fingerprint:
            return dict(self._seed)
        token: dict[str, Any] = msgspec.json.decode(decrypt(row[0], self._belongs_to()))
        return token

    def save(self, token: Mapping[str, Any]) -> None:
        """Store tokens; they are committed when this returns.

        What is known of their ends (``TIMES``, in epoch seconds) and of a refusal (``refused``) is no secret and stands
        beside them in clear, for `landfall status`.
        """
        sealed = encrypt(msgspec.json.encode(dict(token)), self._belongs_to())
        with connect(self._url, "landfall tokens") as session, translated("storing a token"):
            session.execute(
                """INSERT INTO ops.oauth_token AS t (connection, token, seed_fingerprint, refusal,
                       obtained_at, expires_at, refresh_expires_at, consent_expires_at)
                   VALUES (%s, %s, %s, %s, to_timestamp(%s), to_timestamp(%s), to_timestamp(%s), to_timestamp(%s))
                   ON CONFLICT (connection) DO UPDATE SET token = excluded.token, saved_at = now(),
                       seed_fingerprint = excluded.seed_fingerprint, refusal = excluded.refusal,
                       rotations = t.rotations + (t.obtained_at IS DISTINCT FROM excluded.obtained_at)::int,
                       obtained_at = excluded.obtained_at, expires_at = excluded.expires_at,
                       refresh_expires_at = excluded.refresh_expires_at,
                       consent_expires_at = excluded.consent_expires_at""",
                (self._connection, sealed, self._fingerprint, token.get("refused"), *map(token.get, TIMES)),
            )

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """One refresher at a time, in all processes and on all hosts; read again after entering."""
        with self._mutex, connect(self._url, "landfall token refresh") as session:
            session.execute("SELECT set_config('lock_timeout', %s, false)", (f"{REFRESH_WAIT_S}s",))
            try:
                session.execute("SELECT pg_advisory_lock(%s)", (lock_key("token", self._connection),))
            except psycopg.errors.LockNotAvailable:
                raise LockTimeout(
                    f"Another process has been refreshing the token of {self._connection} for {REFRESH_WAIT_S} s"
                ) from None
            yield

    def _belongs_to(self) -> str:
        return f"token of {self._connection}"
