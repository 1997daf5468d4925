import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHAT } from '../../../../../src/fronts/gateway/shapes/chat.ts';
import { inTurns, LoopTurns } from '../../../../../src/base/loop-turns.ts';
import { ITEMS_MAX, requestJson } from '../../../../../src/fronts/gateway/request-json.ts';
import { MESSAGES } from '../../../../../src/fronts/gateway/shapes/messages.ts';
import { RESPONSES } from '../../../../../src/fronts/gateway/shapes/responses.ts';

const SHAPES = [
  ['chat', CHAT, 'messages'],
  ['responses', RESPONSES, 'input'],
  ['messages', MESSAGES, 'messages'],
] as const;

const turns = new LoopTurns();

const type = fc.constantFrom(
  ...['message', 'function_call', 'function_call_output', 'custom_tool_call', 'reasoning', 'item_reference'],
  ...['computer_call', 'web_search_call', 'text', 'tool_use', 'tool_result', 'of tomorrow'],
);
const role = fc.constantFrom('user', 'assistant', 'system', 'developer', 'tool', 'function', 'nobody');
const value = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.string({ unit: 'binary' }));
const item = fc.record(
  { type, role, content: fc.oneof(value, fc.array(fc.record({ type, text: value }))), call_id: value, output: value },
  { requiredKeys: [] },
);

describe.each(SHAPES)('a request of %s', (_name, shape, list) => {
  it('is read whatever stands in it, and each item of it belongs to one group, in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(item, value)), fc.constantFrom(undefined, 1), async (items, indent) => {
        const text = JSON.stringify({ model: 'm', [list]: items, n: 1 }, null, indent);
        const read = await inTurns(shape.read(await requestJson(Buffer.from(text.toWellFormed()), turns)), turns);
        const raws = read?.groups.map(({ span }) => text.slice(span.from, span.to)) ?? [];
        expect(JSON.parse(`[${raws.join(',')}]`)).toEqual(JSON.parse(JSON.stringify(items)));
      }),
      { numRuns: 100 },
    );
  });

  it('is not looked into where it has more items than any conversation', async () => {
    for (const [count, isRead] of [
      [ITEMS_MAX, true],
      [ITEMS_MAX + 1, false],
    ] as const) {
      const items = Array.from({ length: count }, () => ({ role: 'user', content: 'x' }));
      const request = await requestJson(Buffer.from(JSON.stringify({ [list]: items })), turns);
      expect((await inTurns(shape.read(request), turns)) !== null).toBe(isRead);
    }
  });

  it('goes up byte for byte where nothing takes the place of anything', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(item), async (items) => {
        const text = JSON.stringify({ [list]: items }, null, 1);
        const read = await inTurns(shape.read(await requestJson(Buffer.from(text.toWellFormed()), turns)), turns);
        if (read === null) throw new Error('not read');
        const entries = read.groups.map((_, group) => ({ group }));
        expect(shape.compose(text, read, { entries, memory: null, header: null })).toBe(text);
      }),
      { numRuns: 50 },
    );
  });
});
