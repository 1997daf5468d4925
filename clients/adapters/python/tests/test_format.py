"""Every language makes the same ids and tags of the same names."""

from __future__ import annotations

import json
from pathlib import Path

from context_manager_adapters.format import place, places, readable, record_id, shows, to_json

VECTORS = json.loads((Path(__file__).resolve().parents[2] / "format-vectors.json").read_text("utf-8"))


def test_ids_are_those_of_the_vectors() -> None:
    assert [record_id(each["texts"]) for each in VECTORS["ids"]] == [each["id"] for each in VECTORS["ids"]]
    assert len({each["id"] for each in VECTORS["ids"]}) == len(VECTORS["ids"]) > 10


def test_places_are_those_of_the_vectors() -> None:
    made = [place(each["kind"], each["texts"]) for each in VECTORS["places"]]
    assert made == [each["place"] for each in VECTORS["places"]]
    assert len(set(made)) == len(made) > 10 and max(map(len, made)) <= 128


def test_there_is_a_place_of_each_prefix() -> None:
    assert places("k", ("a", "b")) == [place("k", []), place("k", ["a"]), place("k", ["a", "b"])]


def test_json_is_short_and_keeps_every_text() -> None:
    assert to_json({"a": "é", "b": [1.0, None]}) == '{"a":"é","b":[1.0,null]}'
    assert json.loads(to_json({"a": "\ud800é"})) == {"a": "\ud800é"}


def test_a_text_that_shows_nothing_is_not_sent() -> None:
    assert [shows(text) for text in ("", " \n", "\u200b", "a", "日", "!")] == [False, False, False, True, True, True]
    assert readable("\u2060", "otherwise") == "otherwise" and readable("a\ud800", "otherwise") == "a?"
