import { describe, expect, it } from 'vitest';
import { CodedError } from '../../src/base/errors.ts';
import { FRAME_BYTES_MAX_DEFAULT } from '../../src/base/wire-limits.ts';
import { decodeBody, decodeReplyBody, encodeBody, salvageRequestId } from '../../src/protocol/codec.ts';
import { encodeFrame, FRAME_BYTES_MAX_BEFORE_AUTH, FrameReader, type Frame } from '../../src/protocol/frame.ts';
import { MESSAGES, messageRule } from '../../src/protocol/message-table.ts';
import { createValidators } from '../../src/protocol/messages.ts';
import type { RequestType } from '../../src/protocol/messages.generated.ts';
import { authTag, deriveKeys, TagSequence } from '../../src/protocol/proof.ts';
import { handshakeCases, hex, malformed, plainBytes, resolve, session } from './vector-files.ts';

const validators = createValidators();

function errorOf(run: () => unknown): CodedError {
  try {
    run();
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

function oneFrame(bytes: Uint8Array, frameBytesMax = FRAME_BYTES_MAX_DEFAULT): Frame {
  const reader = new FrameReader(frameBytesMax);
  reader.push(bytes);
  const frame = reader.next();
  if (frame === null) throw new Error('the frame is not complete');
  return frame;
}

describe('handshake vectors', () => {
  it('hold the worked example of section 7 as it is printed there', () => {
    const [example] = handshakeCases;
    expect(hex(example!.secret).toString()).toBe('0123456789abcdef0123456789abcdef');
    expect(example!.auth_tag).toBe('818c88eabea37427a9ca0b276177e18eedfad374a138dae1174cb7753b6bdcfb');
    expect(example!.c2s_key).toBe('24f4106dd6573f6c393af86f24ce61fdac77adcd4c6b11d1e027af27307b5702');
    expect(example!.s2c_key).toBe('483117017084a377de3b83524b77422f87bb986c7f886641f9a2af00f40bc241');
    const ping = session.frames.find(({ name }) => name === 'ping of the worked example');
    expect(ping!.frame).toBe(
      '0000005092c42028ba6e4a673f7e6ea282ff20e427727736ea5d1dc66a1e72ebbe17dfb996e428c42b84a2696401a474797065a470696e67a974696d657374616d70cf0000018bcfe56801a77061796c6f616480',
    );
  });

  it.each(handshakeCases.map((vector) => [vector.name, vector] as const))('%s', (_name, vector) => {
    const [secret, serverNonce, clientNonce] = [hex(vector.secret), hex(vector.server_nonce), hex(vector.client_nonce)];
    const body = hex(vector.auth_body);
    if (vector.auth !== undefined) expect(encodeBody(resolve(vector.auth) as object).equals(body)).toBe(true);
    const tag = authTag(secret, serverNonce, body);
    expect(tag.toString('hex')).toBe(vector.auth_tag);
    expect(encodeFrame(tag, body).toString('hex')).toBe(vector.auth_frame);
    const keys = deriveKeys(secret, serverNonce, clientNonce);
    expect(keys.clientToServer.export().toString('hex')).toBe(vector.c2s_key);
    expect(keys.serverToClient.export().toString('hex')).toBe(vector.s2c_key);
  });
});

describe('session vectors', () => {
  it('verify, decode and encode to the same bytes, in order', () => {
    const keys = deriveKeys(hex(session.secret), hex(session.server_nonce), hex(session.client_nonce));
    const tags = { client: new TagSequence(keys.clientToServer), server: new TagSequence(keys.serverToClient) };
    for (const vector of session.frames) {
      const { tag, body } = oneFrame(hex(vector.frame));
      expect(tag === null ? null : Buffer.from(tag).toString('hex'), vector.name).toBe(vector.tag);
      if (vector.counter !== null) {
        expect(tags[vector.from].count, vector.name).toBe(vector.counter);
        expect(tags[vector.from].verify(tag, body), vector.name).toBe(true);
      }
      const decoded = vector.from === 'client' ? decodeBody(body) : decodeReplyBody(body);
      expect(plainBytes(decoded), vector.name).toEqual(resolve(vector.value));
      expect(encodeBody(decoded).toString('hex'), vector.name).toBe(vector.body);
    }
    expect(tags.client.count).toBeGreaterThan(12);
  });

  it('pass their schemas, and cover every request and reply', () => {
    const seen = new Set<string>();
    const codeOf = (payload: unknown): unknown => (payload as { code?: unknown } | undefined)?.code;
    const refusedIds = new Set(
      session.frames.filter(({ value }) => codeOf(value.payload) === 'BAD_REQUEST').map(({ value }) => value.id),
    );
    for (const { name, from, value } of session.frames) {
      const message = resolve(value) as { type: string; payload?: unknown };
      const replied = name.replace('reply to ', '');
      if (
        message.type === 'hello' ||
        message.type === 'auth' ||
        message.type === 'welcome' ||
        message.type === 'goaway'
      ) {
        validators.control(message.type, message);
      } else if (value.id === 0) {
        expect(['ping', 'result'], name).toContain(message.type);
      } else if (from === 'client') {
        validators.envelope(message);
        seen.add(`request ${message.type}`);
        if (refusedIds.has(value.id)) continue;
        validators.payload(message.type as RequestType, message.payload);
      } else {
        validators.schema(`${message.type}.json`, message);
        if (message.type !== 'result') continue;
        validators.reply(replied as RequestType, message.payload);
        seen.add(`reply ${replied}`);
      }
    }
    expect([...seen].sort()).toEqual(MESSAGES.flatMap(({ type }) => [`reply ${type}`, `request ${type}`]).sort());
  });
});

describe('malformed vectors', () => {
  it.each(malformed.frames.map((vector) => [vector.stage, vector.name, vector] as const))(
    '%s: %s',
    (_stage, _name, vector) => {
      const frameBytesMax = vector.stage === 'before_auth' ? FRAME_BYTES_MAX_BEFORE_AUTH : FRAME_BYTES_MAX_DEFAULT;
      expect(errorOf(() => oneFrame(hex(vector.bytes), frameBytesMax)).code).toBe(vector.code);
      // Byte by byte it is the same.
      const reader = new FrameReader(frameBytesMax);
      const drip = (): void => {
        for (const byte of hex(vector.bytes)) {
          reader.push(Uint8Array.of(byte));
          reader.next();
        }
      };
      expect(errorOf(drip).code).toBe(vector.code);
    },
  );

  it.each(malformed.tags.map((vector) => [vector.name, vector] as const))('tag: %s', (_name, vector) => {
    const keys = deriveKeys(hex(session.secret), hex(session.server_nonce), hex(session.client_nonce));
    const tags = new TagSequence(keys.clientToServer);
    const verified = vector.frames.map((frame) => {
      const { tag, body } = oneFrame(hex(frame));
      return tags.verify(tag, body);
    });
    expect(verified).toEqual(vector.frames.map((_frame, i) => i < vector.frames.length - 1));
  });

  it.each(malformed.bodies.map((vector) => [vector.name, vector] as const))('body: %s', (_name, vector) => {
    const body = hex(vector.body);
    expect(errorOf(() => validators.envelope(decodeBody(body))).code).toBe(vector.code);
    expect(salvageRequestId(body)).toBe(vector.reply_id);
  });

  it.each(malformed.payloads.map((vector) => [vector.type, vector.name, vector] as const))(
    'payload of %s: %s',
    (_type, _name, vector) => {
      const error = errorOf(() => validators.payload(messageRule(vector.type)!.type, resolve(vector.payload)));
      expect(error.code).toBe(vector.code);
      expect((error.details!['fields'] as { field: string }[]).map(({ field }) => field)).toContain(vector.field);
    },
  );

  it.each(malformed.accepted_payloads.map((vector) => [vector.type, vector.name, vector] as const))(
    'payload of %s accepted: %s',
    (_type, _name, vector) => {
      const payload = resolve(vector.payload);
      expect(validators.payload(messageRule(vector.type)!.type, payload)).toBe(payload);
    },
  );
});
