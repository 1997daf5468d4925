import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { ContextQueryReply } from '../../clients/typescript/src/index.ts';
import { freePort } from '../support/free-port.ts';
import { ModelHub } from '../support/model-hub.ts';
import { TINY_DIMENSION, writeTinyModel } from '../support/tiny-model.ts';
import { PACKAGES, packageVariables } from '../support/transformers-packages.ts';
import { cliVariables, World } from './support/processes.ts';

const world = new World();
afterAll(() => world.cleanUp());

describe.each(PACKAGES)('a server whose model runs in the process, by $title', (which) => {
  /** The model lies in `models/tiny` of the server's folder. */
  const variables = (own: Record<string, string> = {}) => ({
    ...packageVariables(which),
    EMBEDDING__PROVIDER: 'onnx',
    EMBEDDING__MODEL: './models/tiny',
    VECTOR_DB__VECTOR_SIZE: String(TINY_DIMENSION),
    ...own,
  });
  const folderWithModel = (): string => {
    const folder = world.folder();
    writeTinyModel(join(folder, 'models', 'tiny'));
    return folder;
  };

  it('finds what is said in other words', async () => {
    const folder = folderWithModel();
    const server = await world.serve(folder, variables());
    const cli = (...args: string[]) => world.run(args, folder, cliVariables(server));
    const ships = 'the ship enters the harbour at night';
    for (const text of ['bread is baked of flour', ships, 'a loaf of dough'])
      expect(await cli('store', text)).toMatchObject({ code: 0, stderr: '' });
    const { stdout, stderr } = await cli('query', 'vessel arrives in port', '--limit', '1', '--json');
    expect(stderr).toBe('');
    const { contexts, metadata } = JSON.parse(stdout) as ContextQueryReply;
    expect(contexts.map(({ text }) => text)).toEqual([ships]);
    expect(metadata.degraded).toEqual([]);
    const health = await fetch(`http://127.0.0.1:${server.httpPort}/health`);
    expect(await health.json()).toMatchObject({
      phase: 'running',
      components: { embedding: { status: 'healthy', state: 'closed' } },
    });
    expect(await server.end('SIGTERM')).toMatchObject({ code: 0, signal: null });
  });

  it.each<[string, Record<string, string>]>([
    ['where texts are cut into passages', { EMBEDDING__MAX_INPUT_TOKENS: '64' }],
    ['not where it reads their beginnings', {}],
  ])('finds what stands behind the window of the model: %s', async (_, own) => {
    const asStored = { HIRAG__FUSION__NEAR_WORD_WEIGHT: '0' };
    const server = await world.serve(folderWithModel(), variables({ ...own, ...asStored }));
    const client = await server.connect();
    const filler = 'the ship enters the harbour at night. '.repeat(60);
    const { id } = await client.store({ text: `${filler}${'bread '.repeat(40)}`, level: 'long_term' });
    for (let i = 0; i < 8; i++) await client.store({ text: `${i} ${filler}`, level: 'long_term' });
    const { receipts = [] } = await client.query({ query: 'loaf', explain: true });
    const similarity = receipts.find((receipt) => receipt.id === id)?.scores.similarity ?? 0;
    expect(similarity > 0.5).toBe('EMBEDDING__MAX_INPUT_TOKENS' in own);
    await client.close();
  });

  it('does not mix the vectors of two models of one name, and takes one that was moved', async () => {
    const folder = folderWithModel();
    const first = await world.serve(folder, variables());
    const client = await first.connect();
    const { id } = await client.store({ text: 'the ship' });
    await client.close();
    await first.end('SIGTERM');
    const moved = join(world.folder(), 'tiny');
    cpSync(join(folder, 'models', 'tiny'), moved, { recursive: true });
    writeTinyModel(join(folder, 'models', 'tiny'), { scale: 1.5 });
    const { code, stderr } = await world.failToServe(folder, variables());
    expect(code).toBe(1);
    expect(stderr).toMatch(/onnx-tiny-64-[0-9a-f]{16}.*onnx-tiny-64-[0-9a-f]{16}/s);
    expect(stderr).toContain('reembed');
    const second = await world.serve(folder, variables({ EMBEDDING__MODEL: moved }));
    const again = await second.connect();
    expect((await again.get({ id })).context?.text).toBe('the ship');
    await again.close();
  });

  it('is alive and not ready while the hub is slow to send the model, and can be ended', async () => {
    const folder = world.folder();
    const hub = await ModelHub.start('owner/tiny', folder);
    hub.mood = 'silent';
    const port = await freePort();
    const own = { EMBEDDING__MODEL: 'owner/tiny', EMBEDDING__API_URL: hub.url, SERVER__HTTP_PORT: String(port) };
    const status = (path: string) =>
      fetch(`http://127.0.0.1:${port}${path}`).then(
        (response) => response.status,
        () => null,
      );
    try {
      const loading = async () => {
        await expect.poll(() => hub.asked.length).toBeGreaterThan(0);
        expect(await status('/health/liveness')).toBe(200);
        expect(await status('/health/readiness')).toBe(503);
      };
      const ended = await world.runUntil(loading, 'SIGTERM', ['serve'], folder, variables(own), '');
      expect(ended.code === null ? ended.signal : ended.code).toBe('SIGTERM');
    } finally {
      await hub.close();
    }
  });

  it('is tried by doctor', async () => {
    const { stdout } = await world.run(
      ['doctor', '--json'],
      folderWithModel(),
      variables({ SERVER__PORT: '0', SERVER__HTTP_PORT: '0' }),
    );
    const { checks } = JSON.parse(stdout) as { checks: { name: string; ok: boolean }[] };
    expect(checks).toContainEqual(expect.objectContaining({ name: 'embedder', ok: true }));
    expect(checks).toContainEqual(expect.objectContaining({ name: 'store', ok: true }));
  });
});
