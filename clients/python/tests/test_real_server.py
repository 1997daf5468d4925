"""Both clients against the real server: every request of the protocol, and what people do with them."""

from __future__ import annotations

import asyncio
import inspect
import json
import ssl
import subprocess
from collections.abc import Callable
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import pytest
from driver import PATIENCE_S, Driver, failure
from real_server import ROOT, RealServer, node
from tls_proxy import TlsProxy

from context_manager import AsyncClient, Client, ContextManagerError, FailedContext, StoredContext
from context_manager.types import NewFact

Open = Callable[..., Driver]
PAYLOADS = ROOT / "proto-spec" / "schemas"
MESSAGES = json.loads((ROOT / "proto-spec" / "messages.json").read_text())["messages"] if PAYLOADS.exists() else []


def snake_case(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


@pytest.fixture
def client(open_client: Open, server: RealServer, request: pytest.FixtureRequest) -> Driver:
    namespace = f"test-{abs(hash(request.node.name))}"
    return open_client(None, **{**server.options, "namespace": namespace})


def test_there_is_a_method_for_every_request_and_no_other() -> None:
    expected = {snake_case(message["method"]) for message in MESSAGES} | {
        "request",
        "close",
        "connect",
        "facts",
        "namespaces",
        "session",
    }
    for kind in (Client, AsyncClient):
        assert {name for name in dir(kind) if not name.startswith("_")} == expected


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message["type"])
def test_a_method_takes_what_the_schema_of_its_request_says(message: dict[str, Any]) -> None:
    schema = json.loads((PAYLOADS / f"{message['type']}.request.json").read_text())
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        schema = json.loads((PAYLOADS / "common.json").read_text())["definitions"][name]
    own = {"self", "timeout_ms", "traceparent"} | ({"namespace"} if message["namespace"] == "items" else set())
    for kind in (Client, AsyncClient):
        method = getattr(kind, snake_case(message["method"]))
        assert set(inspect.signature(method).parameters) == set(schema["properties"]) | own
        described = " ".join((inspect.getdoc(method) or "").split())
        assert message["description"].split(".")[0].split("`")[0] in described


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message["type"])
def test_every_method_answers_every_example_of_its_request(client: Driver, message: dict[str, Any]) -> None:
    schema = json.loads((PAYLOADS / f"{message['type']}.request.json").read_text())
    for example in schema["examples"]:
        begun = client.begin(snake_case(message["method"]), **example, timeout_ms=100_000)
        error = begun.exception(PATIENCE_S)
        if error is None:
            assert isinstance(begun.result(), list) or is_dataclass(begun.result())
        else:
            assert failure(begun).code == "NOT_FOUND"
        raw = client.begin("request", message["type"], example, timeout_ms=100_000)
        assert raw.exception(PATIENCE_S) is not None or isinstance(raw.result(), dict)


def test_a_session_is_told_and_gives_its_window(server: RealServer) -> None:
    with Client(**{**server.options, "namespace": "python-session"}) as memory:
        session = memory.session("trip")
        session.configure(max_tokens=300, header="Be kind.", state={"goals": [{"text": "book a flight"}]})
        for turn in range(12):
            session.append([{"role": "user", "content": f"Turn {turn}: " + "Mara likes windows. " * 8}])
        told = session.append({"role": "assistant", "content": [{"type": "text", "text": "Noted."}]})
        assert told.window.cards > 0
        assert told.messages[0].id[14] == "7"
        found = session.window(max_tokens=280)
        assert found.tokens.total <= 280
        assert (found.messages[0].kind, found.messages[0].content) == ("header", "Be kind.")
        known = session.get().session
        expanded = [message for card in known.cards for message in session.expand(card.card_id)]
        assert len(expanded) + len(known.live) == 13
        assert [one.session_id for one in memory.list_sessions()] == ["trip"]
        assert session.reset(forget=True).deleted == 13


BERLIN: NewFact = {
    "subject": "Mara",
    "predicate": "lives in",
    "object": "Berlin",
    "single_valued": True,
    "valid_from": 1000,
}
PORTO: NewFact = {"subject": "Mara", "predicate": "lives in", "object": "Porto", "single_valued": True}


