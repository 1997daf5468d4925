"""What is wrong is told in words, before anything is sent."""

from __future__ import annotations

import datetime
import math
import pickle
from array import array
from collections import OrderedDict
from collections.abc import Callable
from enum import Enum
from typing import Any

import pytest
from driver import Driver, failure
from scripted_server import SECRET, ScriptedServer

from context_manager import Client, ContextManagerError
from context_manager.addresses import Address, parse_address, parse_connection_url
from context_manager.uuid7 import uuid7
from context_manager.vectors import vector_bytes

RIGHT: dict[str, Any] = {"host": "h", "port": 1, "key_id": "k", "secret": SECRET}
Open = Callable[..., Driver]


def fields_of(error: ContextManagerError) -> list[str]:
    assert error.code == "BAD_REQUEST" and error.details is not None
    return [field["field"] for field in error.details["fields"]]


def test_all_that_is_missing_is_named() -> None:
    with pytest.raises(ContextManagerError) as refused:
        Client()
    assert fields_of(refused.value) == ["/host", "/port", "/key_id", "/secret"]
    assert "host must be a str that is not empty" in str(refused.value)


@pytest.mark.parametrize(
    ("field", "options"),
    [
        ("/host", {"host": ""}),
        ("/port", {"port": 0}),
        ("/port", {"port": 65_536}),
        ("/port", {"port": "7420"}),
        ("/port", {"port": True}),
        ("/key_id", {"key_id": 5}),
        ("/secret", {"secret": "short"}),
        ("/secret", {"secret": 5}),
        ("/sender", {"sender": ""}),
        ("/namespace", {"namespace": 3}),
        ("/pool", {"pool": 0}),
        ("/pool", {"pool": 1_001}),
        ("/pool", {"pool": 1.5}),
        ("/timeout_ms", {"timeout_ms": 0}),
        ("/timeout_ms", {"timeout_ms": -5}),
        ("/timeout_ms", {"timeout_ms": math.nan}),
        ("/timeout_ms", {"timeout_ms": "1"}),
        ("/connect_timeout_ms", {"connect_timeout_ms": 0}),
        ("/max_in_flight", {"max_in_flight": 0}),
        ("/max_queued", {"max_queued": -1}),
        ("/backoff_min_ms", {"backoff_min_ms": -1}),
        ("/backoff_min_ms", {"backoff_min_ms": 20_000}),
        ("/client", {"client": ""}),
        ("/tls", {"tls": {}}),
        ("/tls_server_name", {"tls_server_name": ""}),
        ("/host", {"addresses": ["a:1"]}),
    ],
)
def test_wrong_options_are_named(field: str, options: dict[str, Any]) -> None:
    with pytest.raises(ContextManagerError) as refused:
        Client(**{**RIGHT, **options})
    assert field in fields_of(refused.value)


@pytest.mark.parametrize("addresses", [[], ["a"], ["a:1", 5], "a:1", [""], ["a:1"] * 101])
def test_wrong_addresses_are_named(addresses: Any) -> None:
    with pytest.raises(ContextManagerError) as refused:
        Client(addresses=addresses, key_id="k", secret=SECRET)
    assert fields_of(refused.value) == ["/addresses"]


@pytest.mark.parametrize(
    "options",
    [
        {"timeout_ms": math.inf, "connect_timeout_ms": math.inf},
        {"max_in_flight": math.inf, "max_queued": math.inf},
        {"secret": SECRET.encode()},
        {"timeout_ms": 1e300},
    ],
)
def test_right_options_are_taken(options: dict[str, Any]) -> None:
    Client(**{**RIGHT, **options}).close()


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("memory.internal:7420", Address("memory.internal", 7420)),
        ("[::1]:7420", Address("::1", 7420)),
        ("127.0.0.1:1", Address("127.0.0.1", 1)),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    ["memory", "memory:", ":7420", "::1:7420", "a:0", "a:65536", "a:1x", "http://a:1", "a b:1", "", "a:1\n", "a:१"],
)
def test_no_addresses(text: str) -> None:
    assert parse_address(text) is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("context-manager://localhost", (("localhost:7420",), None, None)),
        ("context-manager://h:1/", (("h:1",), None, None)),
        ("CONTEXT-MANAGER://key@h", (("h:7420",), "key", None)),
        ("context-manager://key:a%2Fb%40c:d@h,[::1]:2,i:3", (("h:7420", "[::1]:2", "i:3"), "key", "a/b@c:d")),
        ("context-manager://k%3Ay:%C3%BC@[::1]", (("[::1]:7420",), "k:y", "ü")),
    ],
)
def test_urls(url: str, expected: Any) -> None:
    addresses, key_id, secret = parse_connection_url(url)
    assert (tuple(map(str, addresses)), key_id, secret) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:7420",
        "redis://h",
        "context-manager://",
        "context-manager://k:s@",
        "context-manager://h:0",
        "context-manager://h,",
        "context-manager://h/path",
        "context-manager://k:topsecret%2@h",
        "context-manager://k:topsecret%ff@h",
        "context-manager://k:topsecret@h?x=1",
        "context-manager://k:topsecret/x@h",
    ],
)
def test_no_urls(url: str) -> None:
    with pytest.raises(ContextManagerError) as refused:
        Client(url)
    assert fields_of(refused.value) == ["/url"]
    assert "topsecret" not in f"{refused.value}{refused.value.__cause__}{refused.value.__context__}"


