import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ModelService } from '../support/model-service.ts';
import { cliVariables, World } from './support/processes.ts';

const world = new World();
afterAll(() => world.cleanUp());

describe('doctor', () => {
  it('tries an embedding service, with no server there, and goes on to what comes after', async () => {
    const service = await ModelService.start();
    try {
      const variables = { ...service.variables('letters-64'), SERVER__PORT: '0', SERVER__HTTP_PORT: '0' };
      const { stdout, code } = await world.run(['doctor', '--json'], world.folder(), variables);
      const { checks } = JSON.parse(stdout) as { checks: { name: string; ok: boolean }[] };
      expect(checks).toContainEqual(expect.objectContaining({ name: 'embedder', ok: true }));
      expect(checks).toContainEqual(expect.objectContaining({ name: 'store', ok: true }));
      expect(code).toBe(1);
    } finally {
      service.close();
    }
  });

  interface Found {
    readonly name: string;
    readonly ok: boolean;
    readonly detail: string;
    readonly warnings?: readonly string[];
  }

  async function examine(folder: string, variables: Record<string, string>): Promise<Record<string, Found>> {
    const free = { SERVER__PORT: '0', SERVER__HTTP_PORT: '0' };
    const { stdout } = await world.run(['doctor', '--json'], folder, { ...free, ...variables });
    const { checks } = JSON.parse(stdout) as { checks: Found[] };
    return Object.fromEntries(checks.map((check) => [check.name, check]));
  }

  it('tells a fault once', async () => {
    const { stdout, stderr } = await world.run(['doctor'], world.folder(), { HIRAG__L1_SIZE: '-1' });
    expect(stdout.split('`hirag.l1_size` must be').length).toBe(2);
    expect(stdout).toMatch(/✗ +server +not checked: see configuration/);
    expect(stderr).toContain('error: 1 check failed');
  });

  it('names the address that does not greet', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    try {
      const { server } = await examine(world.folder(), {
        CONTEXT_MANAGER_URL: `context-manager://default:a-secret-that-is-long-enough-to-be-one@127.0.0.1:${port}`,
      });
      expect(server).toMatchObject({ ok: false, detail: expect.stringContaining(`127.0.0.1:${port}`) as string });
    } finally {
      silent.close();
    }
  });

  it.skipIf(process.platform === 'win32')(
    'looks at open files, at modes, and at indexes without their database',
    async () => {
      const folder = world.folder();
      const running = await world.serve(folder);
      const up = await examine(folder, cliVariables(running));
      expect(up['modes']).toMatchObject({ ok: true, warnings: [] });
      await running.end('SIGTERM');
      chmodSync(join(folder, 'data'), 0o755);
      chmodSync(join(folder, 'data', 'secret'), 0o640);
      mkdirSync(join(folder, 'data', 'indexes'), { recursive: true });
      writeFileSync(join(folder, 'data', 'indexes', 'left-behind'), 'x');
      const found = await examine(folder, { SERVER__MAX_CONNECTIONS: '1000000' });
      expect(found['modes']?.warnings?.join(' ')).toMatch(/chmod 700 .*secret/);
      expect(found['open files']?.detail).toMatch(/^\d+ at a time|any number$/);
      expect(found['store']?.warnings?.join(' ')).toContain('the database holds nothing, but');
    },
  );

  it('takes the key that it is told where there is no default, and else names those there are', async () => {
    const folder = world.folder();
    const path = join(folder, 'keys.toml');
    const key = { id: 'agents', secret: 'a-secret-that-is-long-enough-to-be-one', scopes: ['read'], namespaces: ['*'] };
    const lines = Object.entries(key).map(([name, value]) => `${name} = ${JSON.stringify(value)}\n`);
    writeFileSync(path, `[[keys]]\n${lines.join('')}`);
    const running = await world.serve(folder, { CONFIG_PATH: path });
    const variables = {
      CONFIG_PATH: path,
      SERVER__PORT: String(running.port),
      SERVER__HTTP_PORT: String(running.httpPort),
    };
    const told = await world.run(['doctor', '--key-id', 'agents'], folder, variables);
    expect(told).toMatchObject({ code: 0, stderr: '' });
    const { stdout, stderr } = await world.run(['doctor'], folder, variables);
    expect(stdout).toMatch(/✗ +server .*no key "default".*\n +Choose one that it has with --key-id \(agents\)/);
    expect(stderr).toContain('error: 1 check failed');
  });
});
