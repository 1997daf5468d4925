import { existsSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import type { MemoryToolHandlers } from '@anthropic-ai/sdk/helpers/beta/memory';
import { BetaLocalFilesystemMemoryTool } from '@anthropic-ai/sdk/tools/memory/node';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memoryTool, memoryToolHandlers } from '../../clients/adapters/anthropic-memory/src/index.ts';
import { contextId, placeTags } from '../../clients/adapters/shared/names.ts';
import type { Client } from '../../clients/typescript/src/index.ts';
import { World, type ServerProcess } from '../e2e/support/processes.ts';
import formatVectors from '../../clients/adapters/format-vectors.json' with { type: 'json' };

type Command = Parameters<MemoryToolHandlers[keyof MemoryToolHandlers]>[0];

const world = new World();
let server: ServerProcess;
let client: Client;
let agents = 0;

beforeAll(async () => {
  server = await world.serve(world.folder());
  client = await server.connect();
});

afterAll(async () => {
  await client.close();
  await world.cleanUp();
});

function run(handlers: MemoryToolHandlers, command: Command): Promise<unknown> {
  return Promise.resolve((handlers[command.command] as (command: Command) => unknown).call(handlers, command));
}

/** The tool of an agent of its own, and how it answers or fails. */
function tool(agentId = `agent-${++agents}`) {
  const handlers = memoryToolHandlers({ client, agentId });
  const say = async (command: Command): Promise<string> => {
    try {
      return String(await run(handlers, command));
    } catch (error) {
      return `Error: ${error instanceof Error ? error.message : String(error)}`;
    }
  };
  const create = (path: string, text: string): Promise<string> => say({ command: 'create', path, file_text: text });
  const view = (path: string): Promise<string> => say({ command: 'view', path });
  return { agentId, handlers, say, create, view };
}

