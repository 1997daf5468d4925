import { describe, expect, it } from 'vitest';
import { CursorCodec } from '../../../../../src/store/embedded/database/cursor.ts';

describe('CursorCodec', () => {
  const codec = new CursorCodec(Buffer.alloc(16, 7));

  it.each([
    { createdAtMs: 0, seq: 0 },
    { createdAtMs: -5, seq: 1 },
    { createdAtMs: 1_700_000_000_000, seq: 2 ** 48 - 1 },
  ])('keeps %j', (position) => {
    expect(codec.decode(3, codec.encode(3, position))).toEqual(position);
  });

  it('shows nothing of what it holds, and is of no use elsewhere', () => {
    const cursor = codec.encode(1, { createdAtMs: 1, seq: 1 });
    expect(cursor).toMatch(/^[\w-]{22}$/);
    expect(codec.encode(1, { createdAtMs: 1, seq: 2 }).slice(0, 4)).not.toBe(cursor.slice(0, 4));
    expect(() => codec.decode(2, cursor)).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }));
    expect(() => new CursorCodec(Buffer.alloc(16, 8)).decode(1, cursor)).toThrow(
      expect.objectContaining({ code: 'BAD_REQUEST' }),
    );
  });
});