def test_a_url_comes_behind_what_is_said_beside_it_and_has_no_host_beside_it() -> None:
    options = Client(f"context-manager://a:{SECRET}@h", key_id="b")._options
    assert (options.pool.identity.key_id, options.pool.addresses) == ("b", (Address("h", 7420),))
    assert Client("context-manager://h", secret=SECRET)._options.pool.identity.key_id == "default"
    for beside in ({"host": "x"}, {"port": 1}, {"addresses": ["x:1"]}):
        with pytest.raises(ContextManagerError, match="cannot be given beside url"):
            Client(f"context-manager://a:{SECRET}@h", **beside)


def test_no_secret_is_shown() -> None:
    client = Client(f"context-manager://a:{SECRET}@h")
    assert SECRET not in repr(client) + repr(client._options) + repr(vars(client))


class Colour(str, Enum):
    RED = "red"


class Loud(str):
    pass


@pytest.mark.parametrize(
    ("place", "words", "fields"),
    [
        ("/created_at", "int(when.timestamp() * 1000)", {"created_at": datetime.datetime.now()}),
        ("/metadata/a/1", "nan", {"metadata": {"a": [1, math.nan]}}),
        ("/metadata/a~1b", "inf", {"metadata": {"a/b": -math.inf}}),
        ("/metadata/n", "exactly", {"metadata": {"n": 2**53 + 1}}),
        ("/metadata/n", "exactly", {"metadata": {"n": 2**70}}),
        ("/metadata", "which is no str", {"metadata": {1: "a"}}),
        ("/tags", "type set", {"tags": {"a"}}),
        ("/metadata/o", "type object", {"metadata": {"o": object()}}),
        ("/embedding", "type object", {"embedding": object()}),
    ],
)
def test_what_has_no_place_in_a_message_is_named(
    open_client: Open, scripted: ScriptedServer, place: str, words: str, fields: dict[str, Any]
) -> None:
    client = open_client(scripted)
    error = failure(client.begin("store", "x", **fields))
    assert fields_of(error) == [place]
    assert words in str(error)
    # The connection is as it was.
    assert client.call("request", "ping", {}) == {}
    assert [request["type"] for request in scripted.requests] == ["ping"]


def test_nesting_beyond_what_a_message_may_have_is_named(open_client: Open, scripted: ScriptedServer) -> None:
    client = open_client(scripted)
    deep: Any = None
    for _ in range(100_000):
        deep = [deep]
    error = failure(client.begin("store", "x", metadata={"a": deep}))
    assert "at most 32 levels" in error.message
    endless: list[Any] = []
    endless += [endless, endless]
    for odd in ({}, {"o": OrderedDict(a=endless)}):
        error = failure(client.begin("store", "x", metadata={**odd, "a": endless}))
        assert "at most 32 levels" in error.message


def test_more_values_than_a_message_may_hold_are_told(open_client: Open, scripted: ScriptedServer) -> None:
    client = open_client(scripted)
    twice: list[Any] = [1]
    for _ in range(27):
        twice = [twice, twice]
    for metadata in ({"a": twice}, {"a": list(range(262_145))}, {"a": OrderedDict(b=twice)}):
        error = failure(client.begin("store", "x", metadata=metadata))
        assert fields_of(error) == ["/"] and "more than 262,144 values" in error.message


def test_subclasses_and_halves_of_characters_become_what_they_stand_for(
    open_client: Open, scripted: ScriptedServer
) -> None:
    client = open_client(scripted)
    metadata = OrderedDict(a=Colour.RED, b=Loud("x"), c=(1, True), d={Loud("k"): None})
    client.begin("request", "context.store", {"text": "a\ud83d b \ud83d\ude00", "metadata": metadata}).result(60)
    assert scripted.requests[0]["payload"] == {
        "text": "a\ufffd b \U0001f600",
        "metadata": {"a": "red", "b": "x", "c": [1, True], "d": {"k": None}},
    }


