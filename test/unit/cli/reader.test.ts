import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { CommandError } from '../../../src/cli/terminal/command-error.ts';
import type { NewContext } from '../../../src/protocol/messages.generated.ts';
import { LineError, toContext, type ImportLine } from '../../../src/cli/transfer/line.ts';
import { readItems, type SourceItem } from '../../../src/cli/transfer/reader.ts';
import { parseSpokenTime } from '../../../src/cli/transfer/times.ts';

async function read(
  text: string | Uint8Array,
  chunkBytes = 7,
  lineBytesMax?: number,
): Promise<(SourceItem['content'] | string)[]> {
  const bytes = Buffer.from(text);
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let start = 0; start < bytes.length; start += chunkBytes)
      yield await Promise.resolve(bytes.subarray(start, start + chunkBytes));
  }
  const found: (SourceItem['content'] | string)[] = [];
  for await (const { place, content } of readItems(chunks(), lineBytesMax)) {
    const at = [place.line, place.turn].filter((part) => part !== undefined).join('/');
    found.push(content instanceof LineError ? `${at}: ${content.message}` : content);
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

describe('what cannot be read', () => {
  const good = { text: 'good' };
  const goodLine = '{"text":"good"}';

  it.each([
    ['a line that is too long', `{"text":"${'x'.repeat(2000)}"}`, 'is longer than'],
    ['a damaged line that is too long', `{"text":"${'x'.repeat(2000)}`, 'is longer than'],
    ['bytes of Latin-1', Buffer.from('{"text":"gr\xfc\xdfe"}', 'latin1'), 'is not UTF-8'],
    ['half a character', Buffer.from('{"text":"\xe2\x82"}', 'latin1'), 'is not UTF-8'],
    ['half a surrogate pair', '{"text":"\\ud83d alone"}', 'half of a surrogate pair'],
    ['half a surrogate pair in a key', '{"text":"a","metadata":{"\\udc00":1}}', 'half of a surrogate pair'],
    ['the key __proto__', '{"text":"x","metadata":{"__proto__":1}}', 'the key `__proto__` is not allowed'],
    [
      'the key __proto__, escaped',
      '{"text":"x","metadata":{"a":[{"\\u005f_proto__":{}}]}}',
      '`__proto__` is not allowed',
    ],
    ['the field __proto__', '{"text":"x","__proto__":{"a":1}}', '`__proto__` is not allowed'],
    ['a key that stands twice', '{"text":"x","text":"y"}', 'the key `text` stands twice'],
    ['a key that stands twice further in', '{"text":"x","metadata":{"a":[{"b":1,"b":1}]}}', 'the key `b` stands twice'],
    [
      'a key that stands twice, once escaped',
      '{"text":"x","metadata":{"b":1,"\\u0062":1}}',
      'the key `b` stands twice',
    ],
    ['a number past all range', '{"text":"x","metadata":{"a":-1e999}}', 'a number that is too large'],
    ['a time past all range', '{"text":"x","created_at":1e400}', 'a number that is too large'],
    [
      'an integer that would lose digits',
      '{"text":"x","metadata":{"id":12345678901234567890}}',
      'digits would be lost',
    ],
    ['too many levels', `{"text":"x","metadata":{"a":${'['.repeat(30)}${']'.repeat(30)}}}`, 'nested more than 31'],
    [
      'far too many levels',
      `{"text":"x","metadata":{"a":${'['.repeat(900)}${']'.repeat(900)}}}`,
      'nested more than 31',
    ],
    ['a constructor as field', '{"text":"x","constructor":1}', 'unknown field `constructor`'],
    ['a null', '{"text":"x","session_id":null}', 'field `session_id` has the wrong type'],
    ['no turns', '{"turns":[]}', 'the conversation has no turns'],
    [
      'turns that stand twice',
      '{"turns":[{"speaker":"A","text":"a","text":"b"}],"turns":[{"speaker":"A","text":"a"}]}',
      'the key `turns` stands twice',
    ],
  ])('%s is one bad line, wherever it stands', async (_what, bad, message) => {
    for (const [before, after] of [
      [0, 2],
      [2, 0],
      [1, 1],
    ] as const) {
      const text = Buffer.concat([
        Buffer.from(`${goodLine}\n\n`.repeat(before)),
        Buffer.from(bad),
        Buffer.from(`\n\n${goodLine}`.repeat(after)),
      ]);
      const found = await read(text, 100, 1900);
      expect(found.filter((item) => typeof item !== 'string')).toEqual(Array.from({ length: 2 }, () => good));
      const told = found.filter((item) => typeof item === 'string');
      expect(told).toHaveLength(1);
      expect(told[0]).toContain(`${2 * before + 1}: `);
      expect(told[0]).toContain(message);
    }
  });

  it('does not take what is fine for it', async () => {
    const lines = [
      '{"text":"\\ud83d\\ude00 😀 \\\\ud83d \\" {[ ,"}',
      '{"text":"x","metadata":{"constructor":{"prototype":1},"toString":"a","hasOwnProperty":[],"":0}}',
      '{"text":"x","metadata":{"a":[{"b":1},{"b":1}],"b":{"b":{"b":9007199254740993.0}}}}',
      '{"text":"x","metadata":{"big":9223372036854776000,"exact":18446744073709551616,"e":1e21,"tiny":1e-400,"zero":-0}}',
      `{"text":"x","metadata":{"a":${'['.repeat(29)}${']'.repeat(29)}}}`,
    ];
    expect(await read(lines.join('\n'))).toEqual(lines.map((line) => JSON.parse(line) as ImportLine));
  });

  it('is told by its place where a damaged line follows blank ones, so that the corrected file has the same places', async () => {
    const damaged = '\n \n{"text":"a"\n{"text":"b"}\n\n{"text":"c"}';
    expect(await read(damaged)).toEqual(['3: is not valid JSON', { text: 'b' }, { text: 'c' }]);
    const places = async (text: string): Promise<(number | undefined)[]> => {
      async function* chunks(): AsyncGenerator<Uint8Array> {
        yield await Promise.resolve(Buffer.from(text));
      }
      const found: (number | undefined)[] = [];
      for await (const { place } of readItems(chunks())) found.push(place.line);
      return found;
    };
    expect(await places(damaged)).toEqual([3, 4, 6]);
    expect(await places(damaged.replace('"a"', '"a"}'))).toEqual([3, 4, 6]);
  });

  it('is one line of many where the first is damaged and all are more than a document may be', async () => {
    const lines = Array.from({ length: 500 }, () => goodLine);
    expect(await read(['{"text":', ...lines].join('\n'), 1000, 2000)).toEqual([
      '1: is not valid JSON',
      ...lines.map(() => good),
    ]);
  });

  it('is one line of many where the first is damaged and another is too long', async () => {
    const text = ['{"text":', goodLine, `"${'x'.repeat(3000)}"`, goodLine].join('\n');
    expect(await read(text, 1000, 2000)).toEqual([
      '1: is not valid JSON',
      good,
      expect.stringMatching(/^3: is longer than/),
      good,
    ]);
  });

  it.each([
    ['UTF-16 with a mark', Buffer.from('\ufeff{"text":"a"}', 'utf16le'), 'the input is UTF-16'],
    ['UTF-16, the other way round', Buffer.from('\ufeff{"text":"a"}', 'utf16le').swap16(), 'the input is UTF-16'],
    ['UTF-16 without a mark', Buffer.from('{"text":"a"}', 'utf16le'), 'the input is UTF-16'],
    ['gzip', gzipSync('{"text":"a"}'), 'the input is compressed with gzip'],
  ])('%s is told at once, and how to convert it', async (_what, bytes, message) => {
    for (const chunkBytes of [1, 3, 1000]) {
      const error: unknown = await read(bytes, chunkBytes).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ message: expect.stringContaining(message) as string });
      expect((error as CommandError).remedy).toContain('| context-manager import -');
    }
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
      expect.stringMatching(/^(1\/)?3: a turn needs the texts `speaker` and `text`$/) as string,
    ]);
  });
});