def test_facts_are_put_listed_walked_and_deleted(server: RealServer) -> None:
    with Client(**{**server.options, "namespace": "python-facts"}) as memory:
        (berlin,) = memory.facts.put(BERLIN).facts
        (porto, seen) = memory.facts.put([PORTO, {"subject": "Anna", "predicate": "works in", "object": "Porto"}]).facts
        assert berlin.created and berlin.id[14] == "7"
        assert porto.superseded == [berlin.id]
        assert [fact.object for fact in memory.facts.list(subject="mara")] == ["Porto"]
        (past,) = memory.facts.list(subject="mara", as_of=2000)
        assert (past.object, past.superseded_by) == ("Berlin", porto.id)
        everything = memory.facts.list(include_past=True, limit=1)
        assert {fact.id for fact in everything} == {berlin.id, porto.id, seen.id}
        assert len(list(everything.pages())) >= 3
        around = memory.facts.around("MARA", depth=2)
        assert [entity.name for entity in around.entities] == ["Mara", "Porto", "Anna"]
        assert [fact.id for fact in memory.query("where does Mara live?", facts=True).facts or []] == [porto.id]
        assert memory.facts.delete(porto.id).deleted == 1
        assert [fact.id for fact in memory.facts.list(subject="mara")] == [berlin.id]
        with pytest.raises(ContextManagerError, match="valid_until"):
            memory.facts.put({**BERLIN, "valid_until": 1000})


async def with_facts(options: dict[str, Any]) -> list[str]:
    async with AsyncClient(**{**options, "namespace": "python-async-facts"}) as memory:
        (berlin,) = (await memory.facts.put(BERLIN, agent_id="other")).facts
        await memory.facts.put([PORTO], agent_id="other")
        assert [fact async for fact in memory.facts.list()] == []
        held = [fact.object async for fact in memory.facts.list(agent_id="*", include_past=True)]
        around = await memory.facts.around("Porto", agent_id="other")
        assert (await memory.facts.delete(berlin.id, agent_id="nobody")).deleted == 0
        assert (await memory.facts.delete(berlin.id, agent_id="other")).deleted == 1
        return [*held, *(entity.name for entity in around.entities)]


def test_facts_are_the_same_for_asyncio(server: RealServer) -> None:
    assert asyncio.run(with_facts(server.options)) == ["Porto", "Berlin", "Porto", "Mara"]


async def in_a_session(options: dict[str, Any]) -> list[str]:
    async with AsyncClient(**{**options, "namespace": "python-async"}) as memory:
        session = memory.session("trip", agent_id="other")
        await session.append({"role": "user", "content": "Hello"})
        window = await session.window(recall=False)
        assert (await session.get()).session.agent_id == "other"
        assert (await session.reset()).archived == 1
        card = (await session.get()).session.cards[0]
        expanded = [message async for message in session.expand(card.card_id)]
        return [str(message.content) for message in [*window.messages, *expanded]]


def test_a_session_is_the_same_for_asyncio(server: RealServer) -> None:
    assert asyncio.run(in_a_session(server.options)) == ["Hello", "Hello"]


def test_what_is_stored_is_answered_by_every_request_that_reads_it_and_gone_when_deleted(client: Driver) -> None:
    text = "Grüße an Zoë: the espresso machine was damaged, \U0001f600"
    metadata = {"customer": {"id": 7, "vip": True}, "scores": [1, 2.5, None]}
    stored = client.call("store", text, session_id="s1", tags=["a", "ü"], metadata=metadata, ttl_ms=3_600_000)
    assert (stored.level, stored.created, stored.id[14]) == ("immediate", True, "7")
    assert client.call("store", text, id=stored.id).created is False
    assert failure(client.begin("store", "another", id=stored.id)).code == "CONFLICT"
    context = client.call("get", stored.id).context
    assert (context.text, context.tags, context.metadata) == (text, ["a", "ü"], metadata)
    assert (context.session_id, context.agent_id, context.expires_by) == ("s1", "agent-1", None)
    assert context.expires_at == context.created_at + 3_600_000 or context.expires_at > context.created_at
    answer = client.call("query", "espresso machine", session_id="s1", max_tokens=200, explain=True)
    assert [each.id for each in answer.contexts] == [stored.id]
    assert answer.contexts[0].scores.similarity > 0 and answer.receipts[0].outcome == "included"
    assert answer.total_tokens <= 200 and answer.metadata.degraded == []
    vip = {"must": [{"key": "metadata.customer.vip", "match": {"value": True}}]}
    assert [each.id for each in client.call("list", filter=vip)] == [stored.id]
    updated = client.call("update", stored.id, tags=["b"], if_version=1).context
    assert (updated.tags, updated.version, updated.metadata) == (["b"], 2, metadata)
    assert failure(client.begin("update", stored.id, tags=[], if_version=1)).code == "CONFLICT"
    assert client.call("stats").counts.total == 1
    assert client.call("delete", stored.id).deleted == 1
    assert client.call("delete", stored.id).deleted == 0
    assert failure(client.begin("get", stored.id)).code == "NOT_FOUND"


def test_a_batch_has_an_outcome_for_each_context(client: Driver) -> None:
    known = client.call("store", "known").id
    results = client.call("store_batch", [{"text": "one"}, {"text": "changed", "id": known}, {"text": "two"}]).results
    assert [type(each) for each in results] == [StoredContext, FailedContext, StoredContext]
    assert results[1].error.code == "CONFLICT"