@pytest.mark.parametrize(
    ("method", "args", "options", "field"),
    [
        ("ping", (), {"timeout_ms": -1}, "/options/timeout_ms"),
        ("ping", (), {"timeout_ms": math.nan}, "/options/timeout_ms"),
        ("ping", (), {"traceparent": 5}, "/options/traceparent"),
        ("list", (), {"timeout_ms": "x"}, "/options/timeout_ms"),
        ("request", ("",), {}, "/type"),
        ("request", (5,), {}, "/type"),
        ("request", ("ping", []), {}, "/"),
        ("close", (), {"timeout_ms": -1}, "/timeout_ms"),
    ],
)
def test_wrong_arguments_of_calls_are_named(
    open_client: Open, scripted: ScriptedServer, method: str, args: Any, options: Any, field: str
) -> None:
    assert fields_of(failure(open_client(scripted).begin(method, *args, **options))) == [field]
    assert scripted.requests == []


def test_endless_and_enormous_times_are_taken(open_client: Open, scripted: ScriptedServer) -> None:
    client = open_client(scripted)
    for timeout_ms in (math.inf, 1e300, 2**53, 1):
        client.begin("request", "ping", timeout_ms=timeout_ms).exception(60)
    sent = [request.get("deadline_ms") for request in scripted.requests]
    assert sent[:2] == [None, None]


def test_what_is_none_is_left_out_and_what_is_empty_is_not(open_client: Open, scripted: ScriptedServer) -> None:
    client = open_client(scripted, namespace="team")
    begun = client.begin("store", "", tags=[], session_id=None, metadata={"a": None})
    assert failure(begun).code == "PROTOCOL_ERROR"  # The scripted reply holds nothing.
    payload = scripted.requests[0]["payload"]
    made = payload.pop("id")
    assert made[14] == "7"
    assert payload == {"text": "", "tags": [], "metadata": {"a": None}, "namespace": "team"}


def test_a_batch_takes_namespaces_and_ids_and_changes_nothing_that_it_was_given(
    open_client: Open, scripted: ScriptedServer
) -> None:
    client = open_client(scripted, namespace="team")
    contexts = [{"text": "a", "embedding": [1, 0.5]}, {"text": "b", "namespace": "own", "id": "i", "tags": None}]
    given = [dict(context) for context in contexts]
    client.begin("store_batch", contexts).exception(60)
    client.begin("store_batch", contexts, namespace="third").exception(60)
    assert contexts == given
    first, second = (request["payload"] for request in scripted.requests)
    ids = [context.pop("id") for context in first["contexts"]]
    assert first == {
        "contexts": [
            {"text": "a", "embedding": b"\0\0\x80?\0\0\0?", "namespace": "team"},
            {"text": "b", "namespace": "own"},
        ]
    }
    assert len(ids[0]) == 36 and ids[1] == "i"
    assert [context["namespace"] for context in second["contexts"]] == ["third", "own"]


def test_vectors() -> None:
    one_and_a_half = b"\0\0\x80?\0\0\0?"
    for vector in (
        [1, 0.5],
        (1.0, 0.5),
        array("f", [1, 0.5]),
        array("d", [1, 0.5]),
        memoryview(array("f", [1, 0.5])),
        iter([1, 0.5]),
        one_and_a_half,
        bytearray(one_and_a_half),
        memoryview(one_and_a_half),
    ):
        assert vector_bytes(vector) == one_and_a_half
    for other in ("text", {"a": 1}, 5, ["a"], None):
        assert vector_bytes(other) is other


def test_ids_are_of_version_7_and_sort_by_time() -> None:
    first = uuid7(1_700_000_000_000, bytes(10))
    assert first == "018bcfe5-6800-7000-8000-000000000000"
    assert uuid7(1_700_000_000_000, b"\xff" * 10) == "018bcfe5-6800-7fff-bfff-ffffffffffff"
    assert first < uuid7(1_700_000_000_001, bytes(10))


def test_errors_cross_processes_whole_and_are_no_runtime_errors() -> None:
    error = ContextManagerError("RATE_LIMITED", "slower", retryable=True, retry_after_ms=5, details={"a": 1})
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.code, copy.message, copy.retryable, copy.retry_after_ms, copy.details) == (
        "RATE_LIMITED",
        "slower",
        True,
        5,
        {"a": 1},
    )
    assert str(copy) == "RATE_LIMITED: slower"
    assert not isinstance(error, (RuntimeError, OSError))
