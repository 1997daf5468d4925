import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonElements, type JsonElement } from '../../../src/cli/transfer/formats/json-elements.ts';
import { readForeign, type ForeignFormatName } from '../../../src/cli/transfer/formats/formats.ts';
import { LineError, type ImportLine } from '../../../src/cli/transfer/line.ts';

async function* inChunks(text: string | Uint8Array, sizes: readonly number[] = []): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  let start = 0;
  for (const size of sizes) yield await Promise.resolve(bytes.subarray(start, (start += size)));
  yield bytes.subarray(start);
}

async function read(name: ForeignFormatName, text: string): Promise<{ lines: ImportLine[]; faults: string[] }> {
  const lines: ImportLine[] = [];
  const faults: string[] = [];
  for await (const { place, content } of readForeign(inChunks(text), name)) {
    if (content instanceof LineError) faults.push(`${place.at}: ${content.message}`);
    else lines.push(content);
  }
  return { lines, faults };
}

const exported = (name: string): string =>
  readFileSync(new URL(`../../support/foreign-exports/${name}`, import.meta.url), 'utf8');
const at = (time: string): number => Date.parse(time);

describe('ChatGPT', () => {
  it('gives the branch that leads from current_node to the root, and leaves malformed conversations out', async () => {
    const { lines, faults } = await read('chatgpt', exported('conversations.json'));
    expect(lines.map(({ text, role, created_at: time, session_id: session }) => [session, role, time, text])).toEqual([
      ['conv-1', 'user', 1700000010125, 'Where should I stay in Lisbon?'],
      ['conv-1', 'assistant', 1700000020000, 'Alfama is quiet "at night"; [Baixa] is central {and flat}.'],
      ['conv-1', 'user', 1700000030000, 'Is this house in Alfama?'],
      ['conv-1', 'assistant', 1700000030001, 'Yes, it stands in Alfama.'],
      ['conv-4', 'user', 1700003001000, 'Remind me of the tiles museum'],
    ]);
    expect(lines[0]?.metadata).toEqual({ source: 'chatgpt', source_id: 'u1', title: 'Trip to Lisbon' });
    expect(faults).toEqual([
      'conversation 2, line 14: its branch leads to a node that is not in `mapping`',
      'conversation 3, line 15: its branch leads in a circle',
    ]);
  });

  it('goes on behind a conversation that is no JSON, and tells of a file that ends too early', async () => {
    const good = {
      conversation_id: 'c',
      current_node: 'u',
      mapping: { u: { message: { author: { role: 'user' }, content: { content_type: 'text', parts: ['hi'] } } } },
    };
    const { lines, faults } = await read('chatgpt', `[{"mapping": tru}, ${JSON.stringify(good)}, 7, {"mapping": {`);
    expect(lines.map(({ text }) => text)).toEqual(['hi']);
    expect(faults).toEqual([
      'conversation 1, line 1: is not valid JSON',
      'conversation 3, line 1: must be a JSON object',
      'conversation 5, line 1: the file ends in the middle of it',
    ]);
  });
});

describe('mem0', () => {
  it('gives memories with their times, tags and whom they are about', async () => {
    const { lines, faults } = await read('mem0', exported('mem0.json'));
    expect(lines).toMatchObject([
      {
        text: 'Dev works at TechCorp as a senior engineer',
        agent_id: 'hr',
        session_id: 'run-7',
        tags: ['work', 'career'],
        created_at: at('2024-07-26T17:29:36.630Z'),
        metadata: { type: 'professional', user_id: 'dev', source: 'mem0' },
      },
      { text: 'Arjun prefers morning meetings', created_at: at('2024-07-27T08:00:00.500Z') },
    ]);
    expect(faults).toEqual(['memory 2, line 5: field `memory` must be text']);
  });

  it('reads an array, and lines of JSON, alike', async () => {
    const { results } = JSON.parse(exported('mem0.json')) as { results: object[] };
    const { lines } = await read('mem0', exported('mem0.json'));
    expect((await read('mem0', JSON.stringify(results))).lines).toEqual(lines);
    expect((await read('mem0', results.map((memory) => JSON.stringify(memory)).join('\n'))).lines).toEqual(lines);
  });
});

