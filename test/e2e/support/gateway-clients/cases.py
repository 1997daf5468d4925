"""What all cases share: where the gateway is, what its model says, how it is checked."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

ORIGIN, TOKEN = sys.argv[1:3]
CITIES = ("Oslo", "Rome", "Lima")
WORDS = "The meeting is on Thursday, “10:00” — 北京."
THOUGHT = {"type": "thinking", "thinking": 'Hm — "ü"\n…', "signature": "Eq+/sig==\\u0041"}

CASES: list[Callable[[], None]] = []


def case(run: Callable[[], None]) -> Callable[[], None]:
    CASES.append(run)
    return run


def session(name: str) -> dict[str, str]:
    return {"x-session-id": name}


def same(seen: object, expected: object) -> None:
    if seen != expected:
        raise AssertionError(f"{seen!r} is not {expected!r}")


def refused(kind: type[Exception], call: Callable[[], object]) -> Any:
    try:
        answer = call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised: {answer!r}")


class Meeting(BaseModel):
    day: str
    people: list[str]


TOOL: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
