import { afterAll, describe, expect, it } from 'vitest';
import { cliVariables, World } from './support/processes.ts';

const world = new World();
afterAll(() => world.cleanUp());

const WRONG = 'w'.repeat(16) + 'x'.repeat(16);

describe('failed logins', () => {
  it('of one address are answered late after some, while right keys there are served', async () => {
    const folder = world.folder();
    const server = await world.serve(folder, {
      RATE_LIMIT__AUTH_FAILURES_PER_MINUTE: '2',
      RATE_LIMIT__MAX_AUTH_DELAY_MS: '60000',
      PROTOCOL__AUTH_TIMEOUT_MS: '60000',
    });
    const fail = (): Promise<unknown> => server.connect({ secret: WRONG }).catch((error: unknown) => error);
    for (let i = 0; i < 10; i++) void fail();
    const late = fail();
    // The last of these would wait for a minute.
    const client = await server.connect();
    expect(await Promise.race([late, client.ping()])).toMatchObject({ healthy: true });
    await client.close();
    const metrics = await (await fetch(`http://127.0.0.1:${server.httpPort}/metrics`)).text();
    expect(metrics).toMatch(/context_manager_auth_delayed_total [1-9]/);
    const { stdout } = await world.run(['ping', '--json'], folder, cliVariables(server));
    expect(JSON.parse(stdout)).toMatchObject({ healthy: true });
    const { stderr } = await server.end('SIGTERM');
    expect(stderr).toContain('an address goes on failing to authenticate: its failures are answered late');
    // The end of the server keeps nobody waiting.
    expect(await late).toBeInstanceOf(Error);
  });
});
