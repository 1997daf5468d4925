import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { World, type Variables } from './support/processes.ts';

const world = new World();
afterAll(() => world.cleanUp());

interface Shown {
  readonly environment: string;
  readonly files: readonly string[];
  readonly warnings: readonly string[];
  readonly settings: readonly (Readonly<Record<string, unknown>> & { readonly name: string })[];
}

async function show(folder: string, variables: Variables = {}): Promise<Shown> {
  const { code, stdout, stderr } = await world.run(['config', 'show', '--json'], folder, variables);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return JSON.parse(stdout) as Shown;
}

/** A row by the setting's name, without it. */
function row({ settings }: Shown, name: string): Record<string, unknown> | undefined {
  const found = settings.find((setting) => setting.name === name);
  return found === undefined ? undefined : Object.fromEntries(Object.entries(found).filter(([key]) => key !== 'name'));
}

/** A folder with `config/default.toml`, and its path. */
function configured(text: string): { folder: string; file: string } {
  const folder = world.folder();
  const file = join(folder, 'config', 'default.toml');
  mkdirSync(join(folder, 'config'));
  writeFileSync(file, text);
  return { folder, file };
}

describe('config show', () => {
  it('says what is in force and where each setting comes from', async () => {
    const { folder, file } = configured(`
[server]
port = 7421
[embedding]
url = "http://127.0.0.1:9/v1/?api-key=hunter2#x"
timeout_ms = 500
model = "m-\${SIZE}"
[hirag.fusion]
neighbour_weights = [0.5]
`);
    const shown = await show(folder, { SIZE: 'large', SERVER__HTTP_PORT: '0', HIRAG__STRATEGY: '1,2,3' });
    expect(shown).toMatchObject({ environment: 'development', files: [file], warnings: [] });
    expect(row(shown, 'server.port')).toEqual({ value: 7421, source: 'file', file });
    expect(row(shown, 'server.http_port')).toEqual({ value: 0, source: 'environment', variable: 'SERVER__HTTP_PORT' });
    expect(row(shown, 'server.host')).toEqual({ value: '127.0.0.1', source: 'default' });
    expect(row(shown, 'embedding.provider')).toEqual({
      value: 'http',
      source: 'file',
      file,
      follows: 'embedding.api_url',
    });
    expect(row(shown, 'embedding.api_url')).toEqual({
      value: 'http://127.0.0.1:9/v1/?api-key=...#x',
      source: 'file',
      file,
      written_as: 'embedding.url',
    });
    expect(row(shown, 'embedding.timeout_secs')).toMatchObject({ value: 0.5, written_as: 'embedding.timeout_ms' });
    expect(row(shown, 'embedding.model')).toEqual({ value: 'm-large', source: 'file', file, variables: ['SIZE'] });
    expect(row(shown, 'embedding.api_token')).toEqual({ value: null, source: 'default' });
    expect(row(shown, 'embedding.url')).toBeUndefined();
    expect(row(shown, 'hirag.retrieval_strategy')).toEqual({
      value: [1, 2, 3],
      source: 'environment',
      variable: 'HIRAG__STRATEGY',
      written_as: 'hirag.strategy',
    });
    expect(row(shown, 'hirag.fusion.neighbour_weights')).toEqual({ value: [0.5], source: 'file', file });
    expect(row(shown, 'vector_db.data_dir')).toEqual({ value: join(folder, 'data'), source: 'default' });
    expect(row(shown, 'keys')).toEqual({ value: [], source: 'default' });
  });

  it('shows no secret, and of keys what was written where', async () => {
    const { folder, file } = configured(`
[embedding]
api_token = "hunter2-in-the-file"
[vector_db]
api_key = "\${QDRANT_KEY}"
[[keys]]
id = "agents"
scopes = ["read"]
secret = "hunter2-hunter2-hunter2-hunter2-hunter2"
`);
    const variables = { QDRANT_KEY: 'hunter2-from-outside', KEYS__0__NAMESPACES: 'a,b', KEYS__1__ID: 'other' };
    const shown = await show(folder, variables);
    expect(JSON.stringify(shown)).not.toContain('hunter2');
    expect(row(shown, 'embedding.api_token')).toEqual({ value: null, hidden: true, source: 'file', file });
    expect(row(shown, 'vector_db.api_key')).toEqual({
      value: null,
      hidden: true,
      source: 'file',
      file,
      variables: ['QDRANT_KEY'],
    });
    expect(row(shown, 'keys[0].secret')).toEqual({ value: null, hidden: true, source: 'file', file });
    expect(row(shown, 'keys[0].scopes')).toEqual({ value: ['read'], source: 'file', file });
    expect(row(shown, 'keys[0].namespaces')).toEqual({
      value: ['a', 'b'],
      source: 'environment',
      variable: 'KEYS__0__NAMESPACES',
    });
    expect(row(shown, 'keys[1].id')).toEqual({ value: 'other', source: 'environment', variable: 'KEYS__1__ID' });
    expect(row(shown, 'keys[1].scopes')).toMatchObject({ source: 'default' });
    const { stdout, code } = await world.run(['config', 'show'], folder, variables);
    expect(code).toBe(0);
    expect(stdout).not.toContain('hunter2');
    expect(stdout).toMatch(/^embedding\.api_token +\(hidden\) +.*default\.toml$/m);
    expect(stdout).toMatch(
      /^vector_db\.api_key +\(hidden\) +.*default\.toml, with the environment variable QDRANT_KEY$/m,
    );
    expect(stdout).toMatch(/^server\.port +7420 +default$/m);
  });

  it('says of a list that replaces another where the new one comes from', async () => {
    const { folder } = configured('[[keys]]\nid = "a"\nscopes = ["read"]\n[[keys]]\nid = "b"');
    const later = join(folder, 'later.toml');
    writeFileSync(later, '[[keys]]\nid = "c"');
    const shown = await show(folder, { CONFIG_PATH: later });
    expect(row(shown, 'keys[0].id')).toEqual({ value: 'c', source: 'file', file: later });
    expect(row(shown, 'keys[0].scopes')).toMatchObject({ source: 'default' });
    expect(row(shown, 'keys[1].id')).toBeUndefined();
  });

  it('tells of settings that are not used, and fails where there is nothing to show', async () => {
    const { folder } = configured('');
    const variables = { VECTOR_DB__URL: 'http://127.0.0.1:6333', VECTOR_DB__DRIVER: 'embedded' };
    const message = '`vector_db.url` is not used: `vector_db.driver` is "embedded"';
    expect((await show(folder, variables)).warnings).toEqual([message]);
    expect((await world.run(['config', 'show'], folder, variables)).stderr).toBe(`warning: ${message}\n`);
    const { code, stderr, stdout } = await world.run(['config', 'show'], folder, { SERVER__PORT: 'x' });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('`server.port` must be a whole number');
  });
});