describe('the six commands', () => {
  it('answer as Anthropic documents them', async () => {
    const { say, create, view } = tool();
    expect(await view('/memories')).toBe(
      "Here're the files and directories up to 2 levels deep in /memories, excluding hidden items and node_modules:\n0B\t/memories",
    );
    expect(await create('/memories/notes.txt', 'one\ntwo\nthree')).toBe(
      'File created successfully at: /memories/notes.txt',
    );
    expect(await create('/memories/notes.txt', 'other')).toBe('Error: File /memories/notes.txt already exists');
    await create('/memories/a/b/c/deep.md', 'x'.repeat(1_536));
    await create('/memories/a/.hidden', 'h');
    await create('/memories/node_modules/x', 'n');
    expect((await view('/memories')).split('\n').slice(1)).toEqual([
      '1.5K\t/memories',
      '1.5K\t/memories/a/',
      '1.5K\t/memories/a/b/',
      '13B\t/memories/notes.txt',
    ]);
    expect((await view('/memories/a/b/')).split('\n').slice(1)).toEqual([
      '1.5K\t/memories/a/b',
      '1.5K\t/memories/a/b/c/',
      '1.5K\t/memories/a/b/c/deep.md',
    ]);
    expect(await view('/memories/notes.txt')).toBe(
      "Here's the content of /memories/notes.txt with line numbers:\n     1\tone\n     2\ttwo\n     3\tthree",
    );
    expect(await say({ command: 'view', path: '/memories/notes.txt', view_range: [2, -1] })).toMatch(
      /:\n {5}2\ttwo\n {5}3\tthree$/,
    );
    expect(
      await say({ command: 'str_replace', path: '/memories/notes.txt', old_str: 'two\nthree', new_str: '$& 2\n3' }),
    ).toBe(
      'The memory file has been edited. Here is the snippet showing the change (with line numbers):\n     1\tone\n     2\t$& 2\n     3\t3',
    );
    expect(await say({ command: 'insert', path: '/memories/notes.txt', insert_line: 0, insert_text: 'zero\n' })).toBe(
      'The file /memories/notes.txt has been edited.',
    );
    expect(await view('/memories/notes.txt')).toMatch(/1\tzero\n {5}2\tone\n/);
    expect(await say({ command: 'rename', old_path: '/memories/a/b', new_path: '/memories/new/b' })).toBe(
      'Successfully renamed /memories/a/b to /memories/new/b',
    );
    expect(await view('/memories/new/b/c/deep.md')).toContain('     1\txxx');
    expect(await say({ command: 'delete', path: '/memories/new' })).toBe('Successfully deleted /memories/new');
    expect(await view('/memories/new/b/c/deep.md')).toMatch(/^Error: The path .* does not exist/);
  });

  it('refuse in the words that models know', async () => {
    const { say, create } = tool();
    const path = '/memories/f';
    await create(path, 'a b a\na\nc');
    await create('/memories/dir/g', 'x');
    const refused: [Command, string][] = [
      [
        { command: 'view', path: '/memories/none' },
        'The path /memories/none does not exist. Please provide a valid path.',
      ],
      [
        { command: 'str_replace', path, old_str: 'z', new_str: '' },
        'No replacement was performed, old_str `z` did not appear verbatim in /memories/f.',
      ],
      [
        { command: 'str_replace', path, old_str: 'a', new_str: '' },
        'No replacement was performed. Multiple occurrences of old_str `a` in lines: 1, 2. Please ensure it is unique',
      ],
      [
        { command: 'str_replace', path: '/memories/dir', old_str: 'a', new_str: '' },
        'The path /memories/dir is not a file.',
      ],
      [
        { command: 'insert', path, insert_line: 4, insert_text: '' },
        'Invalid `insert_line` parameter: 4. It should be within the range of lines of the file: [0, 3]',
      ],
      [
        { command: 'insert', path: '/memories/none', insert_line: 0, insert_text: '' },
        'The path /memories/none does not exist. Please provide a valid path.',
      ],
      [{ command: 'delete', path: '/memories/none' }, 'The path /memories/none does not exist'],
      [{ command: 'delete', path: '/memories/' }, 'Cannot delete the /memories directory itself'],
      [
        { command: 'rename', old_path: '/memories/none', new_path: '/memories/h' },
        'The path /memories/none does not exist',
      ],
      [
        { command: 'rename', old_path: path, new_path: '/memories/dir' },
        'The destination /memories/dir already exists',
      ],
      [
        { command: 'rename', old_path: '/memories/dir', new_path: '/memories/dir/in' },
        'Cannot rename /memories/dir into itself',
      ],
      [{ command: 'create', path: '/memories/f/below', file_text: '' }, '/memories/f is a file, and not a directory'],
      [{ command: 'create', path: '/memories/dir', file_text: '' }, 'File /memories/dir already exists'],
      [
        { command: 'create', path: '/memories/long', file_text: 'x'.repeat(262_145) },
        'File /memories/long is too long: at most 262,144 characters',
      ],
    ];
    for (const [command, words] of refused) expect(await say(command)).toBe(`Error: ${words}`);
  });

  it.each([
    '/etc/passwd',
    'memories/a',
    '/memoriesX/a',
    '/memories/../etc',
    '/memories/a/../../b',
    '/memories/%2e%2e/b',
    '/memories/%252E%252e%2Fb',
    '/memories/..\\b',
    '/memories/a\0b',
    '/memories/\ud800',
    `/memories/${'a/'.repeat(64)}b`,
    `/memories/${'é'.repeat(2_048)}`,
    '',
  ])('take no path like %j', async (path) => {
    const { say, create } = tool();
    expect(await create(path, 'x')).toMatch(/^Error: (Path|A path)/);
    expect(await say({ command: 'rename', old_path: '/memories', new_path: path })).toMatch(/^Error: /);
  });

  it('keep every content exactly, also what shows nothing', async () => {
    const { say, create, handlers } = tool();
    for (const [place, content] of ['', ' \n\t', '\u200b', '%_.*\0é🙂\r\n', 'x\n'.repeat(1_000)].entries()) {
      await create(`/memories/%_/${place}.é🙂`, content);
      const shown = (await run(handlers, { command: 'view', path: `/memories/%_/${place}.é🙂` })) as string;
      const lines = shown
        .split('\n')
        .slice(1)
        .map((line) => line.slice(7));
      expect(lines.join('\n')).toBe(content);
    }
    // A text that showed nothing becomes one, and back.
    await say({ command: 'insert', path: '/memories/%_/0.é🙂', insert_line: 0, insert_text: 'now' });
    expect(await say({ command: 'view', path: '/memories/%_/0.é🙂' })).toContain('     1\tnow\n     2\t');
    await say({ command: 'str_replace', path: '/memories/%_/0.é🙂', old_str: 'now\n', new_str: '' });
    expect(await say({ command: 'view', path: '/memories/%_/0.é🙂' })).toMatch(/numbers:\n {5}1\t$/);
  });

  it('keep agents apart', async () => {
    await tool('alice').create('/memories/f', 'hers');
    expect(await tool('bob').view('/memories')).not.toContain('/f');
    expect(await tool('bob').create('/memories/f', 'his')).toBe('File created successfully at: /memories/f');
    await tool('bob').say({ command: 'delete', path: '/memories/f' });
    expect(await tool('alice').view('/memories/f')).toContain('hers');
  });
});

