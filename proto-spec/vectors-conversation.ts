import { type Exchange, groupsOf, HEARTBEAT_MS, TWO_ID } from './vectors-messages.ts';

export interface RecordedMessage {
  readonly name: string;
  readonly from: 'client' | 'server';
  readonly value: object;
}

/** The server looks for silent peers twice a second. */
const LOOKED_AFTER_EVERY_MS = 500;

/**
 * All that is said between `welcome` and the end, in the order of the wire. The server answers at the moment of the last
 * request that it got; request n is sent n milliseconds after `nowMs`.
 */
export function conversation(nowMs: number): RecordedMessage[] {
  const messages: RecordedMessage[] = [];
  let id = 0;
  for (const { exchanges, answered } of groupsOf(nowMs)) {
    const firstId = id + 1;
    for (const exchange of exchanges) messages.push(asked(exchange, ++id, nowMs + id));
    const timestamp = nowMs + id;
    for (const place of answered ?? exchanges.map((_exchange, place) => place)) {
      messages.push(answer(exchanges[place]!, firstId + place, timestamp));
    }
  }
  const laterMs = nowMs + HEARTBEAT_MS + LOOKED_AFTER_EVERY_MS;
  return [...messages, ...heartbeat(laterMs), ...farewell(id + 1, laterMs)];
}

function asked({ type, payload, name, envelope }: Exchange, id: number, timestamp: number): RecordedMessage {
  return {
    name: name ?? `${type} (${Object.keys(payload).length} fields)`,
    from: 'client',
    value: { id, type, timestamp, payload, ...envelope },
  };
}

function answer({ type, reply, refused }: Exchange, id: number, timestamp: number): RecordedMessage {
  if (reply !== undefined) {
    return { name: `reply to ${type}`, from: 'server', value: { id, type: 'result', timestamp, payload: reply } };
  }
  const { code } = refused as { code: string };
  return { name: `error ${code}`, from: 'server', value: { id, type: 'error', timestamp, payload: refused } };
}

/** Section 3: the server's ping after a silence, and the client's answer. */
function heartbeat(timestamp: number): RecordedMessage[] {
  return [
    { name: 'ping of the server', from: 'server', value: { id: 0, type: 'ping', timestamp, payload: {} } },
    { name: 'answer to the ping', from: 'client', value: { id: 0, type: 'result', timestamp, payload: {} } },
  ];
}

/**
 * Section 3: a request was on its way when the server said goaway, and is answered; the client's answer to the ping behind the
 * goaway comes after it, and the client ends its side.
 */
function farewell(id: number, timestamp: number): RecordedMessage[] {
  const refused = {
    code: 'SHUTTING_DOWN',
    message: 'the server is shutting down: connect elsewhere',
    retryable: true,
  };
  const request = { id, type: 'context.get', timestamp, payload: { id: TWO_ID } };
  return [
    { name: 'goaway', from: 'server', value: { type: 'goaway', deadline_ms: 10_000, timestamp } },
    { name: 'ping behind goaway', from: 'server', value: { id: 0, type: 'ping', timestamp, payload: {} } },
    { name: 'a request that crosses goaway', from: 'client', value: request },
    { name: 'error SHUTTING_DOWN', from: 'server', value: { id, type: 'error', timestamp, payload: refused } },
    { name: 'answer to that ping', from: 'client', value: { id: 0, type: 'result', timestamp, payload: {} } },
  ];
}
