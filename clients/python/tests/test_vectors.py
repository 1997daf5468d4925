"""The conformance vectors of proto-spec, run on the core that knows no socket."""

from __future__ import annotations

import json
from typing import Any

import pytest
from real_server import ROOT

from context_manager import ContextManagerError
from context_manager.protocol import Connection, GoingAway, Identity, Refused, Replied, Welcomed
from context_manager.protocol.body import BodyCodec
from context_manager.protocol.frame import (
    FRAME_BYTES_MAX_BEFORE_AUTH,
    FRAME_BYTES_MAX_DEFAULT,
    FrameReader,
    encode_frame,
)
from context_manager.protocol.proof import TagSequence, auth_tag, derive_keys

VECTORS = ROOT / "proto-spec" / "vectors"
if not VECTORS.exists():
    pytest.skip("no checkout of the server around this package", allow_module_level=True)


def read(name: str) -> Any:
    return json.loads((VECTORS / name).read_text())


HANDSHAKES = read("handshake.json")["cases"]
SESSION = read("session.json")
MALFORMED = read("malformed.json")
FRAMES: list[dict[str, Any]] = SESSION["frames"]


def resolved(value: Any) -> Any:
    """Section 9: bytes, repeated texts and lists as they are written in JSON."""
    if isinstance(value, list):
        return [resolved(item) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"$bin"}:
        return bytes.fromhex(value["$bin"])
    if set(value) == {"$repeat"}:
        return value["$repeat"][0] * value["$repeat"][1]
    if set(value) == {"$list"}:
        return [resolved(value["$list"][0])] * value["$list"][1]
    return {key: resolved(item) for key, item in value.items()}


def one_frame(data: bytes, frame_bytes_max: int = FRAME_BYTES_MAX_DEFAULT) -> tuple[bytes | None, bytes]:
    reader = FrameReader(frame_bytes_max)
    reader.feed(data)
    frame = reader.next()
    assert frame is not None
    return frame


@pytest.mark.parametrize("case", HANDSHAKES, ids=lambda case: case["name"])
def test_handshake(case: dict[str, Any]) -> None:
    secret, server_nonce, client_nonce = (
        bytes.fromhex(case[name]) for name in ("secret", "server_nonce", "client_nonce")
    )
    body = bytes.fromhex(case["auth_body"])
    if "auth" in case:
        assert BodyCodec().encode(resolved(case["auth"])) == body
    tag = auth_tag(secret, server_nonce, body)
    assert tag.hex() == case["auth_tag"]
    assert encode_frame(tag, body).hex() == case["auth_frame"]
    keys = derive_keys(secret, server_nonce, client_nonce)
    assert (keys.client_to_server.hex(), keys.server_to_client.hex()) == (case["c2s_key"], case["s2c_key"])


def test_session_verifies_decodes_and_encodes_to_the_same_bytes() -> None:
    keys = derive_keys(*(bytes.fromhex(SESSION[name]) for name in ("secret", "server_nonce", "client_nonce")))
    tags = {"client": TagSequence(keys.client_to_server), "server": TagSequence(keys.server_to_client)}
    codec = BodyCodec()
    for frame in FRAMES:
        tag, body = one_frame(bytes.fromhex(frame["frame"]))
        assert (None if tag is None else tag.hex()) == frame["tag"], frame["name"]
        if frame["counter"] is not None:
            assert tags[frame["from"]].count == frame["counter"], frame["name"]
            assert tags[frame["from"]].verify(tag, body), frame["name"]
        decoded = codec.decode(body)
        assert decoded == resolved(frame["value"]), frame["name"]
        assert codec.encode(decoded) == body == bytes.fromhex(frame["body"]), frame["name"]
    assert tags["client"].count > 12


@pytest.mark.parametrize("chunk_bytes", [1, 7, 1 << 20])
def test_a_client_says_in_the_session_what_the_vectors_say(chunk_bytes: int) -> None:
    """The server's frames in, the client's out; every reply comes back with its request."""
    now = [0]
    auth = next(frame["value"] for frame in FRAMES if frame["value"]["type"] == "auth")
    identity = Identity(auth["key_id"], bytes.fromhex(SESSION["secret"]), auth["sender"], auth["client"])
    nonce = bytes.fromhex(SESSION["client_nonce"])
    connection: Connection[Any] = Connection(identity, lambda: now[0], lambda count: nonce[:count])
    replies = 0

    def send(value: dict[str, Any]) -> None:
        connection._last_id = value["id"] - 1
        connection.send(value, value["type"], value["payload"], value.get("deadline_ms"), value.get("traceparent"))

    for frame, following in zip(FRAMES, [*FRAMES[1:], None]):
        value = resolved(frame["value"])
        now[0] = value["timestamp"]
        is_request = frame["from"] == "client" and value["type"] not in ("auth", "result")
        if is_request and value not in connection.in_flight.values():
            send(value)
        if frame["from"] == "client":
            expected = bytes.fromhex(frame["frame"])
            out = connection.data_to_send()
            assert out[: len(expected)] == expected, frame["name"]
            # Where a request crossed a ping, the answer is behind it, and its turn comes later.
            if len(out) > len(expected):
                connection._push(out[len(expected) :])
            continue
        if value["type"] == "ping" and following is not None and following["value"]["type"] != "result":
            send(resolved(following["value"])) if following["from"] == "client" else None
        data = bytes.fromhex(frame["frame"])
        due: list[Any] = []
        for at in range(0, len(data), chunk_bytes):
            connection.receive(data[at : at + chunk_bytes])
            due += connection.events()
        for event in due:
            if isinstance(event, Replied):
                assert (event.request["id"], event.payload) == (value["id"], value["payload"])
                replies += 1
            elif isinstance(event, Refused):
                assert (event.request["id"], event.error.code) == (value["id"], value["payload"]["code"])
                assert event.error.retryable == value["payload"]["retryable"]
                replies += 1
            elif isinstance(event, Welcomed):
                assert event.session.namespaces == tuple(value["namespaces"])
            else:
                assert isinstance(event, GoingAway) and event.deadline_ms == value["deadline_ms"]
    assert replies > 12 and not connection.in_flight