def test_errors_say_which_field_is_wrong(client: Driver) -> None:
    error = failure(client.begin("query", ""))
    assert error.code == "BAD_REQUEST" and error.details is not None
    assert error.details["fields"][0]["field"] == "/query"
    error = failure(client.begin("clear_level", "L1"))
    assert error.details is not None and error.details["fields"][0]["field"] == "/level"
    assert failure(client.begin("request", "made.up", {})).code == "UNKNOWN_TYPE"


def test_a_list_goes_through_all_pages_newest_first(client: Driver) -> None:
    contexts = [{"text": f"turn {n}", "created_at": 1_700_000_000_000 + n} for n in range(250)]
    client.call("store_batch", contexts)
    texts = [each.text for each in client.call("list", limit=100)]
    assert texts == [f"turn {n}" for n in reversed(range(250))]


def test_vectors_are_taken_as_numbers_and_as_bytes(client: Driver, server: RealServer) -> None:
    dimension = client.call("stats").store["dimension"]
    vector = [0.0] * dimension
    vector[3] = 1.0
    stored = client.call("store", "a vector", embedding=vector)
    answer = client.call("query", embedding=vector)
    assert [each.id for each in answer.contexts] == [stored.id]
    assert failure(client.begin("store", "short", embedding=[1.0])).code == "BAD_REQUEST"


def test_many_at_once_from_many_threads(client: Driver) -> None:
    begun = [client.begin("store", f"text {n}") for n in range(300)]
    ids = {call.result(PATIENCE_S).id for call in begun}
    assert len(ids) == 300
    assert client.call("stats").counts.total == 300


def test_the_server_sees_who_this_is(open_client: Open, server: RealServer) -> None:
    mine = open_client(None, **{**server.options, "namespace": "shared", "sender": "me"})
    other = open_client(None, **{**server.options, "namespace": "shared", "sender": "other"})
    mine.call("store", "my own words")
    assert other.call("query", "my own words").contexts == []
    assert len(other.call("query", "my own words", agent_id="*").contexts) == 1
    assert other.client.namespaces == ("*",)


def test_a_wrong_secret_is_refused(open_client: Open, server: RealServer) -> None:
    wrong = open_client(None, **{**server.options, "secret": "x" * 32})
    assert failure(wrong.begin("connect")).code == "AUTH_FAILED"
    assert failure(wrong.begin("ping")).code == "AUTH_FAILED"


def test_a_url_is_enough(open_client: Open, server: RealServer) -> None:
    secret = server.options["secret"]
    client = open_client(None, **{"url": f"context-manager://default:{secret}@127.0.0.1:{server.port}"})
    assert client.call("ping").healthy is True


CERTIFICATES = """
import { makeAuthority, makeCertificate } from %(module)s;
const authority = await makeAuthority();
const { cert, key } = await makeCertificate(authority, { name: 'memory.test' });
console.log(JSON.stringify({ authority: authority.cert, cert, key }));
"""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    program = node()
    if program is None or not (ROOT / "node_modules").exists():
        pytest.skip("no checkout of the server around this package")
    module = json.dumps((ROOT / "test" / "support" / "certificates.ts").as_uri())
    made = subprocess.run(
        [program, "--input-type=module", "-e", CERTIFICATES % {"module": module}],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    folder = tmp_path_factory.mktemp("certificates")
    files = {}
    for name, text in json.loads(made.stdout).items():
        files[name] = folder / f"{name}.pem"
        files[name].write_text(text)
    return files


def test_tls(open_client: Open, server: RealServer, certificates: dict[str, Path]) -> None:
    with TlsProxy(server.port, certificates["cert"], certificates["key"]) as proxy:
        trusting = ssl.create_default_context(cafile=str(certificates["authority"]))
        options = {**server.options, "port": proxy.port, "namespace": "tls"}
        client = open_client(None, **options, tls=trusting, tls_server_name="memory.test")
        stored = client.call("store", "über TLS " + "x" * 200_000)
        assert len(client.call("get", stored.id).context.text) > 200_000
        # Several records in one read, and none left lying.
        begun = [client.begin("get", stored.id) for _ in range(20)]
        assert {call.result(PATIENCE_S).context.id for call in begun} == {stored.id}
        # Another name, another authority.
        for wrong in ({"tls": trusting}, {"tls": True, "tls_server_name": "memory.test"}):
            error = failure(open_client(None, **options, **wrong).begin("connect"))
            assert error.code == "CONNECTION_FAILED"
            assert isinstance(error.__cause__, ssl.SSLCertVerificationError)
        # No TLS on the other side, and none on this one.
        plain = {**server.options, "connect_timeout_ms": 2_000}
        assert failure(open_client(None, **plain, tls=trusting).begin("connect")).code == "CONNECTION_FAILED"
        untold = open_client(None, **{**options, "connect_timeout_ms": 500})
        assert failure(untold.begin("connect")).code == "CONNECTION_FAILED"