function contextOf(...args: Parameters<typeof toContext>): NewContext {
  return toContext(...args).context;
}

describe('a turn', () => {
  const TURN = { speaker: 'Ann', text: 'hello' };

  it.each([
    [
      { session: 7, id: 8 },
      { session_id: '7', metadata: { speaker: 'Ann', turn_id: '8' } },
    ],
    [{ session: '' }, { session_id: '' }],
    [{ score: null, nested: { a: [1] } }, {}],
  ])('%j is read', async (fields, expected) => {
    const [found] = await read(JSON.stringify({ turns: [{ ...TURN, ...fields }] }));
    expect(found).toMatchObject({ text: 'Ann: hello', ...expected });
  });

  it.each([
    [{ session: true }, 'field `session` of the turn must be text or a number'],
    [{ session: {} }, 'field `session` of the turn must be text or a number'],
    [{ id: [] }, 'field `id` of the turn must be text or a number'],
    [{ date_time: 5 }, 'field `date_time` of the turn must be text'],
    [{ date_time: '2023-02-30' }, '`date_time` must be a date'],
    [{ image_caption: {} }, 'field `image_caption` of the turn must be text'],
    [{ text: null }, 'field `text` of the turn must be text'],
  ])('%j is told, and takes no other with it', async (fields, message) => {
    const found = await read(JSON.stringify({ turns: [TURN, { ...TURN, ...fields }, TURN] }));
    const told = expect.stringContaining(`1/2: ${message}`) as string;
    expect(found).toMatchObject([{ text: 'Ann: hello' }, told, { text: 'Ann: hello' }]);
  });

  it('is told where a field that is read would be changed in silence, and only there', async () => {
    const turns = [
      '{"speaker":"A","text":"a","text":"b"}',
      '{"speaker":"A","text":"a","id":12345678901234567890}',
      '{"speaker":"A","text":"\\ud800"}',
      '{"speaker":"A","text":"a","likes":12345678901234567890,"likes":{"b":1,"b":2}}',
    ];
    expect(await read(`{"about":{"a":1,"a":2},"turns":[${turns.join(',')}]}`)).toEqual([
      '1/1: the key `text` stands twice',
      expect.stringMatching(/^1\/2: holds the number 12345678901234567890/),
      expect.stringMatching(/^1\/3: holds half of a surrogate pair/),
      expect.objectContaining({ text: 'A: a' }),
    ]);
  });
});

