"""Filters of queries, lists and deletions: which contexts, by their fields and metadata."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict, Union


class MatchValue(TypedDict):
    value: str | float | bool


class MatchAny(TypedDict):
    any: Sequence[str | float]


class Match(TypedDict):
    """The field equals the value, or one of ``any``; a list has it among its items."""

    key: str
    match: MatchValue | MatchAny


class Bounds(TypedDict, total=False):
    gt: float
    gte: float
    lt: float
    lte: float


class Range(TypedDict):
    """The field is a number within all bounds."""

    key: str
    range: Bounds


class Key(TypedDict):
    key: str


class IsEmpty(TypedDict):
    """The field is absent, null or an empty list."""

    is_empty: Key


class Filter(TypedDict, total=False):
    """All of ``must``, none of ``must_not``, and at least one of ``should`` where it is given and not empty.

    A key is ``tags``, ``created_at``, ``updated_at``, ``agent_id``, ``session_id``, ``level`` or ``metadata.<path>``.
    """

    must: Sequence[Condition]
    should: Sequence[Condition]
    must_not: Sequence[Condition]


Condition = Union[Match, Range, IsEmpty, Filter]
