import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cliVariables, World } from './support/processes.ts';

const world = new World();
const OFF = { HIRAG__L1_ENABLED: 'false' };
let folder: string;

beforeAll(async () => {
  folder = world.folder();
  const server = await world.serve(folder);
  const { code } = await world.run(['store', 'green tea at noon'], folder, cliVariables(server));
  expect(code).toBe(0);
  await server.end('SIGTERM');
});

afterAll(() => world.cleanUp());

describe('contexts in a level that is switched off', () => {
  it('are told of at the start, by each query that misses them, and by doctor', async () => {
    const server = await world.serve(folder, OFF);
    const variables = { ...cliVariables(server), ...OFF };
    const query = await world.run(['query', 'green tea'], folder, variables);
    expect(query.stdout).not.toContain('green tea at noon');
    expect(query.stderr).toContain('immediate could not be searched (LEVEL_OFF)');
    const doctor = await world.run(['doctor'], folder, variables);
    expect(doctor.stdout).toMatch(/✗ +levels +.*1 in immediate\n +.*hirag\.l1_enabled/);
    expect(doctor.code).toBe(1);
    const { stderr } = await server.end('SIGTERM');
    const warnings = stderr.split('\n').filter((line) => line.includes('their level is switched off'));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/immediate.*\b1\b|\b1\b.*immediate/);
  });

  it('are told of by doctor with the server down, and by nobody where there are none', async () => {
    const free = { SERVER__PORT: '0', SERVER__HTTP_PORT: '0' };
    const l1 = await world.run(['doctor'], folder, { ...OFF, ...free });
    expect(l1.stdout).toMatch(/✗ +levels +.*1 in immediate/);
    const l2 = await world.run(['doctor'], folder, { HIRAG__L2_ENABLED: 'false', ...free });
    expect(l2.stdout).toMatch(/✓ +levels +off, and empty: short_term/);
    expect((await world.run(['doctor'], folder, free)).stdout).not.toContain('levels');
  });
});
