import { describe, expect, it } from 'vitest';
import { LineError, toContext, type ImportLine } from '../../../src/cli/transfer/line.ts';
import { readItems } from '../../../src/cli/transfer/reader.ts';
import { parseDateTime } from '../../../src/cli/transfer/times.ts';

async function read(text: string, chunkBytes = 7): Promise<(ImportLine | string)[]> {
  const bytes = Buffer.from(text);
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let start = 0; start < bytes.length; start += chunkBytes)
      yield await Promise.resolve(bytes.subarray(start, start + chunkBytes));
  }
  const found: (ImportLine | string)[] = [];
  for await (const { place, content } of readItems(chunks())) {
    found.push(content instanceof LineError ? `${place}: ${content.message}` : content);
  }
  return found;
}

const DEFAULTS = {
  agentId: 'cli',
  level: 'long_term',
  nextTimeMs: () => 1,
  namespaceFor: (named?: string) => named,
} as const;

describe('JSON lines', () => {
  it('are read whatever the chunks, with and without a last newline, in any script', async () => {
    const text = '{"text":"grüße 日本"}\r\n\n{"text":"b","tags":["x"]}';
    for (const chunkBytes of [1, 3, 1000]) {
      expect(await read(text, chunkBytes)).toEqual([{ text: 'grüße 日本' }, { text: 'b', tags: ['x'] }]);
    }
    expect(await read('\uFEFF{"text":"a"}\n')).toEqual([{ text: 'a' }]);
    expect(await read('')).toEqual([]);
  });

  it('that cannot be stored are named by number and field', async () => {
    const lines = [
      '{"text":"a"}',
      'not json',
      '[1]',
      '{"txt":"a"}',
      '{"text":1}',
      '{"id":"a"}',
      '{"text":"a","tags":[1]}',
    ];
    expect(await read(lines.join('\n'))).toEqual([
      { text: 'a' },
      '2: is not valid JSON',
      '3: must be a JSON object',
      expect.stringMatching(/^4: unknown field `txt`; did you mean `text`\?/),
      '5: field `text` has the wrong type',
      '6: field `text` is missing',
      '7: field `tags` has the wrong type',
    ]);
  });

  it('go on after a broken first line', async () => {
    expect(await read('{"text":\n{"text":"b"}\n')).toEqual(['1: is not valid JSON', { text: 'b' }]);
  });
});

describe('a conversation document', () => {
  const document = {
    speakers: ['A', 'B'],
    turns: [
      {
        id: 'D1:1',
        session: 1,
        date_time: '1:56 pm on 8 May, 2023',
        speaker: 'A',
        text: 'Look!',
        image_caption: 'a photo of a dog',
      },
      { id: 'D1:2', session: 1, date_time: '1:56 pm on 8 May, 2023', speaker: 'B', text: 'Nice.' },
      { speaker: 'B' },
    ],
  };

  it.each([JSON.stringify(document), JSON.stringify(document, null, 2)])('becomes one context a turn', async (text) => {
    const found = await read(text, 1000);
    expect(found).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
        text: 'A: Look! [shares a photo of a dog]',
        session_id: '1',
        created_at: Date.UTC(2023, 4, 8, 13, 56),
        metadata: { speaker: 'A', turn_id: 'D1:1', date_time: '1:56 pm on 8 May, 2023' },
      },
      expect.objectContaining({ text: 'B: Nice.', created_at: Date.UTC(2023, 4, 8, 13, 56, 1) }),
      '3: a turn needs the texts `speaker` and `text`',
    ]);
  });
});

describe('toContext', () => {
  it('makes the same id for the same line at the same place, and another elsewhere', () => {
    const line = { text: 'hello' };
    const id = toContext(line, 1, DEFAULTS).id;
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(toContext({ ...line }, 1, DEFAULTS).id).toBe(id);
    expect(toContext(line, 2, DEFAULTS).id).not.toBe(id);
    expect(toContext(line, 1, { ...DEFAULTS, agentId: 'other' }).id).not.toBe(id);
    expect(toContext({ ...line, session_id: 's' }, 1, DEFAULTS).id).not.toBe(id);
  });

  it('keeps an id that is a UUID, and remembers one that is not', () => {
    const uuid = '0198C1C2-3a5b-7c1d-9e2f-0123456789ab';
    expect(toContext({ text: 'a', id: uuid }, 1, DEFAULTS)).toMatchObject({ id: uuid.toLowerCase(), metadata: {} });
    const own = toContext({ text: 'a', id: 'ticket-7' }, 1, DEFAULTS);
    expect(own.metadata).toEqual({ source_id: 'ticket-7' });
    expect(toContext({ text: 'b', id: 'ticket-7' }, 9, DEFAULTS).id).toBe(own.id);
  });

  it('puts the speaker before the text', () => {
    expect(toContext({ text: 'hello', speaker: 'Ann' }, 1, DEFAULTS)).toMatchObject({
      text: 'Ann: hello',
      metadata: { speaker: 'Ann' },
    });
  });

  it('puts the defaults where the line says nothing, and only there', () => {
    const full = {
      text: 'a',
      agent_id: 'x',
      session_id: 's',
      level: 'immediate',
      created_at: '2025-09-03T09:12:00Z',
      role: 'customer',
      metadata: { a: 1 },
    } as const;
    expect(toContext(full, 1, { ...DEFAULTS, namespaceFor: () => 'n', sessionId: 'other' })).toMatchObject({
      agent_id: 'x',
      session_id: 's',
      level: 'immediate',
      namespace: 'n',
      created_at: Date.UTC(2025, 8, 3, 9, 12),
      metadata: { role: 'customer', a: 1 },
    });
    expect(toContext({ text: 'a' }, 1, { ...DEFAULTS, sessionId: 's' })).toMatchObject({
      agent_id: 'cli',
      session_id: 's',
      level: 'long_term',
      created_at: 1,
    });
    expect(() => toContext({ text: 'a', created_at: 'soon' }, 1, DEFAULTS)).toThrow(LineError);
  });
});

describe('parseDateTime', () => {
  it.each([
    ['12:05 am on 1 January, 2024', Date.UTC(2024, 0, 1, 0, 5)],
    ['12:05 pm on 1 January, 2024', Date.UTC(2024, 0, 1, 12, 5)],
    ['2023-05-08', Date.UTC(2023, 4, 8)],
    ['2023-05-08 13:56', Date.UTC(2023, 4, 8, 13, 56)],
    ['2023-05-08T13:56:00+02:00', Date.UTC(2023, 4, 8, 11, 56)],
    ['yesterday', NaN],
    ['8 May', NaN],
  ])('%s', (text, expected) => {
    expect(parseDateTime(text)).toBe(expected);
  });
});
