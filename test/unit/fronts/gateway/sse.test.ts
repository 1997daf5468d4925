import { describe, expect, it } from 'vitest';
import { EventReader, type ServerSentEvent } from '../../../../src/fronts/gateway/sse.ts';

function read(pieces: readonly Uint8Array[], unitsMax = 1_000): ServerSentEvent[] {
  const events: ServerSentEvent[] = [];
  const reader = new EventReader(unitsMax, (event) => events.push(event));
  for (const piece of pieces) reader.write(Buffer.from(piece));
  return events;
}

const STREAM = Buffer.from(
  [
    '\ufeff: a comment',
    'garbage without a colon',
    'data: one “ü” 北京 🚢',
    '',
    'event: named',
    'id: 7',
    'retry: 5',
    'data:two',
    'data:  three',
    'data',
    '',
    'event: nothing is said',
    '',
    'data: [DONE]',
    '',
    'data: half',
  ].join('\n'),
);
const EVENTS = [
  { event: '', data: 'one “ü” 北京 🚢' },
  { event: 'named', data: 'two\n three\n' },
  { event: '', data: '[DONE]' },
];

describe('events of a stream', () => {
  it.each(['\n', '\r\n', '\r'])('are the same wherever it is cut, with line ends %j', (end) => {
    const bytes = Buffer.from(STREAM.toString().replaceAll('\n', end));
    for (let at = 0; at <= bytes.length; at++)
      expect(read([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(EVENTS);
  });

  it('are the same byte by byte', () => {
    expect(read(Array.from(STREAM, (byte) => Uint8Array.of(byte)))).toEqual(EVENTS);
  });

  it('that are too long are passed over, and nothing else', () => {
    const stream = `data: a\n\ndata: ${'x'.repeat(50)}\ndata: y\n\ndata: b\n\n`;
    const bytes = Buffer.from(stream);
    for (let at = 0; at <= bytes.length; at++) {
      const events = read([bytes.subarray(0, at), bytes.subarray(at)], 40);
      expect(events.map(({ data }) => data)).toEqual(['a', 'b']);
    }
  });
});
