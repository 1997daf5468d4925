import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  packedRow,
  packMoved,
  packRows,
  type RecordRow,
  unpackMoved,
  unpackRows,
} from '../../../../../src/store/embedded/border/rows.ts';

const row: fc.Arbitrary<RecordRow> = fc.record({
  id: fc.uuid(),
  agentId: fc.string(),
  sessionId: fc.option(fc.string()),
  level: fc.constantFrom(1, 2, 3),
  text: fc.string(),
  tokenCount: fc.nat(),
  metadata: fc.json(),
  tags: fc.json(),
  version: fc.nat(),
  createdAtMs: fc.integer(),
  updatedAtMs: fc.integer(),
  expiresAtMs: fc.option(fc.integer()),
  expiryAction: fc.constantFrom(0, 1),
  expirySetBy: fc.constantFrom(0, 1),
  accessCount: fc.nat(),
  times: fc.option(fc.constantFrom('{"until":5}', '{"from":7}'), { nil: null }),
});

describe('rows packed for another thread', () => {
  it('come out as they went in, together and one by one', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 5 }), (rows) => {
        const packed = packRows(rows);
        expect(unpackRows(packed)).toEqual(rows);
        rows.forEach((one, place) => expect(packedRow(packed, place)).toEqual(one));
      }),
    );
  });

  it('say where a trim has moved contexts to', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 5 }), (rows) => {
        const moved = rows.map(({ id, level, expiresAtMs, expiryAction, expirySetBy }) => {
          return { id, level, expiresAtMs, expiryAction, expirySetBy };
        });
        expect(unpackMoved(packMoved(rows))).toEqual(moved);
      }),
    );
  });
});