describe('many at once', () => {
  it('lose no edit, and one alone creates', async () => {
    const { agentId, create, say, view } = tool();
    const created = await Promise.all(
      Array.from({ length: 5 }, (_, place) => create('/memories/list', `begin ${place}`)),
    );
    expect(created.filter((answer) => answer.startsWith('File created'))).toHaveLength(1);
    const add = (place: number): Promise<string> =>
      tool(agentId).say({ command: 'insert', path: '/memories/list', insert_line: 1, insert_text: `entry ${place}` });
    expect(new Set(await Promise.all(Array.from({ length: 6 }, (_, place) => add(place))))).toEqual(
      new Set(['The file /memories/list has been edited.']),
    );
    const shown = await view('/memories/list');
    expect(shown.match(/entry \d/g)?.sort()).toEqual(Array.from({ length: 6 }, (_, place) => `entry ${place}`));
    // What was moved away leaves its place to others at once.
    expect(await say({ command: 'rename', old_path: '/memories/list', new_path: '/memories/other' })).toMatch(
      /^Success/,
    );
    expect(await create('/memories/list', 'begin 0')).toMatch(/^File created/);
  });

  it('find an edit that came while the file was moved', async () => {
    const { say, view, create } = tool();
    await create('/memories/from', 'begin');
    const [renamed, edited] = await Promise.all([
      say({ command: 'rename', old_path: '/memories/from', new_path: '/memories/to' }),
      say({ command: 'insert', path: '/memories/from', insert_line: 1, insert_text: 'edited' }),
    ]);
    expect(renamed).toMatch(/^Success/);
    if (edited.startsWith('The file')) expect(await view('/memories/to')).toContain('edited');
    expect(await view('/memories/from')).toMatch(/does not exist/);
  });

  it('take a file that a kill left at both places, and one that was left marked', async () => {
    const { agentId, create, view } = tool();
    await create('/memories/old', 'text');
    const id = contextId(['anthropic-memory', agentId, 'old']);
    await client.update({ id, metadata: { anthropic_memory: { path: '/memories/old', moved_to: '/memories/new' } } });
    expect(await view('/memories/old')).toMatch(/does not exist/);
    expect(await view('/memories')).not.toContain('old');
    expect(await create('/memories/old', 'text')).toMatch(/^File created/);
  });
});

