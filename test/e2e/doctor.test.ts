import { afterAll, describe, expect, it } from 'vitest';
import { ModelService } from '../support/model-service.ts';
import { World } from './support/processes.ts';

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
});
