import { startQdrantDouble } from '../support/qdrant-double/start-qdrant-double.ts';
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

/** What guides to production show, comment and all. */
const GUIDE = `
[embedding]
api_url = "https://api.chutes.ai/v1"
api_token = "\${CHUTES_API_TOKEN}"
model = "intfloat/multilingual-e5-large"
batch_size = 32
timeout_secs = 30
max_retries = 3
cache_enabled = true
cache_ttl_secs = 3600
cache_size = 10000

[vector_db]
url = "https://qdrant.example.com:6334"
api_key = "\${QDRANT_API_KEY}"
collection_prefix = "prod_context"
vector_size = 1024
distance = "Cosine"
timeout_secs = 30
tls_enabled = true
tls_verify = true
# tls_cert_path = "/path/to/ca-cert.pem"

[hirag]
l1_size = 50
l2_size = 200
l3_enabled = true
max_context_tokens = 4000
relevance_threshold = 0.7
token_estimator = "WordBased"
retrieval_strategy = "Balanced"
`;

describe('the configuration of guides to production', () => {
  const secrets = { CHUTES_API_TOKEN: 'hunter2-chutes', QDRANT_API_KEY: 'hunter2-qdrant' };
  const effective = {
    'embedding.provider': 'http',
    'embedding.api_url': 'https://api.chutes.ai/v1',
    'embedding.api_token': null,
    'embedding.model': 'intfloat/multilingual-e5-large',
    'embedding.batch_size': 32,
    'embedding.timeout_secs': 30,
    'embedding.max_retries': 3,
    'embedding.cache_enabled': true,
    'embedding.cache_ttl_secs': 3600,
    'embedding.cache_size': 10_000,
    'vector_db.driver': 'qdrant',
    'vector_db.url': 'https://qdrant.example.com:6334',
    'vector_db.api_key': null,
    'vector_db.collection_prefix': 'prod_context',
    'vector_db.vector_size': 1024,
    'vector_db.distance': 'Cosine',
    'vector_db.timeout_secs': 30,
    'vector_db.tls_enabled': true,
    'vector_db.tls_verify': true,
    'vector_db.tls_cert_path': null,
    'hirag.l1_size': 50,
    'hirag.l2_size': 200,
    'hirag.l3_enabled': true,
    'hirag.max_context_tokens': 4000,
    'hirag.relevance_threshold': 0.7,
    'hirag.token_estimator': 'WordBased',
    'hirag.retrieval_strategy': 'Balanced',
  };

  /** By CONFIG_ENV, and by CONFIG_PATH as a file and as a folder. */
  function places(): { folder: string; file: string; variables: Variables }[] {
    const [byName, byFile, byFolder] = [world.folder(), world.folder(), world.folder()];
    mkdirSync(join(byName, 'config'));
    return [
      { folder: byName, file: join(byName, 'config', 'production.toml'), variables: { CONFIG_ENV: 'production' } },
      { folder: byFile, file: join(byFile, 'mine.toml'), variables: { CONFIG_PATH: 'mine.toml' } },
      {
        folder: byFolder,
        file: join(byFolder, 'production.toml'),
        variables: { CONFIG_ENV: 'production', CONFIG_PATH: byFolder },
      },
    ];
  }

  it('loads unchanged, wherever it stands, and means what it says', async () => {
    for (const { folder, file, variables } of places()) {
      writeFileSync(file, GUIDE);
      const shown = await show(folder, { ...variables, ...secrets });
      expect(shown.files).toEqual([file]);
      for (const [name, value] of Object.entries(effective)) {
        const isWritten = name !== 'vector_db.tls_cert_path';
        expect({ name, ...row(shown, name) }).toMatchObject({ name, value, source: isWritten ? 'file' : 'default' });
      }
      expect(JSON.stringify(shown)).not.toContain('hunter2');
    }
  });

  it('takes overrides from the environment, and tells of a variable that is missing', async () => {
    const { folder, file } = configured(GUIDE);
    const overrides = { EMBEDDING__API_TOKEN: 'hunter2-other', VECTOR_DB__URL: 'http://127.0.0.1:6333' };
    const shown = await show(folder, { ...secrets, ...overrides });
    expect(row(shown, 'embedding.api_token')).toEqual({
      value: null,
      hidden: true,
      source: 'environment',
      variable: 'EMBEDDING__API_TOKEN',
    });
    expect(row(shown, 'vector_db.url')).toMatchObject({ value: 'http://127.0.0.1:6333', variable: 'VECTOR_DB__URL' });
    const { code, stderr } = await world.run(['config', 'show'], folder, { CHUTES_API_TOKEN: 'x' });
    expect(code).toBe(1);
    expect(stderr).toContain(`${file}: \`vector_db.api_key\` needs the environment variable QDRANT_API_KEY`);
  });

  it('starts no server without its Qdrant, one over Qdrant, and one with the embedded store', async () => {
    const { folder } = configured(GUIDE);
    const variables = { ...secrets, LOGGING__FORMAT: 'text' };
    const refused = await world.failToServe(folder, variables);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("6334 is Qdrant's port for gRPC");
    expect(refused.stderr).toContain('the vector database cannot be reached');
    const qdrant = await startQdrantDouble({ apiKey: secrets.QDRANT_API_KEY });
    const over = { ...variables, VECTOR_DB__URL: qdrant.url, VECTOR_DB__TLS_ENABLED: 'false' };
    const first = await world.serve(folder, over);
    expect((await first.end('SIGTERM')).code).toBe(0);
    expect(qdrant.requests.count('/collections/prod_context_long_term')).toBeGreaterThan(0);
    await qdrant.close();
    const server = await world.serve(folder, { ...variables, VECTOR_DB__DRIVER: 'embedded' });
    const { code, stderr } = await server.end('SIGTERM');
    expect(code).toBe(0);
    expect(stderr).toContain('`vector_db.url` is not used: `vector_db.driver` is "embedded"');
    expect(stderr).not.toContain('hunter2');
  });
});
