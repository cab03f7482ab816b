"""What can go wrong while talking to a source, as one tree.

Each class says the cause in its docstring and what to do in ``cure``; its name is the ``code`` that the run log,
the exit report and docs/errors.md show. Only `Transient` errors are ever retried.

    ConnectorError
      Authentication   ReauthRequired  AuthRejected  HostKeyMismatch
      Transient        RateLimited  Unavailable  Deadline  IncompleteBody
      Source           SourceError  UnexpectedContentType  ResponseTooLarge  PagingLoop  CountMismatch
                       TlsError  BlockedAddress  WriteRefused  SecretRefused  MassFlip  QuotaReached
                       SignInRefused  RecordNotFound  AmbiguousWrite
                       FileNotStable  UnsafeFilename  UnsafeArchive  IncompleteFile  FileInvalid
      Mapping          MappingInvalid  NotMapped
"""

from collections.abc import Sequence
from typing import ClassVar


class ConnectorError(Exception):
    """The root of all errors of connectors; never raised itself.

    ``message`` is one sentence without secrets. ``wait_s`` are the seconds after which another attempt makes sense,
    when the source said so. ``at`` is where it happened (``customer page 7``); whoever knows the place fills it in.
    """

    cure: ClassVar[str] = "Read the message; it names the system and what it answered."

    def __init__(self, message: str, *, wait_s: float | None = None, at: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.wait_s = wait_s
        self.at = at

    @property
    def code(self) -> str:
        """The stable name of this kind of error."""
        return type(self).__name__

    def __str__(self) -> str:
        return f"{self.message} (at {self.at})" if self.at else self.message


class Authentication(ConnectorError):
    """The source does not accept who we say we are."""

    cure = "Check the credentials of the connection."


class ReauthRequired(Authentication):
    """The refresh token is expired, revoked or already replaced, so a person has to consent again."""

    cure = (
        "Sign in to the vendor again and put the new refresh token in the connection: "
        "`landfall connect SYSTEM --name NAME --secret refresh_token=ENVVAR`."
    )


class AuthRejected(Authentication):
    """The source refuses the credentials, or the account behind them lacks the right."""

    cure = (
        "Correct the credentials or the account's rights, then run `landfall connections test SYSTEM NAME`; "
        "mind that sandbox keys never open a production company, nor the other way round."
    )


class HostKeyMismatch(Authentication):
    """The server shows another host key than the pinned one, or none is pinned; no password or key was used."""

    cure = (
        "Ask the server's owner for the fingerprint of its host key; only if that is the one in the message, set "
        "`host_key` of the connection to it. Otherwise somebody may be in between."
    )


class Transient(ConnectorError):
    """Something that passes by itself; tried again within the limits of the connection."""

    cure = "Wait for the next scheduled run; if it persists, look at the vendor's status page."


class RateLimited(Transient):
    """The source asks for fewer requests, for longer than one run may wait."""

    cure = "Run again after the time named; lower the connection's requests per second, or look for another reader."


class Unavailable(Transient):
    """The source cannot be reached, or answers that it is out of order."""

    cure = (
        "Check the address of the connection, the network and the vendor's status page; the next run goes on by itself."
    )


class Deadline(Transient):
    """A request was not answered in full within the time it may take."""

    cure = "Run again; if the source is slow by nature, raise `timeout_s` of the connection."


class IncompleteBody(Transient):
    """The connection broke, or the answer ended, before the whole answer was there."""

    cure = "Run again; if it persists, look for a proxy or firewall between here and the source."


class Source(ConnectorError):
    """The source answered, but not with what was asked for."""

    cure = "Read what the source said; nothing was landed from this answer."


class SourceError(Source):
    """The source answered with an error of its own."""

    cure = "Look up the vendor's code named in the message; nothing was landed from this answer."


class NotOffered(Source):
    """The source does not offer this kind of record to this company, because of its plan or its settings."""

    cure = (
        "Nothing, if that is as it should be: the rest lands, and a warning says what is left out. Name the kinds that are"
        " wanted in the connection's `entities`, or change the plan."
    )


class UnexpectedContentType(Source):
    """The source answered with another kind of document than asked for, such as a login or maintenance page."""

    cure = "Open the address named in a browser; mostly it is a wrong base URL, a proxy's login page or maintenance."


class ResponseTooLarge(Source):
    """An answer is larger, once unpacked, than the connection allows."""

    cure = "Lower the page size, or raise the limit on the size of an answer if it is known to be right."


class PagingLoop(Source):
    """The source handed out the same page again, so reading would never end."""

    cure = "Run again; if it persists, report it to the vendor with the page named. Nothing was landed."


class CountMismatch(Source):
    """The records read are not as many as the source says it has."""

    cure = "Run again at a quieter time; no row was landed or taken for deleted on the strength of this reading."


class TlsError(Source):
    """The source's certificate is not valid for its address, or no secure connection could be agreed on."""

    cure = "Have the source's certificate put right, or name your own authority in SSL_CERT_FILE; it is never ignored."


class BlockedAddress(Source):
    """The address is one that Landfall does not connect to, or not without encryption."""

    cure = (
        "Use the https address of the source; on a trusted network `allow_http` of the connection permits plain http."
    )


class WriteRefused(Source):
    """A request that could change data at the source was stopped before it left, since this connection only reads."""

    cure = "This is a fault of the program, not of the data: report it with the message. Nothing was sent."


class SecretRefused(Source):
    """A field was asked for that holds a live secret, which must not land in tables that people query."""

    cure = "Leave the field that the message names out of the columns; nothing was asked for or landed."


class QuotaReached(Source):
    """The connection has used the calls that its ceiling allows for this month, so nothing more was asked."""

    cure = "Wait for the next month, or raise `metered_calls_per_month` of the connection; `landfall status` shows the use."


class SignInRefused(Source):
    """A sign-in did not end with the consent it was begun for: refused, another's, or too late."""

    cure = "Begin again with `landfall connect SYSTEM --name NAME --sign-in`, and allow the access in the browser."


class MassFlip(Source):
    """Far more databases have vanished since the last run than is likely, so none was taken for gone."""

    cure = (
        "Look at the database server and the account's rights on it; if the databases are gone, run once with "
        "--accept-shrink."
    )


class RecordNotFound(Source):
    """The source has no such record, or does not show it to this account; it may not say which."""

    cure = "Check that the record is there and that the account may see it; the next run reads the list anew."


class AmbiguousWrite(Source):
    """A change was sent, and no answer says whether it was carried out."""

    cure = "Nothing is sent again by itself: the next step reads what is there now, and goes by that."
    ambiguous: ClassVar[bool] = True


class FileNotStable(Source):
    """A file is still being written, or changed while it was read, so it was left where it is."""

    cure = "Nothing: the next run takes it; if it persists, look whether the sender is stuck, or use a marker file."


class UnsafeFilename(Source):
    """A file in the inbox has a name that could do harm or cannot be read (a path, control characters, no UTF-8)."""

    cure = "Have the sender use plain names; the file was neither read nor moved."


class UnsafeArchive(Source):
    """An archive holds paths, links, further archives, or more than the connection allows; none of it was landed."""

    cure = "Look at the file in the error folder and its .err.json; if it is right, raise `max_unpacked_mb`."


class IncompleteFile(Source):
    """A file ends before its end, or not with the rows and totals that it promises; it stays in the inbox."""

    cure = "Have the file sent again under the same name, or move it out of the inbox; nothing of it was landed."


class FileInvalid(Source):
    """A file is not what the mapping says it is: another format or encoding; it is in the error folder."""

    cure = (
        "Compare the file in the error folder with `read` of the mapping; put it in the inbox again when that is right."
    )


class Mapping(ConnectorError):
    """The mapping of a connection, which says what the source's fields mean, is not usable as it is."""

    cure = "See docs/erp-mapping.md; `landfall erp map check --connection NAME` names every mistake."


class MappingInvalid(Mapping):
    """The mapping has mistakes, or names fields that the source does not have; nothing was read."""

    cure = "Correct the lines that the message names; `landfall erp map check --connection NAME` says when all is well."
    #: Every mistake with its place, where the mapping itself was read (`connectors.erp.document.Complaint`).
    complaints: Sequence[object] = ()


class NotMapped(Mapping):
    """The mapping says nothing about the kind of data that was asked for."""

    cure = "Ask for a data type that the mapping has, or add a section for it: see docs/erp-mapping.md."
