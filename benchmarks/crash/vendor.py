"""What the simulated vendor says: its records as JSON, and its token host.

The token host gives a new refresh token each time. The one before stays good until the new pair is used for the
first time, since an answer can get lost; a token older than that, or used after that, revokes the whole family.
"""

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from benchmarks.crash.model import Version, moment

# The refresh token that a person got when consenting.
SEED = "canary-refresh"
# Requests that an access token is good for: every run or two has to refresh.
ACCESS_USES = 14


def record(version: Version) -> dict[str, Any]:
    """A record as the vendor gives it."""
    meta = {"CreateTime": moment(0), "LastUpdatedTime": moment(version.at)}
    common = {"Id": version.id, "SyncToken": str(version.at), "MetaData": meta}
    if version.kind == "Ledger":
        return {"Id": version.id, "at": version.at, "amount": amount(version), "deleted": version.deleted}
    if version.kind == "Invoice":
        lines = [
            {"Id": str(n), "LineNum": n, "Amount": value, "DetailType": "DescriptionOnly"}
            for n, value in enumerate(lines_of(version), 1)
        ]
        return common | {"CustomerRef": {"value": "1001"}, "TotalAmt": amount(version), "Line": lines}
    address = {"Id": f"9{version.id}", "Line1": f"{version.number} Long Road"}
    name = f"{version.kind} {version.id}, {version.number}"
    return common | {"DisplayName": name, "Name": name, "Active": True, "Balance": amount(version), "BillAddr": address}


def amount(version: Version) -> float:
    """An amount that only this version has; in cents, so that a float holds it."""
    return version.number / 100


def lines_of(version: Version) -> list[float]:
    """The amounts of an invoice's lines: none to three of them."""
    return [version.number / 100 + n for n in range(version.number % 4)]


@dataclass
class TokenHost:
    """The vendor's token host for one company."""

    current: str = SEED
    former: str = ""
    access: dict[str, int] = field(default_factory=dict)
    newest: str = ""
    revoked: bool = False

    def accepts(self, refresh: str) -> bool:
        """Whether this refresh token would be exchanged now."""
        return not self.revoked and bool(refresh) and refresh in (self.current, self.former)

    def exchange(self, refresh: str) -> tuple[int, bytes]:
        """A new pair for a refresh token: status and body."""
        if not self.accepts(refresh):
            self.revoked = True
            return 400, b'{"error":"invalid_grant"}'
        self.former = refresh
        self.current = f"refresh-{secrets.token_hex(6)}"
        self.newest = f"access-{secrets.token_hex(6)}"
        self.access[self.newest] = ACCESS_USES
        pair = {"access_token": self.newest, "refresh_token": self.current, "expires_in": 3600}
        return 200, json.dumps(pair).encode()

    def admits(self, authorization: str) -> bool:
        """Whether a request with this header is answered; the first use of a new pair ends the old one."""
        token = authorization.removeprefix("Bearer ")
        left = self.access.get(token, 0)
        if self.revoked or left <= 0:
            return False
        self.access[token] = left - 1
        if token == self.newest:
            self.former = ""
        return True
