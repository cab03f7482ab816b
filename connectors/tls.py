"""Showing who we are by a certificate (X.509, mutual TLS), which stands in a block and stays on no disk."""

import os
import ssl
import tempfile

import httpx

from connectors.errors import AuthRejected
from connectors.redact import REDACTOR

# What a server says about a certificate of ours (RFC 8446, 6.2), in OpenSSL's words.
_REFUSALS = ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED")


def with_certificate(pem: str, password: str = "") -> ssl.SSLContext:
    """A context that trusts as ours always do and shows this certificate.

    ``pem`` holds the certificate, those that vouch for it, and the private key, encrypted by ``password`` or not. Raises
    `AuthRejected` where they cannot be used together.
    """
    REDACTOR.add(pem)
    REDACTOR.add(password)
    context = httpx.create_ssl_context()
    # OpenSSL reads from a file alone. This one is ours alone, and gone before anything is sent.
    handle, path = tempfile.mkstemp(prefix="landfall-", suffix=".pem")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(pem)
        context.load_cert_chain(path, password=password or (lambda: ""))
    except (ssl.SSLError, ValueError) as error:
        reason = (getattr(error, "reason", "") or "it is no PEM").replace("_", " ").lower()
        raise AuthRejected(
            f"The client certificate cannot be used ({reason}): give the certificate and its private key as PEM, one after"
            " the other, and the password of the key if it has one."
        ) from None
    finally:
        os.unlink(path)
    return context


def refused(cause: BaseException | None) -> str:
    """What a server has against the certificate that we showed, or that we showed none; '' for anything else."""
    reason = (cause.reason or "") if isinstance(cause, ssl.SSLError) else ""
    _, alert, what = reason.partition("_ALERT_")
    return what.replace("_", " ").lower() if alert and any(word in what for word in _REFUSALS) else ""