@pytest.mark.parametrize("case", MALFORMED["frames"], ids=lambda case: f"{case['stage']}: {case['name']}")
def test_malformed_frames_are_refused(case: dict[str, Any]) -> None:
    limit = FRAME_BYTES_MAX_BEFORE_AUTH if case["stage"] == "before_auth" else FRAME_BYTES_MAX_DEFAULT
    data = bytes.fromhex(case["bytes"])
    with pytest.raises(ContextManagerError) as whole:
        one_frame(data, limit)
    assert whole.value.code == case["code"]
    # Byte by byte it is the same.
    reader = FrameReader(limit)
    with pytest.raises(ContextManagerError) as dripped:
        for byte in data:
            reader.feed(bytes([byte]))
            assert reader.next() is None
    assert dripped.value.code == case["code"]


#: What a client need not refuse of what a server says: Python holds it; of a name that is there twice it has the last.
HARMLESS = {
    "bin as key",
    "a repeated key",
    "the key __proto__",
    "a uint64 of 2^53 + 1",
    "the largest uint64",
    "the largest int64",
    "an int64 of -(2^63 - 1)",
    "NaN",
    "infinity",
}
ENCODINGS = [case for case in MALFORMED["bodies"] if not case["name"].startswith("an envelope")]


@pytest.mark.parametrize("case", ENCODINGS, ids=lambda case: case["name"])
def test_malformed_bodies_are_refused(case: dict[str, Any]) -> None:
    codec = BodyCodec()
    body = bytes.fromhex(case["body"])
    # 33 levels are too deep for a request; a reply may hold a request's metadata some levels deeper.
    if case["name"] in HARMLESS or case["name"] == "33 levels of nesting":
        assert codec.decode(body)["id"] == 5
        return
    # With more in front of it, it goes the way of a long body.
    longer = b"\x85\xa1z\xc5\x08\x00" + bytes(2048) + body[1:]
    for each in [body, longer] if body[:1] == b"\x84" else [body]:
        with pytest.raises(ContextManagerError) as refused:
            codec.decode(each)
        assert refused.value.code == "PROTOCOL_ERROR"
    # The next body is read as if nothing had been.
    assert codec.decode(b"\x81\xa1a\x01") == {"a": 1}


@pytest.mark.parametrize("case", MALFORMED["accepted_bodies"], ids=lambda case: case["name"])
def test_accepted_bodies(case: dict[str, Any]) -> None:
    decoded = BodyCodec().decode(bytes.fromhex(case["body"]))
    n = decoded["payload"]["metadata"]["n"]
    assert float(n) == float(case["n"])
    assert BodyCodec().encode(decoded)


@pytest.mark.parametrize("size", [65, 66, 100, 5_000, 2_000_000])
def test_deep_replies_are_refused_whatever_their_size(size: int) -> None:
    with pytest.raises(ContextManagerError):
        BodyCodec().decode(b"\x81\xa1a" + b"\x91" * size + b"\xc0")


def test_what_a_long_body_claims_takes_no_memory() -> None:
    """A thousand lists in each other that claim four billion items each, in a body long enough to be believed."""
    body = b"\x82\xa1a\xc5\xff\xff" + bytes(65_535) + b"\xa1b" + b"\xdd\xff\xff\xff\xff" * 500
    with pytest.raises(ContextManagerError) as refused:
        BodyCodec().decode(body)
    assert refused.value.code == "PROTOCOL_ERROR"


def test_a_large_frame_in_small_pieces_is_joined_once() -> None:
    body = bytes(9 * 1024 * 1024)
    frame = encode_frame(bytes(32), body)
    reader = FrameReader(FRAME_BYTES_MAX_DEFAULT)
    for at in range(0, len(frame), 1024):
        assert reader.next() is None
        reader.feed(frame[at : at + 1024])
    assert reader.next() == (bytes(32), body)
    assert reader.next() is None