describe('toContext', () => {
  it('makes the same id for the same line at the same place, and another elsewhere', () => {
    const line = { text: 'hello' };
    const id = contextOf(line, 1, DEFAULTS).id;
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(contextOf({ ...line }, 1, DEFAULTS).id).toBe(id);
    expect(contextOf(line, 2, DEFAULTS).id).not.toBe(id);
    expect(contextOf(line, 1, { ...DEFAULTS, agentId: 'other' }).id).not.toBe(id);
    expect(contextOf({ ...line, session_id: 's' }, 1, DEFAULTS).id).not.toBe(id);
  });

  it('keeps an id that is a UUID, and remembers one that is not', () => {
    const uuid = '0198C1C2-3a5b-7c1d-9e2f-0123456789ab';
    expect(contextOf({ text: 'a', id: uuid }, 1, DEFAULTS)).toMatchObject({ id: uuid.toLowerCase(), metadata: {} });
    const own = contextOf({ text: 'a', id: 'ticket-7' }, 1, DEFAULTS);
    expect(own.metadata).toEqual({ source_id: 'ticket-7' });
    expect(contextOf({ text: 'b', id: 'ticket-7' }, 9, DEFAULTS).id).toBe(own.id);
  });

  it('puts the speaker before the text', () => {
    expect(contextOf({ text: 'hello', speaker: 'Ann' }, 1, DEFAULTS)).toMatchObject({
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
    expect(contextOf(full, 1, { ...DEFAULTS, namespaceFor: () => 'n', sessionId: 'other' })).toMatchObject({
      agent_id: 'x',
      session_id: 's',
      level: 'immediate',
      namespace: 'n',
      created_at: Date.UTC(2025, 8, 3, 9, 12),
      metadata: { role: 'customer', a: 1 },
    });
    expect(contextOf({ text: 'a' }, 1, { ...DEFAULTS, sessionId: 's' })).toMatchObject({
      agent_id: 'cli',
      session_id: 's',
      level: 'long_term',
      created_at: 1,
    });
    for (const time of ['soon', '2023-02-30', '5', 1.5]) {
      expect(() => contextOf({ text: 'a', created_at: time }, 1, DEFAULTS)).toThrow(LineError);
      expect(() => contextOf({ text: 'a', expires_at: time }, 1, DEFAULTS)).toThrow(LineError);
    }
    expect(toContext({ text: 'a', expires_at: '2030-01-01' }, 1, DEFAULTS).expiresAtMs).toBe(Date.UTC(2030, 0, 1));
  });
});

describe('parseSpokenTime', () => {
  it.each([
    ['12:05 am on 1 January, 2024', Date.UTC(2024, 0, 1, 0, 5)],
    ['12:05 pm on 1 January, 2024', Date.UTC(2024, 0, 1, 12, 5)],
    ['2023-05-08', Date.UTC(2023, 4, 8)],
    ['2023-05-08 13:56', Date.UTC(2023, 4, 8, 13, 56)],
    ['2023-05-08T13:56:00+02:00', Date.UTC(2023, 4, 8, 11, 56)],
    ['2023-05-08T13:56+0200', Date.UTC(2023, 4, 8, 11, 56)],
    ['2024-02-29', Date.UTC(2024, 1, 29)],
    ['1:56 pm on 8 Sep 2023', Date.UTC(2023, 8, 8, 13, 56)],
    ['yesterday', null],
    ['8 May', null],
    ['2023-02-29', null],
    ['2023-02-30T10:00:00Z', null],
    ['2023-04-31', null],
    ['2023-13-01', null],
    ['2023-05-08T24:00:00Z', null],
    ['2023-05-08T10:60:00Z', null],
    ['2023-05-08T10:00:00+25:00', null],
    ['1:56 pm on 31 February, 2023', null],
    ['13:56 pm on 8 May, 2023', null],
    ['0:56 am on 8 May, 2023', null],
    ['1:60 pm on 8 May, 2023', null],
    ['1:56 pm on 8 Mayhem, 2023', null],
  ])('%s', (text, expected) => {
    expect(parseSpokenTime(text)).toBe(expected);
  });
});
