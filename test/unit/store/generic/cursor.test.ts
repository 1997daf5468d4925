import { describe, expect, it } from 'vitest';
import { CursorCodec } from '../../../../src/store/generic/cursor.ts';

describe('CursorCodec', () => {
  const codec = new CursorCodec(Buffer.alloc(16, 7));
  const refused = expect.objectContaining({ code: 'BAD_REQUEST' }) as Error;

  it.each([[[0, 0]], [[-5, 1]], [[1_700_000_000_000, 2 ** 53 - 1]], [[0.5, 'an id of the driver']]])(
    'keeps %j',
    (position) => {
      expect(codec.decode('space', codec.encode('space', position))).toEqual(position);
    },
  );

  it('shows nothing of what it holds, and is of no use elsewhere', () => {
    const cursor = codec.encode('space', [1, 1]);
    expect(cursor).toMatch(/^[\w-]{20,40}$/);
    expect(codec.encode('space', [1, 1])).toBe(cursor);
    expect(codec.encode('space', [1, 2]).slice(0, 4)).not.toBe(cursor.slice(0, 4));
    expect(() => codec.decode('spice', cursor)).toThrow(refused);
    expect(() => new CursorCodec(Buffer.alloc(16, 8)).decode('space', cursor)).toThrow(refused);
  });

  it('is refused where a single bit of it is another', () => {
    const bytes = Buffer.from(codec.encode('space', [1_700_000_000_000, 12]), 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(() => codec.decode('space', changed.toString('base64url'))).toThrow(refused);
    }
  });
});