it('works in the loop of the SDK', async () => {
  const asked: { messages: { content: unknown }[]; tools: unknown }[] = [];
  const use = (id: string, input: object): object => ({ type: 'tool_use', id, name: 'memory', input });
  const contents = [
    [use('t1', { command: 'create', path: '/memories/mara.md', file_text: 'Mara prefers morning flights' })],
    [use('t2', { command: 'view', path: '/memories/none' })],
    [{ type: 'text', text: 'Noted.' }],
  ];
  const fetchAnswer: typeof fetch = async (_url, init) => {
    asked.push(JSON.parse(init?.body as string) as (typeof asked)[number]);
    const content = contents[asked.length - 1];
    const stop = asked.length < contents.length ? 'tool_use' : 'end_turn';
    const message = { id: 'm', type: 'message', role: 'assistant', model: 'm', content, stop_reason: stop, usage: {} };
    return Promise.resolve(Response.json(message));
  };
  const anthropic = new Anthropic({ apiKey: 'none', fetch: fetchAnswer });
  const agentId = `agent-${++agents}`;
  const last = await anthropic.beta.messages.toolRunner({
    model: 'claude',
    max_tokens: 100,
    tools: [memoryTool({ client, agentId })],
    messages: [{ role: 'user', content: 'I prefer morning flights' }],
  });
  expect(last.content).toEqual([{ type: 'text', text: 'Noted.' }]);
  expect(asked[0]!.tools).toEqual([{ type: 'memory_20250818', name: 'memory' }]);
  expect(asked.slice(1).map(({ messages }) => messages.at(-1)!.content)).toMatchObject([
    [{ tool_use_id: 't1', content: 'File created successfully at: /memories/mara.md' }],
    [{ tool_use_id: 't2', is_error: true, content: expect.stringContaining('does not exist') as string }],
  ]);
  // What the tool keeps is found by every query.
  const { contexts } = await client.query({ query: 'which flights does Mara prefer?', agent_id: agentId });
  expect(contexts[0]!.text).toBe('Mara prefers morning flights');
});

it('names contexts as every language does', () => {
  for (const { texts, id } of formatVectors.ids) expect(contextId(texts)).toBe(id);
  for (const { kind, texts, place } of formatVectors.places) expect(placeTags(kind, texts).at(-1)).toBe(place);
});

describe('random histories', () => {
  const path = fc
    .array(fc.constantFrom('a', 'b', '%', '_.é', 'x.md'), { maxLength: 3 })
    .map((steps) => ['/memories', ...steps].join('/'));
  const content = fc
    .array(fc.constantFrom('one', 'two', '', ' ', 'th%ree'), { maxLength: 4 })
    .map((lines) => lines.join('\n'));
  const command: fc.Arbitrary<Command> = fc.oneof(
    fc.record({ command: fc.constant('create' as const), path, file_text: content }),
    fc.record({ command: fc.constant('view' as const), path }),
    fc.record({
      command: fc.constant('str_replace' as const),
      path,
      old_str: fc.constantFrom('one', 'th%'),
      new_str: fc.constantFrom('two', '$1'),
    }),
    fc.record({
      command: fc.constant('insert' as const),
      path,
      insert_line: fc.nat(5),
      insert_text: fc.constantFrom('in', 'in\n'),
    }),
    fc.record({ command: fc.constant('delete' as const), path }),
    fc.record({ command: fc.constant('rename' as const), old_path: path, new_path: path }),
  );

  /** What files say in common with the memory: sizes of directories, and directories with nothing in them, are theirs alone. */
  function withoutSizes(answer: string): string {
    return answer.startsWith("Here're") ? answer.replace(/^\S+\t/gm, '') : answer;
  }

  function prune(folder: string, isRoot = true): void {
    for (const entry of readdirSync(folder, { withFileTypes: true }))
      if (entry.isDirectory()) prune(join(folder, entry.name), false);
    if (!isRoot && readdirSync(folder).length === 0) rmdirSync(folder);
  }

  it('leave and answer the same as files on a disk', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 25 }), async (commands) => {
        const base = world.folder();
        const disk = await BetaLocalFilesystemMemoryTool.init(base);
        const { handlers, view } = tool();
        for (const one of commands) {
          const expected = await run(disk, one).then(String, (error: Error) => error);
          prune(join(base, 'memories'));
          const answered = await run(handlers, one).then(String, (error: Error) => error);
          if (expected instanceof Error) {
            expect(answered, JSON.stringify(one)).toBeInstanceOf(Error);
            // Of the disk itself it says things that nobody documents.
            if (!('code' in expected)) expect((answered as Error).message).toBe(expected.message);
          } else if (typeof answered === 'string') expect(withoutSizes(answered)).toBe(withoutSizes(expected));
          else throw answered;
        }
        expect(withoutSizes(await view('/memories'))).toBe(
          withoutSizes(String(await disk.view({ command: 'view', path: '/memories' }))),
        );
        expect(existsSync(base)).toBe(true);
      }),
      { numRuns: Number(process.env['ADAPTER_HISTORIES'] ?? 15) },
    );
  });
});
