"""Encryption at rest: AES-256-GCM, with what the text belongs to as associated data."""

import base64
import binascii
import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from warehouse import embedded
from warehouse.errors import NotConfigured, StateCorrupt

_NONCE_BYTES = 12  # what GCM is defined for
VARIABLE = "LANDFALL_ENCRYPTION_KEY"


def encryption_key() -> bytes:
    """The 32 bytes of LANDFALL_ENCRYPTION_KEY, or of the embedded default; NotConfigured if there is none."""
    text = os.environ.get(VARIABLE)
    if not text:
        if os.environ.get("LANDFALL_DATABASE_URL") and embedded.running_url() != os.environ["LANDFALL_DATABASE_URL"]:
            raise NotConfigured(f"{VARIABLE} is not set; it is needed with a Postgres of your own (32 bytes, base64)")
        text = embedded.encryption_key()
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != 32:
        raise NotConfigured(f"{VARIABLE} must be 32 bytes in base64; make one with: openssl rand -base64 32")
    return key


def encrypt(plain: bytes, belongs_to: str) -> bytes:
    """Nonce and ciphertext."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(encryption_key()).encrypt(nonce, plain, belongs_to.encode())


def decrypt(stored: bytes, belongs_to: str) -> bytes:
    """The plain text; StateCorrupt if the key is another one or the text belongs elsewhere."""
    try:
        return AESGCM(encryption_key()).decrypt(stored[:_NONCE_BYTES], stored[_NONCE_BYTES:], belongs_to.encode())
    except InvalidTag:
        raise StateCorrupt(
            f"What is stored for {belongs_to} cannot be decrypted: {VARIABLE} is not the one it was written with"
        ) from None


def derived_key(purpose: str) -> bytes:
    """A key of its own for one purpose, 32 bytes, made from the encryption key; NotConfigured if there is none."""
    return hmac.digest(encryption_key(), f"landfall: {purpose}".encode(), "sha256")


def fingerprint(secret: str, belongs_to: str) -> str:
    """Tells whether a secret is still the same, and nothing else: without the key it cannot be guessed.

    What stands before the colon names the key; fingerprints by two keys tell nothing about each other.
    """
    key = derived_key("fingerprint")
    digest = hmac.digest(key, f"{belongs_to}\0{secret}".encode(), "sha256")
    return f"{key_id(key)}:{digest.hex()[:32]}"


def key_id(key: bytes) -> str:
    """A short name for a key, from which it cannot be told."""
    return hashlib.sha256(b"id" + key).hexdigest()[:8]
