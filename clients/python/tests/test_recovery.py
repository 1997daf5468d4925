"""Both clients against a server that follows a script: what is repeated, what is not, and what time does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from driver import PATIENCE_S, Driver, failure
from scripted_server import Peer, Request, ScriptedServer

Open = Callable[..., Driver]
ID = "018bcfe5-6800-7000-8000-000000000001"
STORED = {"id": ID, "level": "immediate", "token_count": 1, "created_at": 1, "created": True}
BY_TAG = {"must": [{"key": "tags", "match": {"value": "a"}}]}


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.002)


def cuts_once(request: Request, peer: Peer) -> None:
    """Cuts the connection at the first request and answers all later ones."""
    if peer.number == 0:
        peer.cut()
    else:
        peer.reply(request, {"deleted": 0, "contexts": [], **STORED})


def never(request: Request, peer: Peer) -> None:
    pass


@pytest.mark.parametrize(
    ("method", "args", "options"),
    [
        ("store", ("a",), {}),
        ("store_batch", ([{"text": "a"}, {"text": "b"}],), {}),
        ("query", ("a",), {}),
        ("get", (ID,), {}),
        ("list", (), {}),
        ("stats", (), {}),
        ("ping", (), {}),
        ("delete", (ID,), {}),
        ("request", ("context.store", {"text": "a", "id": ID}), {}),
    ],
)
def test_a_lost_connection_is_made_up_for(
    open_client: Open, scripted: ScriptedServer, method: str, args: Any, options: Any
) -> None:
    scripted.script = cuts_once
    error = open_client(scripted).begin(method, *args, **options).exception(PATIENCE_S)
    # Replies of the script lack what most requests need.
    assert error is None or getattr(error, "code", None) == "PROTOCOL_ERROR"
    first, second = scripted.requests
    assert len(scripted.peers) == 2
    assert (first["type"], first["payload"]) == (second["type"], second["payload"])


@pytest.mark.parametrize(
    ("method", "args", "options"),
    [
        ("update", (ID,), {"tags": []}),
        ("delete", (), {"filter": BY_TAG}),
        ("clear_level", ("immediate",), {}),
        ("gc", (), {}),
        ("create_snapshot", (), {}),
        ("request", ("context.store", {"text": "a"}), {}),
        ("request", ("made.up", {}), {}),
    ],
)
def test_what_may_have_been_done_is_not_done_again(
    open_client: Open, scripted: ScriptedServer, method: str, args: Any, options: Any
) -> None:
    scripted.script = cuts_once
    error = failure(open_client(scripted).begin(method, *args, **options))
    assert (error.code, error.retryable, error.details) == ("CONNECTION_LOST", False, {"sent": True})
    assert len(scripted.requests) == 1


def test_requests_are_pipelined_and_matched_to_replies_in_any_order(
    open_client: Open, scripted: ScriptedServer
) -> None:
    waiting: list[tuple[Request, Peer]] = []
    scripted.script = lambda request, peer: waiting.append((request, peer))
    client = open_client(scripted)
    begun = [client.begin("request", "ping", {"n": n}) for n in range(50)]
    until(lambda: len(waiting) == 50)
    assert len(scripted.peers) == 1
    for request, peer in reversed(waiting):
        peer.reply(request, {"n": request["payload"]["n"]})
    assert [call.result(PATIENCE_S)["n"] for call in begun] == list(range(50))


def test_time_ends_a_call_and_the_late_answer_is_passed_over(open_client: Open, scripted: ScriptedServer) -> None:
    late: list[tuple[Request, Peer]] = []
    scripted.script = lambda request, peer: late.append((request, peer))
    client = open_client(scripted)
    error = failure(client.begin("request", "ping", timeout_ms=30))
    assert (error.code, error.retryable, error.details) == ("TIMEOUT", True, {"sent": True})
    assert failure(client.begin("update", ID, tags=[], timeout_ms=30)).retryable is False
    for request, peer in late:
        peer.reply(request, {"late": True})
    scripted.script = lambda request, peer: peer.reply(request, {"late": False})
    assert client.call("request", "ping") == {"late": False}
    assert len(scripted.peers) == 1


def test_time_covers_waiting_for_a_connection(open_client: Open, scripted: ScriptedServer) -> None:
    client = open_client(scripted)
    client.call("connect")
    scripted.down()
    error = failure(client.begin("update", ID, tags=[], timeout_ms=200))
    assert error.code in ("TIMEOUT", "CONNECTION_LOST")
    error = failure(client.begin("update", ID, tags=[], timeout_ms=200))
    assert (error.code, error.retryable, error.details) == ("TIMEOUT", True, {"sent": False})
    assert "no connection took the call in time: cannot connect" in error.message
    assert error.__cause__ is not None


def test_a_server_that_comes_back_is_found(open_client: Open, scripted: ScriptedServer) -> None:
    client = open_client(scripted)
    client.call("connect")
    scripted.down()
    begun = client.begin("request", "ping")
    time.sleep(0.05)
    scripted.up()
    assert begun.result(PATIENCE_S) == {}


def test_connecting_fails_where_nobody_listens(open_client: Open, scripted: ScriptedServer) -> None:
    scripted.down()
    client = open_client(scripted)
    error = failure(client.begin("connect"))
    assert (error.code, error.retryable) == ("CONNECTION_FAILED", True)
    assert isinstance(error.__cause__, OSError)
    # It may be tried again.
    scripted.up()
    client.call("connect")
    assert client.client.namespaces == ("*",)


def test_connecting_fails_where_nobody_speaks(open_client: Open, scripted: ScriptedServer) -> None:
    scripted.is_mute = True
    error = failure(open_client(scripted, connect_timeout_ms=50).begin("connect"))
    assert (error.code, error.message) == ("CONNECTION_FAILED", "the connection was not made in time")


@pytest.mark.parametrize("code", ["AUTH_FAILED", "TIMESTAMP_OUT_OF_RANGE", "BAD_REQUEST"])
def test_a_refusal_is_told_at_once(open_client: Open, scripted: ScriptedServer, code: str) -> None:
    scripted.refuse_with = code
    client = open_client(scripted)
    assert failure(client.begin("connect")).code == code
    assert failure(client.begin("ping")).code == code


@pytest.mark.parametrize(
    ("hello", "code"),
    [
        ({"protocol": 2}, "UNSUPPORTED_PROTOCOL"),
        ({"type": "welcome"}, "PROTOCOL_ERROR"),
        ({"server_nonce": b"short"}, "PROTOCOL_ERROR"),
        ({"filler": bytes(5_000)}, "FRAME_TOO_LARGE"),
    ],
)
def test_what_is_no_server_is_told(
    open_client: Open, scripted: ScriptedServer, hello: dict[str, Any], code: str
) -> None:
    scripted.hello = hello
    assert failure(open_client(scripted).begin("connect")).code == code


def test_a_server_that_does_not_know_the_secret_is_left(open_client: Open, scripted: ScriptedServer) -> None:
    scripted.welcome_secret = "another secret, which is long enough"
    error = failure(open_client(scripted).begin("connect"))
    assert error.code == "AUTH_FAILED" and "could not prove" in error.message


def test_a_frame_that_does_not_verify_ends_the_connection(open_client: Open, scripted: ScriptedServer) -> None:
    def forge(request: Request, peer: Peer) -> None:
        if peer.number == 0:
            peer.send_bytes(bytes.fromhex("0000002592c420") + bytes(32) + bytes.fromhex("c40180"))
        else:
            peer.reply(request, {"n": 2})

    scripted.script = forge
    assert open_client(scripted).call("request", "ping") == {"n": 2}
    assert len(scripted.peers) == 2


def test_a_connection_level_error_is_the_cause_that_is_told(open_client: Open, scripted: ScriptedServer) -> None:
    scripted.script = lambda request, peer: peer.refuse({"id": 0}, "SLOW_CONSUMER")
    error = failure(open_client(scripted).begin("update", ID, tags=[]))
    assert error.code == "CONNECTION_LOST"
    assert getattr(error.__cause__, "code", None) == "SLOW_CONSUMER"


@pytest.mark.parametrize("code", ["RATE_LIMITED", "OVERLOADED", "STORE_UNAVAILABLE"])
def test_a_retryable_error_is_waited_out_whatever_the_request(
    open_client: Open, scripted: ScriptedServer, code: str
) -> None:
    left = [3]

    def refuse(request: Request, peer: Peer) -> None:
        left[0] -= 1
        if left[0] > 0:
            peer.refuse(request, code, retryable=True, retry_after_ms=5)
        else:
            peer.reply(request, {"promoted": 0, "deleted": 0})

    scripted.script = refuse
    client = open_client(scripted)
    client.call("gc")
    assert len(scripted.requests) == 3
    assert len({request["id"] for request in scripted.requests}) == 3


def test_a_retryable_error_is_told_where_there_is_no_time_for_another_attempt(
    open_client: Open, scripted: ScriptedServer
) -> None:
    scripted.script = lambda request, peer: peer.refuse(
        request, "RATE_LIMITED", retryable=True, retry_after_ms=60_000, details={"a": 1}
    )
    error = failure(open_client(scripted).begin("ping", timeout_ms=5_000))
    assert (error.code, error.retryable, error.retry_after_ms, error.details) == (
        "RATE_LIMITED",
        True,
        60_000,
        {"a": 1},
    )
    scripted.script = lambda request, peer: peer.refuse(request, "DEADLINE_EXCEEDED", retryable=True)
    assert failure(open_client(scripted).begin("ping")).code == "DEADLINE_EXCEEDED"


def test_codes_and_types_of_a_later_protocol_come_through(open_client: Open, scripted: ScriptedServer) -> None:
    def later(request: Request, peer: Peer) -> None:
        peer.send({"type": "weather", "timestamp": 1})
        peer.send({"id": [1], "type": "result", "timestamp": 1, "payload": {}})
        peer.refuse(request, "BRAND_NEW")

    scripted.script = later
    error = failure(open_client(scripted).begin("request", "brand.new", {"a": 1}))
    assert (error.code, error.retryable, str(error)) == ("BRAND_NEW", False, "BRAND_NEW: refused: BRAND_NEW")


def test_replies_may_hold_more_than_is_known_but_not_less(open_client: Open, scripted: ScriptedServer) -> None:
    scripted.script = lambda request, peer: peer.reply(request, {**STORED, "colour": "red"})
    client = open_client(scripted)
    assert client.call("store", "a").id == ID
    scripted.script = lambda request, peer: peer.reply(request, {"id": ID})
    error = failure(client.begin("store", "a"))
    assert error.code == "PROTOCOL_ERROR" and "level" in error.message


def test_calls_wait_while_too_many_are_in_flight_and_are_refused_when_too_many_wait(
    open_client: Open, scripted: ScriptedServer
) -> None:
    held: list[tuple[Request, Peer]] = []
    scripted.script = lambda request, peer: held.append((request, peer))
    client = open_client(scripted, max_in_flight=2, max_queued=3)
    client.call("connect")
    begun = []
    for n in range(5):
        begun.append(client.begin("request", "ping", {"n": n}))
        until(lambda n=n: len(held) == min(2, n + 1))
        time.sleep(0.02)
    assert failure(client.begin("request", "ping")).code == "QUEUE_FULL"
    answered = 0
    while answered < 5:
        until(lambda answered=answered: len(held) > answered)
        request, peer = held[answered]
        peer.reply(request, {"n": request["payload"]["n"]})
        answered += 1
    assert sorted(call.result(PATIENCE_S)["n"] for call in begun) == [0, 1, 2, 3, 4]


def test_calls_are_spread_over_the_pool(open_client: Open, scripted: ScriptedServer) -> None:
    scripted.script = never
    client = open_client(scripted, pool=3)
    client.call("connect")
    until(lambda: len(scripted.peers) == 3 and all(peer.auth for peer in scripted.peers))
    time.sleep(0.05)
    for n in range(9):
        client.begin("request", "ping", timeout_ms=60_000)
        until(lambda n=n: len(scripted.requests) == n + 1)
    assert [len(peer.requests) for peer in scripted.peers] == [3, 3, 3]


def test_goaway_lets_what_is_in_flight_finish_and_takes_new_calls_elsewhere(
    open_client: Open, scripted: ScriptedServer
) -> None:
    held: list[tuple[Request, Peer]] = []

    def script(request: Request, peer: Peer) -> None:
        if peer.number == 0:
            held.append((request, peer))
            peer.send({"type": "goaway", "deadline_ms": 10_000, "timestamp": 1})
        else:
            peer.reply(request, {"peer": peer.number})

    scripted.script = script
    client = open_client(scripted)
    first = client.begin("request", "ping")
    until(lambda: len(scripted.peers) == 2)
    assert client.call("request", "ping") == {"peer": 1}
    assert not first.done() and not scripted.peers[0].ended.is_set()
    held[0][1].reply(held[0][0], {"peer": 0})
    assert first.result(PATIENCE_S) == {"peer": 0}
    assert scripted.peers[0].ended.wait(PATIENCE_S)


def test_a_call_that_a_server_refuses_as_it_shuts_down_moves(open_client: Open, scripted: ScriptedServer) -> None:
    def script(request: Request, peer: Peer) -> None:
        if peer.number == 0:
            peer.send({"type": "goaway", "deadline_ms": 10_000, "timestamp": 1})
            peer.refuse(request, "SHUTTING_DOWN", retryable=True)
        else:
            peer.reply(request, {"promoted": 1, "deleted": 0})

    scripted.script = script
    assert open_client(scripted).call("gc").promoted == 1


def test_pings_are_answered_and_sent_in_silence(open_client: Open, scripted: ScriptedServer) -> None:
    scripted.heartbeat_ms = 40
    client = open_client(scripted)
    client.call("connect")
    peer = scripted.peers[0]
    peer.send({"id": 0, "type": "ping", "timestamp": 1, "payload": {}})
    until(lambda: peer.pongs == 1)
    until(lambda: any(request["type"] == "ping" for request in peer.requests))
    assert len(scripted.peers) == 1


def test_three_silent_heartbeats_end_the_connection_and_the_next_takes_over(
    open_client: Open, scripted: ScriptedServer
) -> None:
    scripted.heartbeat_ms = 40

    def script(request: Request, peer: Peer) -> None:
        if peer.number > 0:
            peer.reply(request, {"peer": peer.number})

    scripted.script = script
    assert open_client(scripted).call("request", "stats") == {"peer": 1}


def test_a_frame_that_does_not_end_ends_the_connection_though_bytes_keep_coming(
    open_client: Open, scripted: ScriptedServer
) -> None:
    scripted.heartbeat_ms = 40
    over = threading.Event()

    def script(request: Request, peer: Peer) -> None:
        if peer.number > 0:
            peer.reply(request, {"peer": peer.number})
        elif request["type"] == "stats":
            threading.Thread(target=drip, args=(peer,)).start()

    def drip(peer: Peer) -> None:
        # A length that was changed on the way: what follows seems to be of that frame.
        peer.send_bytes(bytes([0, 0x10, 0, 0]))
        while not over.wait(0.01):
            peer.send_bytes(b"x")

    scripted.script = script
    try:
        assert open_client(scripted).call("request", "stats") == {"peer": 1}
    finally:
        over.set()


def test_lists_go_through_all_pages_and_ask_for_none_that_is_not_wanted(
    open_client: Open, scripted: ScriptedServer
) -> None:
    def context(name: str) -> dict[str, Any]:
        return {
            "id": name,
            "namespace": "n",
            "agent_id": "a",
            "level": "immediate",
            "text": name,
            "token_count": 1,
            "metadata": {},
            "tags": [],
            "version": 1,
            "created_at": 1,
            "updated_at": 1,
            "recorded_at": 1,
            "valid_from": 1,
            "access_count": 0,
        }

    def script(request: Request, peer: Peer) -> None:
        cursor = request["payload"].get("cursor")
        if cursor is None:
            peer.reply(request, {"contexts": [context("a"), context("b")], "cursor": "2"})
        elif cursor == "2":
            peer.reply(request, {"contexts": [], "cursor": "3"})
        else:
            peer.reply(request, {"contexts": [context("c")]})

    scripted.script = script
    client = open_client(scripted, namespace="team")
    assert [each.text for each in client.call("list", session_id="s")] == ["a", "b", "c"]
    base = {"session_id": "s", "namespace": "team"}
    assert [request["payload"] for request in scripted.requests] == [
        base,
        {**base, "cursor": "2"},
        {**base, "cursor": "3"},
    ]


def test_close_waits_for_calls_under_way_then_takes_no_more(open_client: Open, scripted: ScriptedServer) -> None:
    held: list[tuple[Request, Peer]] = []
    scripted.script = lambda request, peer: held.append((request, peer))
    client = open_client(scripted)
    begun = client.begin("request", "ping")
    until(lambda: held)
    closing = client.begin("close")
    until(lambda: client.client._closed)
    assert failure(client.begin("ping")).code == "CLOSED"
    time.sleep(0.05)
    assert not closing.done()
    held[0][1].reply(held[0][0], {"n": 1})
    assert begun.result(PATIENCE_S) == {"n": 1}
    closing.result(PATIENCE_S)
    assert scripted.peers[0].ended.wait(PATIENCE_S)
    assert failure(client.begin("ping")).code == "CLOSED"


def test_close_may_be_called_by_several(open_client: Open, scripted: ScriptedServer) -> None:
    held: list[tuple[Request, Peer]] = []
    scripted.script = lambda request, peer: held.append((request, peer))
    client = open_client(scripted)
    begun = client.begin("request", "ping")
    until(lambda: held)
    closing = [client.begin("close") for _ in range(2)]
    until(lambda: client.client._closed)
    time.sleep(0.05)
    held[0][1].reply(held[0][0], {})
    assert begun.result(PATIENCE_S) == {}
    for each in closing:
        each.result(10)


def test_close_ends_calls_that_take_longer_than_it_may_wait(open_client: Open, scripted: ScriptedServer) -> None:
    scripted.script = never
    client = open_client(scripted)
    begun = client.begin("request", "ping")
    until(lambda: scripted.requests)
    client.call("close", timeout_ms=20)
    assert failure(begun).code == "CLOSED"


def test_the_next_address_is_taken_where_one_dies_or_shuts_down(open_client: Open) -> None:
    servers = [ScriptedServer(lambda request, peer, n=n: peer.reply(request, {"server": n})) for n in range(3)]
    servers[0].down()
    client = open_client(None, addresses=[server.address for server in servers])
    assert client.call("request", "ping") == {"server": 1}
    servers[1].down()
    assert client.call("request", "ping") == {"server": 2}
    servers[0].up()
    servers[2].peers[0].send({"type": "goaway", "deadline_ms": 1_000, "timestamp": 1})
    until(lambda: servers[0].peers and servers[0].peers[0].auth)
    assert client.call("request", "ping") == {"server": 0}
    for server in servers:
        server.down()


def test_every_address_that_was_no_good_is_named(open_client: Open) -> None:
    servers = [ScriptedServer() for _ in range(2)]
    servers[0].down()
    servers[1].refuse_with = "AUTH_FAILED"
    addresses = [server.address for server in servers]
    error = failure(open_client(None, addresses=addresses).begin("connect"))
    assert (error.code, error.retryable) == ("CONNECTION_FAILED", True)
    assert error.details is not None
    told = [(attempt["address"], attempt["code"]) for attempt in error.details["addresses"]]
    assert told == [(addresses[0], "CONNECTION_FAILED"), (addresses[1], "AUTH_FAILED")]
    servers[0].up()
    servers[0].refuse_with = "AUTH_FAILED"
    error = failure(open_client(None, addresses=addresses).begin("connect"))
    assert (error.code, error.retryable) == ("AUTH_FAILED", False)
    for server in servers:
        server.down()


def test_a_lost_server_is_tried_again_ever_more_slowly(open_client: Open, scripted: ScriptedServer) -> None:
    """Each is let in and cut off: also then there are pauses."""
    scripted.script = lambda request, peer: peer.cut()
    client = open_client(scripted, backoff_min_ms=20, backoff_max_ms=40)
    started = time.monotonic()
    error = failure(client.begin("request", "ping", timeout_ms=1_000))
    assert error.code in ("TIMEOUT", "CONNECTION_LOST")
    # Pauses of 10 to 40 ms: without them there would be thousands.
    assert len(scripted.peers) <= 3 + (time.monotonic() - started) * 1_000 / 10


def test_a_large_request_and_a_large_reply_pass(open_client: Open, scripted: ScriptedServer) -> None:
    scripted.script = lambda request, peer: peer.reply(request, {"text": request["payload"]["text"]})
    client = open_client(scripted)
    text = "x" * (9 * 1024 * 1024)
    assert client.call("request", "echo", {"text": text}) == {"text": text}
    error = failure(client.begin("request", "echo", {"text": "x" * (11 * 1024 * 1024)}))
    assert error.code == "PAYLOAD_TOO_LARGE"
    assert client.call("request", "echo", {"text": "small"}) == {"text": "small"}
    assert len(scripted.peers) == 1


def test_what_a_reader_does_not_read_waits_in_the_clients_bounded_queue(
    open_client: Open, scripted: ScriptedServer
) -> None:
    """A server that stops reading: past some MiB calls wait, and go on when it reads again."""
    gate = threading.Event()

    def script(request: Request, peer: Peer) -> None:
        gate.wait(PATIENCE_S)
        peer.reply(request, {})

    scripted.script = script
    client = open_client(scripted, max_queued=1_000)
    client.call("connect")
    text = "x" * (1024 * 1024)
    begun = [client.begin("request", "echo", {"text": text}, timeout_ms=100_000) for _ in range(40)]
    until(lambda: scripted.requests)
    time.sleep(0.2)
    gate.set()
    for call in begun:
        assert call.result(PATIENCE_S) == {}
    assert len(scripted.peers) == 1
