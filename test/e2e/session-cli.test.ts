import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cliVariables, World, type ServerProcess } from './support/processes.ts';

const world = new World();
let folder: string;
let server: ServerProcess;
beforeAll(async () => {
  folder = world.folder();
  server = await world.serve(folder);
});
afterAll(() => world.cleanUp());

async function cli(args: readonly string[], variables: Record<string, string> = {}): Promise<string> {
  const { code, stdout, stderr } = await world.run(['session', ...args], folder, {
    ...cliVariables(server),
    ...variables,
  });
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return stdout;
}

const read = async <T>(args: readonly string[], variables?: Record<string, string>): Promise<T> =>
  JSON.parse(await cli([...args, '--json'], variables)) as T;

describe('sessions on the command line', () => {
  it('are talked in, shown, bounded, opened up again and emptied', async () => {
    expect(await cli(['append', 'trip', 'user', 'Which flights does Mara like?'])).toMatch(
      /^1 message, \d+ of 4096 tokens\n$/,
    );
    await cli(['append', 'trip', 'assistant', 'Early ones, with a seat at the window.']);
    expect(await cli(['window', 'trip', '--no-recall', '--max-tokens', '500'])).toMatch(
      /^user:\n {2}Which flights does Mara like\?\nassistant:\n {2}Early ones, with a seat at the window\.\n\d+ tokens\n$/,
    );
    await cli(['configure', 'trip', '--max-tokens', '200', '--header', 'You are kind.']);
    for (const name of ['Lisbon', 'Oslo', 'Rome'])
      await cli(['append', 'trip', 'user', `And to ${name}? ${'We talked about this and that. '.repeat(10)}`]);
    expect(await cli(['window', 'trip', '--no-recall'])).toContain('system (header):\n  You are kind.\n');
    const { cards, window } = await read<{ cards: { card_id: string }[]; window: { archived_messages: number } }>([
      'get',
      'trip',
    ]);
    expect(window.archived_messages).toBeGreaterThanOrEqual(2);
    expect(await cli(['get', 'trip'])).toContain(cards[0]?.card_id);
    expect(await cli(['expand', 'trip', cards.at(-1)?.card_id ?? ''])).toContain('Which flights does Mara like?');
    expect(await cli(['reset', 'trip'])).toMatch(/^\d messages? left the window\n$/);
    expect(await cli(['reset', 'trip', '--forget'])).toBe('5 contexts deleted\n');
    expect(await cli(['list'])).toBe('no session has a window\n');
  });

  it('are those of the agent that the environment names, listed as many as are asked for', async () => {
    const mine = { CONTEXT_MANAGER_AGENT: 'mine' };
    for (const name of ['a', 'b', 'c']) await cli(['append', name, 'user', 'hello'], mine);
    const names = async (...args: string[]): Promise<string[]> =>
      (await read<{ session_id: string }[]>(['list', ...args], mine)).map(({ session_id: name }) => name);
    expect(await names()).toEqual(['c', 'b', 'a']);
    expect(await names('--limit', '2')).toEqual(['c', 'b']);
    expect(await read(['list'])).toEqual([]);
  });

  it.each([
    [['window', 's', '--max-tokens', '1.5']],
    [['configure', 's', '--offload-at', '7']],
    [['append', 's', 'robot', 'hello']],
    [['expand', 's', 'none']],
  ])('refuse %j', async (args) => {
    const { code, stderr } = await world.run(['session', ...args], folder, cliVariables(server));
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/^error: /);
  });
});
