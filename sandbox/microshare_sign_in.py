"""How the simulator lets people in: as web pages do, with a redirect and a cookie, and by OAuth 2.0."""

import base64
import json
import time
from dataclasses import dataclass, field
from threading import Lock
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from sandbox.faults import HTML

WEB_LIFE_S = 48 * 3600.0


@dataclass
class SignIns:
    """Who may sign in, and the tokens that were given.

    ``life_s`` is how long a token lasts. ``refusal`` is how a wrong password is answered: redirect (to the login page,
    without a cookie), page (200, with the login page) or unauthorized (401). ``session`` spoils the answer to a right one:
    ``no_token`` leaves the token out of the session, ``no_jwt`` gives a cookie that is none.
    """

    username: str
    password: str
    client_id: str
    life_s: float = WEB_LIFE_S
    refusal: str = "redirect"
    session: str = ""
    given: int = 0
    tokens: dict[str, float] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def knows(self, authorization: str) -> bool:
        """Whether a request with this header may pass."""
        kind, _, token = authorization.partition(" ")
        return kind == "Bearer" and self.tokens.get(token, 0) > time.time()

    def expire(self) -> None:
        """Refuse every token that was given so far."""
        with self.lock:
            self.tokens.clear()

    async def web(self, request: Request) -> Response:
        """Answer ``POST /login``."""
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        if not form.get("csrfToken") or (form.get("username"), form.get("password")) != (self.username, self.password):
            return self._refused()
        token, expires = self._new()
        content = {"access_token": token, "refresh_token": f"canary-refresh-{self.given}"}
        session = {} if self.session == "no_token" else content
        cookie = "nothing" if self.session == "no_jwt" else _jwt({"data": session, "exp": int(expires)})
        answer = RedirectResponse("/", 303)
        answer.set_cookie("PLAY_SESSION", cookie, httponly=True)
        return answer

    async def oauth(self, request: Request) -> Response:
        """Answer ``POST /oauth2/token`` with a form."""
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        wanted = {"username": self.username, "password": self.password, "client_id": self.client_id}
        if form.get("grant_type") != "password" or any(form.get(name) != value for name, value in wanted.items()):
            return JSONResponse({"error": "invalid_grant"}, 401)
        token, _ = self._new()
        who = {"identity": "1", "identityname": "sandbox"}
        return JSONResponse({"access_token": token, "refresh_token": "canary-refresh", "extended": who})

    def _refused(self) -> Response:
        if self.refusal == "page":
            return Response(HTML, media_type="text/html")
        if self.refusal == "unauthorized":
            return Response(b"Unauthorized", 401)
        return RedirectResponse("/login", 303)

    def _new(self) -> tuple[str, float]:
        with self.lock:
            self.given += 1
            token, expires = f"canary{self.given:058x}", time.time() + self.life_s
            self.tokens[token] = expires
            return token, expires


def _jwt(payload: object) -> str:
    parts = ({"alg": "HS256"}, payload)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, "unsigned"])
