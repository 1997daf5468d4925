import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/cli.ts';
import { GatewayWorld, SECRET, TOKEN } from '../support/gateway/gateway-world.ts';
import { model } from '../support/gateway/scripted-model.ts';
import { messagesOf, wordsOf } from '../support/gateway/valid-prompts.ts';

const ROOT = join(import.meta.dirname, '../..');

let world: GatewayWorld;
beforeAll(async () => {
  world = await GatewayWorld.open();
  // It knows what it was told in the same conversation, and nothing else.
  world.upstream.answer(
    model((asked) => {
      const words = messagesOf(asked).map(wordsOf).join('\n');
      return {
        text: /bake\?$/.test(wordsOf(messagesOf(asked).at(-1)!))
          ? `${/peanuts/.test(words) ? 'No peanuts' : 'Peanut cake'}!`
          : 'Noted.',
      };
    }),
  );
});
afterAll(() => world.close());

async function cli(args: readonly string[], input = ''): Promise<{ code: number; stdout: string; stderr: string }> {
  const written = { stdout: '', stderr: '' };
  const output = (name: keyof typeof written) => ({
    write(text: string): Promise<void> {
      written[name] += text;
      return Promise.resolve();
    },
  });
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(Buffer.from(input));
  }
  const environment = { CONTEXT_MANAGER_GATEWAY_TOKEN: TOKEN };
  const there = args.includes('--gateway') ? args : [...args, '--gateway', world.origin];
  const io = { stdin: chunks(), stdout: output('stdout'), stderr: output('stderr'), environment, folder: ROOT };
  return { code: await run(there, io, '1.2.3'), ...written };
}

/** A gateway whose streams end so. */
async function failing(
  end: (response: ServerResponse) => unknown,
): Promise<{ url: string; close(): Promise<unknown> }> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    end(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = (): Promise<unknown> => (server.closeAllConnections(), once(server.close(), 'close'));
  return { url: `http://127.0.0.1:${port}`, close };
}

describe('the command chat', () => {
  it('says each line, and goes on where it was', async () => {
    const first = await cli(['chat', '--session', 'c1'], 'I am allergic to peanuts\n\nand to dust');
    expect(first).toEqual({ code: 0, stdout: 'Noted.\nNoted.\n', stderr: '' });
    const { code, stdout } = await cli(['chat', '--session', 'c1', '--json', 'what shall I bake?']);
    expect([code, JSON.parse(stdout)]).toEqual([
      0,
      { session_id: 'c1', message: 'what shall I bake?', answer: 'No peanuts!', memory: 'on' },
    ]);
  });

  it('goes on in a session of any name', async () => {
    await cli(['chat', '--session', 'Åse/北京', 'I am allergic to peanuts']);
    const { stdout } = await cli(['chat', '--session', 'Åse/北京', 'what shall I bake?']);
    expect(stdout).toBe('No peanuts!\n');
  });

  it.each([
    ['an event of its own', 'event: error\ndata: {"error":{"message":"out of\\u001b[2J tokens"}}\n\n', 'out of'],
    ['a piece of the answer', 'data: {"error":{"message":"overloaded"}}\n\n', 'overloaded'],
    ['no JSON', 'event: error\ndata: oops\n\n', 'oops'],
  ])('tells of a failure in a stream: %s', async (_what, event, message) => {
    const half = 'data: {"choices":[{"index":0,"delta":{"content":"half"}}]}\n\ndata: {broken\n\n';
    const say = await failing((response) => response.end(half + event));
    const { code, stdout, stderr } = await cli(['chat', 'hello', '--gateway', say.url]);
    expect([code, stdout]).toEqual([1, 'half']);
    expect(stderr).toContain(`the model's service failed: ${message}`);
    expect(stderr).not.toContain('\u001b[2J');
    await say.close();
  });

  it('tells of a stream that breaks off, and of a line that is too long', async () => {
    const say = await failing((response) => {
      response.write('data: {"choices":[{"index":0,"delta":{"content":"half"}}]}\n\n', () => response.destroy());
    });
    const broken = await cli(['chat', 'hello', '--gateway', say.url]);
    expect([broken.code, broken.stderr]).toEqual([1, expect.stringContaining('the answer broke off')]);
    await say.close();
    const long = await cli(['chat'], `\n${'x'.repeat(5 * 1024 * 1024)}`);
    expect([long.code, long.stderr]).toEqual([1, expect.stringContaining('line 2 is longer than 4 MiB')]);
  });

  it.each([
    [['--gateway', 'http://127.0.0.1:9'], 'no gateway answers at http://127.0.0.1:9/v1'],
    [['--gateway', 'nowhere'], '--gateway is no http:// or https:// address'],
    [['--token-file', '/nowhere/token'], 'cannot read the token'],
  ])('with %j says what to mend', async (options, message) => {
    const { code, stderr } = await cli(['chat', 'hello', ...options]);
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
  });
});

/** An agent of the examples, in a process of its own, which is told `input`. */
async function agent(name: string, variables: Readonly<Record<string, string>>, input: string): Promise<string> {
  const child = spawn(process.execPath, [join(ROOT, 'examples', name)], {
    env: { PATH: process.env['PATH'] ?? '', ...variables },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number];
  expect(code).toBe(0);
  return said;
}

it.each([
  ['chat-agent-gateway.ts', () => ({ GATEWAY_URL: `${world.origin}/v1`, GATEWAY_TOKEN: TOKEN })],
  [
    'chat-agent-sdk.ts',
    () => ({
      PORT: String(world.server.port),
      PROTOCOL_SECRET: SECRET,
      OPENAI_API_KEY: 'x',
      OPENAI_BASE_URL: world.upstream.url,
    }),
  ],
])('the example %s remembers across restarts of itself and of the server', async (name, variables) => {
  expect(await agent(name, variables(), 'I am allergic to peanuts.\n')).toBe('Noted.\n');
  await world.restart();
  expect(await agent(name, variables(), 'What shall I bake?\n')).toBe('No peanuts!\n');
});
