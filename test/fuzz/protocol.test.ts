import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodedError } from '../../src/base/errors.ts';
import { decodeBody, decodeReplyBody, encodeBody, salvageRequestId } from '../../src/protocol/codec.ts';
import { encodeFrame, FrameReader, type Frame } from '../../src/protocol/frame.ts';
import { MESSAGES } from '../../src/protocol/message-table.ts';
import { createValidators } from '../../src/protocol/messages.ts';
import { session } from '../wire/vector-files.ts';

/** fast-check prints the seed and the path of a failure; `{seed, path}` in these options repeats it. */
const RUNS = { numRuns: 300 };

const key = fc.string({ unit: 'binary', maxLength: 40 }).filter((text) => text !== '__proto__' && text.isWellFormed());
const text = fc.string({ unit: 'binary', maxLength: 300 }).filter((value) => value.isWellFormed());
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.oneof(
      text,
      fc.maxSafeInteger(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
      fc.uint8Array(),
    ),
    fc.array(tie('value'), { maxLength: 6 }),
    fc.dictionary(key, tie('value'), { maxKeys: 30, noNullPrototype: true }),
  ),
}));
const map = fc.dictionary(key, value, { maxKeys: 8, noNullPrototype: true });

/** What the wire does not tell apart: -0 and 0, and views of bytes. */
function normal(item: unknown): unknown {
  if (typeof item === 'number') return item === 0 ? 0 : item;
  if (item instanceof Uint8Array) return Array.from(item);
  if (Array.isArray(item)) return item.map(normal);
  if (typeof item !== 'object' || item === null) return item;
  return Object.fromEntries(Object.entries(item).map(([name, inner]) => [name, normal(inner)]));
}

/** What comes of a body: its map, or null where it is refused. */
function outcome(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): unknown {
  let decoded: unknown = null;
  isRefusal(() => (decoded = decode(bytes)));
  return decoded === null ? null : normal(decoded);
}

function isRefusal(run: () => unknown): boolean {
  try {
    run();
    return false;
  } catch (error) {
    expect(error).toBeInstanceOf(CodedError);
    return true;
  }
}

describe('bodies', () => {
  it('come back as they went out', () => {
    fc.assert(
      fc.property(map, (item) => {
        expect(normal(decodeBody(encodeBody(item)))).toEqual(normal(item));
        expect(normal(decodeReplyBody(encodeBody(item)))).toEqual(normal(item));
      }),
      RUNS,
    );
  });

  it('of any bytes are decoded or refused with a code, and encode again', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        if (!isRefusal(() => decodeReplyBody(bytes)))
          expect(normal(decodeBody(encodeBody(decodeBody(bytes))))).toEqual(normal(decodeBody(bytes)));
        expect(salvageRequestId(bytes)).toBeLessThan(2 ** 32);
      }),
      { numRuns: 3_000 },
    );
  });

  it('that were changed, cut or spliced are decoded or refused with a code, by every validator', () => {
    const bodies = session.frames.map(({ body }) => Buffer.from(body, 'hex'));
    const validators = createValidators();
    const change = fc.record({
      body: fc.constantFrom(...bodies),
      at: fc.nat(),
      byte: fc.nat(255),
      cut: fc.nat(),
      keep: fc.boolean(),
    });
    fc.assert(
      fc.property(change, ({ body, at, byte, cut, keep }) => {
        const changed = Buffer.from(keep ? body : body.subarray(0, cut % body.length));
        if (changed.length > 0) changed[at % changed.length] = byte;
        // None has anything that only a reply may hold.
        expect(outcome(decodeReplyBody, changed)).toEqual(outcome(decodeBody, changed));
        isRefusal(() => {
          const message = decodeBody(changed);
          const { type, payload } = validators.envelope(message);
          const rule = MESSAGES.find((candidate) => candidate.type === type);
          if (rule !== undefined) validators.payload(rule.type, payload);
        });
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('frames', () => {
  const frames = fc.array(fc.record({ tagged: fc.boolean(), body: fc.uint8Array({ maxLength: 500 }) }), {
    minLength: 1,
    maxLength: 8,
  });

  it('are found again however the stream is cut', () => {
    fc.assert(
      fc.property(
        frames,
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }),
        fc.integer({ min: 1, max: 5 }),
        (sent, cuts, pullEvery) => {
          const stream = Buffer.concat(
            sent.map(({ tagged, body }) => encodeFrame(tagged ? Buffer.alloc(32, 9) : null, body)),
          );
          const reader = new FrameReader(4_096);
          const received: Frame[] = [];
          const pull = (): void => {
            for (let frame = reader.next(); frame !== null; frame = reader.next()) received.push(frame);
          };
          for (let at = 0, i = 0; at < stream.length; i++) {
            const size = cuts[i % cuts.length]!;
            reader.push(stream.subarray(at, at + size));
            at += size;
            if (i % pullEvery === 0) pull();
          }
          pull();
          expect(received.map(({ tag, body }) => ({ tagged: tag !== null, body: new Uint8Array(body) }))).toEqual(sent);
          expect(reader.bufferedBytes).toBe(0);
        },
      ),
      RUNS,
    );
  });

  it('of any bytes are given or refused with a code', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 10 }), (chunks) => {
        const reader = new FrameReader(1_000);
        isRefusal(() => {
          for (const chunk of chunks) {
            reader.push(chunk);
            while (reader.next() !== null);
          }
        });
        expect(reader.bufferedBytes).toBeLessThanOrEqual(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
      }),
      RUNS,
    );
  });
});
