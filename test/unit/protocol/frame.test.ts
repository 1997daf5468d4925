import { describe, expect, it } from 'vitest';
import { CodedError } from '../../../src/base/errors.ts';
import { encodeFrame, FrameReader, type Frame } from '../../../src/protocol/frame.ts';

const TAG = Buffer.alloc(32, 7);

function readAll(reader: FrameReader, chunks: readonly Uint8Array[]): Frame[] {
  const frames: Frame[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let frame = reader.next(); frame !== null; frame = reader.next()) frames.push(frame);
  }
  return frames;
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CodedError) return error.code;
    throw error;
  }
  return 'none';
}

describe('FrameReader', () => {
  const bodies = [0, 1, 255, 256, 65_535, 65_536, 100_000].map((size) => Buffer.alloc(size, size & 0xff));
  const stream = Buffer.concat(bodies.flatMap((body) => [encodeFrame(TAG, body), encodeFrame(null, body)]));

  it.each([1, 2, 3, 5, 7, 1000, 65_536, stream.length])('gives back every frame from chunks of %i bytes', (size) => {
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < stream.length; at += size) chunks.push(stream.subarray(at, at + size));
    const frames = readAll(new FrameReader(1 << 20), chunks);
    expect(frames.map(({ tag }) => (tag === null ? null : Buffer.compare(tag, TAG)))).toEqual(
      bodies.flatMap(() => [0, null]),
    );
    expect(frames.every(({ body }, i) => Buffer.compare(body, bodies[i >> 1]!) === 0)).toBe(true);
  });

  it('does not copy a frame that lies in one chunk', () => {
    const chunk = encodeFrame(TAG, Buffer.from('body'));
    const [frame] = readAll(new FrameReader(), [chunk]);
    expect(frame!.body.buffer).toBe(chunk.buffer);
  });

  it('keeps what was pushed and not pulled, and tells how much that is', () => {
    const reader = new FrameReader();
    const frame = encodeFrame(TAG, Buffer.from('abc'));
    reader.push(frame);
    reader.push(frame.subarray(0, 10));
    reader.push(frame.subarray(10));
    expect(reader.bufferedBytes).toBe(2 * frame.length);
    expect(reader.next()).not.toBeNull();
    expect(reader.bufferedBytes).toBe(frame.length);
    expect(Buffer.from(reader.next()!.body).toString()).toBe('abc');
    expect(reader.next()).toBeNull();
    expect(reader.bufferedBytes).toBe(0);
  });

  it.each([1, 100, 16_383, 16_384, 65_536])(
    'takes memory as bytes come, in chunks of %i, not as they are announced',
    (size) => {
      const reader = new FrameReader(1 << 24);
      const frame = encodeFrame(TAG, Buffer.alloc(300_000, 7));
      let done: Frame | null = null;
      for (let at = 0; at < frame.length; at += size) {
        reader.push(Buffer.from(frame.subarray(at, at + size)));
        done = reader.next();
        expect(reader.partialBytes).toBeLessThanOrEqual(Math.min(2 * at + size + 4_096, at + size + 65_536));
      }
      expect(Buffer.compare(done!.body, Buffer.alloc(300_000, 7))).toBe(0);
      expect(reader.partialBytes).toBe(0);
    },
  );

  it('refuses a length over the limit when its four bytes are there, whatever follows', () => {
    const reader = new FrameReader(100);
    reader.push(Buffer.from([0, 0, 0]));
    expect(reader.next()).toBeNull();
    reader.push(Buffer.from([101]));
    expect(codeOf(() => reader.next())).toBe('FRAME_TOO_LARGE');
    expect(reader.bufferedBytes).toBeLessThan(8);
  });

  it('applies a limit raised between two frames of one chunk', () => {
    const small = encodeFrame(null, Buffer.alloc(10));
    const large = encodeFrame(TAG, Buffer.alloc(5_000));
    const reader = new FrameReader();
    reader.push(Buffer.concat([small, large]));
    expect(reader.next()!.body.length).toBe(10);
    reader.maxFrameBytes = 10_000;
    expect(reader.next()!.body.length).toBe(5_000);
  });

  it.each([
    ['length 0', '00000000'],
    ['not an array', '00000001c0'],
    ['an array of three', '0000000493c0c400'],
    ['an array of one', '0000000291c0'],
    ['an empty frame value', '0000000192'],
    ['a tag of 31 bytes', `0000002492c41f${'00'.repeat(31)}c400`],
    ['a tag of 33 bytes', `0000002692c421${'00'.repeat(33)}c400`],
    ['a tag that is a string', `0000002592d920${'61'.repeat(32)}c400`],
    ['a tag that ends early', '0000000592c42000c0'],
    ['a body that is a map', '0000000392c080'],
    ['a body that is missing', '0000000292c0'],
    ['a body whose header ends early', '0000000492c0c500'],
    ['a body shorter than its length', '0000000492c0c402'],
    ['bytes after the body', '0000000592c0c400c0'],
    ['a huge body length', '0000000792c0c6ffffffff'],
    ['a huge array', '00000006ddffffffffc0'],
  ])('refuses %s', (_what, hex) => {
    const reader = new FrameReader();
    reader.push(Buffer.from(hex, 'hex'));
    // What follows the frame must not be taken for its end.
    reader.push(Buffer.alloc(64, 0xc4));
    expect(codeOf(() => reader.next())).toBe('BAD_FRAME');
  });

  it('accepts longer forms of the same array and bins', () => {
    const reader = new FrameReader();
    reader.push(Buffer.from('00000009dc0002c0c600000000', 'hex'));
    reader.push(Buffer.from(`0000002cdd00000002c50020${'11'.repeat(32)}c5000161`, 'hex'));
    expect(reader.next()).toEqual({ tag: null, body: Buffer.alloc(0) });
    expect(reader.next()).toEqual({ tag: Buffer.alloc(32, 0x11), body: Buffer.from('a') });
  });
});
