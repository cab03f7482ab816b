"""The simulator's own doors under /_sandbox, for tests that run it in another process; the vendor has none of this."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.faults import Fault
from sandbox.journal import as_json
from sandbox.qbo_api import Api
from sandbox.qbo_errors import Refusal

_SWITCHES = ("rotate_always", "revoke_on_reuse", "old_until_used", "access_token_s", "answer_changes")
_ACTIONS = ("expire_access_tokens", "disconnect")
_CHANGES = ("create", "update", "deactivate", "void", "delete", "touch", "tie", "vanish", "spoil")


def routes(api: Api) -> list[Route]:
    """Return the control routes of one simulator."""

    async def journal(request: Request) -> Response:
        if request.method == "DELETE":
            api.journal.clear()
        asked = request.query_params
        return JSONResponse(as_json(api.journal.entries(asked.get("path", ""), statement=asked.get("statement", ""))))

    async def faults(request: Request) -> Response:
        if request.method == "DELETE":
            api.faults.clear()
        elif request.method == "POST":
            api.faults.add(**await request.json())
        return JSONResponse([_shown(fault) for fault in api.faults.active()])

    async def clock(request: Request) -> Response:
        options = await request.json()
        if "set" in options:
            api.clock.set(options["set"])
        api.clock.advance(float(options.get("advance_s", 0)))
        return JSONResponse({"now": api.clock.now()})

    async def oauth(request: Request) -> Response:
        options = await request.json()
        if unknown := set(options) - {*_SWITCHES, *_ACTIONS}:
            raise ValueError(f"There is no switch {', '.join(sorted(unknown))}.")
        for name, value in options.items():
            if name in _SWITCHES:
                setattr(api.oauth, name, value)
            elif value:
                getattr(api.oauth, name)()
        return JSONResponse({name: getattr(api.oauth, name) for name in _SWITCHES})

    async def records(request: Request) -> Response:
        return JSONResponse({"result": _change(api, **await request.json())})

    doors = {"journal": journal, "faults": faults, "clock": clock, "oauth": oauth, "records": records}
    methods = ["GET", "POST", "DELETE"]
    return [Route(f"/_sandbox/{name}", _refusing(door), methods=methods) for name, door in doors.items()]


def _refusing(door: Any) -> Any:
    async def answer(request: Request) -> Response:
        try:
            response: Response = await door(request)
        except (ValueError, TypeError, KeyError, Refusal) as error:
            return JSONResponse({"error": str(error)}, 400)
        return response

    return answer


def _shown(fault: Fault) -> dict[str, Any]:
    names = ("kind", "path", "entity", "page", "after", "times", "seen", "fired")
    return {name: getattr(fault, name) for name in names}


def _change(api: Api, change: str, entity: str, **options: Any) -> Any:
    if change not in _CHANGES:
        raise ValueError(f"There is no change {change!r}; there are: {', '.join(_CHANGES)}.")
    if "id" in options:
        options["id_"] = options.pop("id")
    result = getattr(api.company, change)(entity, **options)
    return result if isinstance(result, str) else None