describe('Zep', () => {
  it('gives facts with the times in which they hold, entities and messages', async () => {
    const { lines, faults } = await read('zep', exported('zep.json'));
    expect(lines).toMatchObject([
      {
        text: 'Kendra loves Adidas shoes',
        created_at: at('2024-11-01T10:00:00Z'),
        valid_from: at('2024-08-01T00:00:00Z'),
        valid_until: at('2024-10-15T00:00:00Z'),
      },
      { text: 'Kendra likes Puma shoes', valid_from: at('2024-10-15T00:00:00Z'), metadata: { strength: 3 } },
      { text: 'Kendra: A runner.' },
      {
        text: 'My Adidas shoes broke!',
        speaker: 'Kendra',
        session_id: 'thread-9',
        created_at: at('2024-11-02T09:59:00.123Z'),
      },
    ]);
    expect(lines[1]).not.toHaveProperty('valid_until');
    expect(faults).toEqual(['edge 3, line 5: has neither `fact`, nor `content`, nor `summary`']);
  });
});

describe('Letta', () => {
  it('gives what user and agent said, blocks and passages', async () => {
    const { lines, faults } = await read('letta', exported('agent.af'));
    expect(lines.map(({ text, role, agent_id: agent }) => [agent, role, text])).toEqual([
      ['guide', 'user', 'I am allergic to nuts'],
      ['guide', 'assistant', 'Noted: no nuts.'],
      [undefined, undefined, 'human: Name: Ana'],
      [undefined, undefined, "Ana's favourite cake is carrot cake"],
    ]);
    expect(lines[0]?.created_at).toBe(at('2025-06-01T09:01:00.250Z'));
    expect(faults).toEqual([
      'agent 1, line 3: message 6: field `created_at` must be a time: ISO 8601, or seconds since 1970',
    ]);
  });
});

describe('ids', () => {
  it.each([
    ['chatgpt', 'conversations.json'],
    ['mem0', 'mem0.json'],
    ['zep', 'zep.json'],
    ['letta', 'agent.af'],
  ] as const)('of %s are the same each time, and no two are', async (name, file) => {
    const [first, second] = [await read(name, exported(file)), await read(name, exported(file))];
    expect(second).toEqual(first);
    expect(new Set(first.lines.map(({ id }) => id)).size).toBe(first.lines.length);
  });
});

describe('elements of JSON', () => {
  const all = async (chunks: AsyncIterable<Uint8Array>, bytesMax = 1_000_000): Promise<JsonElement[]> => {
    const found: JsonElement[] = [];
    for await (const element of jsonElements(chunks, new Set(['items']), bytesMax)) found.push(element);
    return found;
  };
  const anySizes = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 20 });

  it('are those of the array, wherever the chunks end and whatever their texts hold', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.json()),
        anySizes,
        fc.constantFrom(0, 2),
        fc.boolean(),
        async (texts, sizes, indent, isNamed) => {
          const items = texts.map((text) => JSON.parse(text) as unknown);
          const document = isNamed ? { before: ['[', { items: 1 }], items, after: '}' } : items;
          const found = await all(inChunks(JSON.stringify(document, null, indent), sizes));
          expect(found.map(({ text }) => JSON.parse(text as string) as unknown)).toEqual(items);
          expect(found.map(({ index }) => index)).toEqual(items.map((_item, place) => place + 1));
          for (const { around, key } of found)
            expect({ around, key }).toEqual(
              isNamed
                ? { around: { before: ['[', { items: 1 }], items: [] }, key: 'items' }
                : { around: {}, key: undefined },
            );
        },
      ),
      { numRuns: 100 },
    );
  });

  it('that are longer than may be are told, and held no longer', async () => {
    const found = await all(inChunks(`["${'x'.repeat(500)}", 1]`), 100);
    expect(found.map(({ text }) => (text instanceof LineError ? 'too long' : text))).toEqual(['too long', '1']);
  });

  it('come of any bytes without an end or a fall', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('[', ']', '{', '}', '"', '\\', ':', ',', '\n', ' ', '1', '"items"', 'é')),
        async (parts) => {
          for (const { text } of await all(inChunks(parts.join('')))) expect(text === undefined).toBe(false);
        },
      ),
      { numRuns: 200 },
    );
  });
});
