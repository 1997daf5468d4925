import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { StartupError } from '../../../src/base/errors.ts';
import { loadConfig, type LoadedConfig } from '../../../src/config/load.ts';
import { CONFIG_SCHEMA } from '../../../src/config/schema.ts';
import type { SettingSchema } from '../../../src/config/setting.ts';
import { camelCase } from '../../../src/config/tree.ts';

interface World {
  readonly files?: Record<string, string>;
  readonly folders?: readonly string[];
  readonly environment?: Record<string, string>;
}

function load(world: World = {}): LoadedConfig {
  const files = world.files ?? {};
  return loadConfig({
    environment: world.environment ?? {},
    folder: '/srv',
    files: { read: (path) => files[path] ?? null, isFolder: (path) => world.folders?.includes(path) ?? false },
  });
}

function failure(world: World): StartupError {
  try {
    load(world);
  } catch (error) {
    if (error instanceof StartupError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('loadConfig', () => {
  it('has a default for everything', () => {
    const { settings, environmentName, production, filesRead } = load();
    expect(settings.server.port).toBe(7420);
    expect(settings.vectorDb.hnsw.recall).toBeGreaterThan(0.9);
    expect(settings.keys).toEqual([]);
    expect({ environmentName, production, filesRead }).toEqual({
      environmentName: 'development',
      production: false,
      filesRead: [],
    });
  });

  it.each(['production', 'Production', 'PRODUCTION'])('is that of a production server by CONFIG_ENV=%s', (name) => {
    expect(load({ files: { [`/srv/config/${name}.toml`]: '' }, environment: { CONFIG_ENV: name } }).production).toBe(
      true,
    );
  });

  it('warns of variables whose section was mistyped, and of no others', () => {
    const environment = {
      SERVR__PORT: '1',
      SERVER__PORT: '2',
      npm_config__x: '1',
      GIT__HOOK: '1',
      VECTORDB__HNSW__M: '9',
      A__B: 'c',
      _: 'x',
    };
    const { settings, warnings } = load({ environment });
    expect(settings.server.port).toBe(2);
    expect(warnings).toEqual([
      'the environment variable SERVR__PORT is not used: there is no section "servr"; did you mean SERVER__PORT?',
      'the environment variable VECTORDB__HNSW__M is not used: there is no section "vectordb"; did you mean VECTOR_DB__HNSW__M?',
    ]);
  });

  it('lets later sources win: default.toml, the environment file, CONFIG_PATH, variables', () => {
    const files = {
      '/srv/config/default.toml': '[server]\nport = 1\nhttp_port = 1\nmax_connections = 1\nhost = "a"\nhttp_host = "a"',
      '/srv/config/production.toml': '[server]\nport = 2\nhttp_port = 2\nmax_connections = 2\nhost = "b"',
      '/etc/cm.toml': '[server]\nport = 3\nhttp_port = 3\nmax_connections = 3',
    };
    const environment = {
      CONFIG_ENV: 'production',
      CONFIG_PATH: '/etc/cm.toml',
      SERVER__PORT: '4',
      SERVER__MAX_CONNECTIONS: '4',
    };
    const loaded = load({ files, environment });
    expect(loaded.settings.server).toMatchObject({
      port: 4,
      httpPort: 3,
      maxConnections: 4,
      host: 'b',
      httpHost: 'a',
    });
    expect(loaded.production).toBe(true);
    expect(loaded.filesRead).toEqual(Object.keys(files));
  });

  it('reads the same two files from a folder given by CONFIG_PATH', () => {
    const files = {
      '/etc/cm/default.toml': '[server]\nport = 1\nhttp_port = 1',
      '/etc/cm/development.toml': '[server]\nport = 2',
    };
    const { settings } = load({ files, folders: ['/etc/cm'], environment: { CONFIG_PATH: '/etc/cm' } });
    expect(settings.server).toMatchObject({ port: 2, httpPort: 1 });
  });

  it('types variables by the schema, however deep', () => {
    const { settings } = load({
      environment: {
        VECTOR_DB__HNSW__M: '32',
        LOGGING__FORMAT: 'text',
        KEYS__0__ID: 'reader',
        KEYS__0__SECRET: '12345678901234567890123456789012',
        KEYS__0__SCOPES: 'read, write',
        KEYS__0__RATE_LIMIT__PER_SECOND: '0.5',
        KEYS__0__RATE_LIMIT__BURST: '2',
      },
    });
    expect(settings.vectorDb.hnsw.m).toBe(32);
    expect(settings.logging.format).toBe('text');
    expect(settings.keys).toEqual([
      {
        id: 'reader',
        secret: '12345678901234567890123456789012',
        scopes: ['read', 'write'],
        namespaces: ['*'],
        certificates: [],
        disabled: false,
        rateLimit: { perSecond: 0.5, burst: 2 },
      },
    ]);
  });

  it("leaves other programs' variables alone", () => {
    expect(
      load({ environment: { GIT__X: '1', server__port: '1', SERVER_PORT: '1', __X: '1' } }).settings.server.port,
    ).toBe(7420);
  });

  it('puts variables into values, typed by the setting, and leaves an escaped reference', () => {
    const files = { '/srv/config/default.toml': '[server]\nport = "${P}"\nhost = "h-${A}"\nhttp_host = "$${A}"' };
    expect(load({ files, environment: { P: '99', A: 'x' } }).settings.server).toMatchObject({
      port: 99,
      host: 'h-x',
      httpHost: '${A}',
    });
  });

  it('names a variable that is missing', () => {
    const files = { '/srv/config/default.toml': '[server]\nhost = "${NOT_THERE}"' };
    expect(failure({ files }).message).toContain(
      '/srv/config/default.toml: `server.host` needs the environment variable NOT_THERE',
    );
  });

  it('reports a missing variable once, whatever its setting would need', () => {
    const files = { '/srv/config/default.toml': '[server]\nhost = "${NOPE}"\nport = "${NOPE_TOO}"' };
    const { message } = failure({ files });
    expect(message.match(/`server\.(host|port)`/g)).toEqual(['`server.host`', '`server.port`']);
  });

  it("names a reference that is there: the folder's own, else the package's", () => {
    const environment = { SERVER__PORT: 'x' };
    expect(existsSync(/Correct it; (.*) lists/.exec(failure({ environment }).remedy ?? '')?.[1] ?? '')).toBe(true);
    expect(failure({ environment, files: { '/srv/config/reference.toml': '' } }).remedy).toMatch(
      /^Correct it; config\/reference.toml lists/,
    );
  });

  it('cannot be changed afterwards', () => {
    const { settings } = load();
    expect(() => Object.assign(settings.server, { port: 1 })).toThrow(TypeError);
    expect(() => Object.assign(settings.vectorDb.hnsw, { m: 1 })).toThrow(TypeError);
  });
});

describe('a configuration that is wrong', () => {
  const file = '/srv/config/default.toml';
  const wrong = (text: string): string => failure({ files: { [file]: text } }).message;

  it.each([
    ['[server]\nprot = 1', `${file}: \`server.prot\` is not a setting; did you mean \`server.port\`?`],
    [
      '[vector_db.hnsw]\nefsearch = 1',
      `${file}: \`vector_db.hnsw.efsearch\` is not a setting; did you mean \`vector_db.hnsw.ef_search\`?`,
    ],
    ['[sever]\nport = 1', `${file}: \`sever\` is not a setting; did you mean \`server\`?`],
    ['data_dir = "x"', `${file}: \`data_dir\` is not a setting; did you mean \`vector_db.data_dir\`?`],
    ['[server]\nzzzzzz = 1', `${file}: \`server.zzzzzz\` is not a setting`],
    ['[server]\nport = 70000', `${file}: \`server.port\` must be between 0 and 65535`],
    ['[server]\nport = "x"', `${file}: \`server.port\` must be a whole number`],
    [
      '[logging]\nlevel = "loud"',
      `${file}: \`logging.level\` must be one of "debug", "info", "warn", "error", "silent"`,
    ],
    ['[[keys]]\nscopes = ["read"]', `${file}: \`keys[0].id\` is required`],
    ['server = 1', `${file}: \`server\` must be a table`],
  ])('%j is refused by name', (text, message) => {
    expect(wrong(text)).toBe(message);
  });

  it('is reported in full', () => {
    const message = wrong('[server]\nprot = 1\nport = -1');
    expect(message).toContain('2 errors');
    expect(message).toContain('server.prot');
    expect(message).toContain('`server.port` must be between');
  });

  it('names the variable that is wrong', () => {
    expect(failure({ environment: { SERVER__PORT: 'abc' } }).message).toBe(
      'environment variable SERVER__PORT (server.port): `server.port` must be a whole number',
    );
    expect(failure({ environment: { SERVER__PROT: '1' } }).message).toContain('did you mean `server.port`?');
  });

  it('does not show a secret, neither short nor in a broken line', () => {
    const shown = wrong('[[keys]]\nid = "a"\nsecret = "hunter2-hunter2');
    expect(shown).toContain(`${file}:3 is not valid TOML`);
    expect(shown).not.toContain('hunter2');
    expect(wrong('[[keys]]\nid = "a"\nsecret = ["hunter2"]')).not.toContain('hunter2');
  });

  it.each(['"2023-02-30T00:00:00Z"', '"2027-01-31T00:00:00"', '2027-01-31T00:00:00', '2027-01-31', '"5"', '"2027"'])(
    'that lets a key end at no moment is refused: %s',
    (moment) => {
      expect(wrong(`[[keys]]\nid = "a"\nnot_after = ${moment}`)).toBe(
        `${file}: \`keys[0].not_after\` must be a moment with its zone, as 2027-01-31T00:00:00Z or 2027-01-31T02:00:00+02:00`,
      );
    },
  );

  it.each(['2027-01-31T00:00:00Z', '"2027-01-31T02:00:00+02:00"'])('lets a key end at %s', (moment) => {
    const { settings } = load({ files: { [file]: `[[keys]]\nid = "a"\nnot_after = ${moment}` } });
    expect(Date.parse(settings.keys[0]?.notAfter ?? '')).toBe(Date.UTC(2027, 0, 31));
  });

  it.each([
    'https://user:hunter2@host/v1',
    'https://user@host/v1',
    'https://:hunter2@host/v1',
    'https://us%65r:hunter2@[::1]:9/v1',
    'HTTP://user:hunter2@host',
    'ftp://host/v1',
    'file:///etc/passwd',
    'localhost:11434/v1',
    '//host/v1',
    'https:host',
    'https://',
    'http://host:99999',
    'hunter2',
  ])('with %s for the address of a service is refused without being shown', (url) => {
    const message = 'must be an http:// or https:// address without a user name or password in it';
    for (const [section, name] of [
      ['embedding', 'api_url'],
      ['embedding', 'url'],
      ['vector_db', 'url'],
    ] as const) {
      const path = `${section}.${name}`;
      expect(wrong(`[${section}]\n${name} = "${url}"`)).toBe(`${file}: \`${path}\` ${message}`);
      const variable = `${section}__${name}`.toUpperCase();
      expect(failure({ environment: { [variable]: url } }).message).toBe(
        `environment variable ${variable} (${path}): \`${path}\` ${message}`,
      );
    }
  });

  it.each(['hunter2\n', 'hunter2\r\nX-Other: 1', ' hunter2', 'hunter 2', 'hunter2\t', 'hünter2', 'hunter2€'])(
    'with %j for embedding.api_token is refused without being shown: fetch would quote it',
    (token) => {
      const { message } = failure({ environment: { EMBEDDING__API_TOKEN: token } });
      expect(message).toContain('`embedding.api_token` must be letters, digits and signs of ASCII');
      expect(message).not.toContain('nter');
    },
  );

  it('takes addresses of services', () => {
    for (const url of [
      'http://127.0.0.1:11434/v1',
      'https://host/v1?api-version=2',
      'HTTPS://host',
      'http://[::1]:8/v1',
    ])
      expect(load({ environment: { EMBEDDING__API_URL: url } }).settings.embedding.apiUrl).toBe(url);
  });

  it.each([
    ['[server]\nhost = 2027-01-31', '`server.host` must be a text in quotes, not a date'],
    ['[server]\nport = 2027-01-31', '`server.port` must be a whole number'],
    ['server = 2027-01-31T00:00:00Z', '`server` must be a table'],
    ['[hirag]\nl1_enabled = 00:00:00', '`hirag.l1_enabled` must be true or false'],
    ['[hirag.fusion]\nneighbour_weights = 2027-01-31', '`hirag.fusion.neighbour_weights` must be a list'],
    ['[hirag.fusion]\nslope = nan', '`hirag.fusion.slope` must be a number'],
    ['[hirag.fusion]\nslope = inf', '`hirag.fusion.slope` must be a number'],
    ['[server]\nport = 7420.5', '`server.port` must be a whole number'],
    ['[server]\nmax_connections = 9007199254740991', '`server.max_connections` must be between 1 and 1000000'],
  ])('%j is refused by its type', (text, message) => {
    expect(wrong(text)).toBe(`${file}: ${message}`);
  });

  it.each([
    ['[server]\nport = 99999999999999999999', ':2 is not valid TOML'],
    ['[server]\nhost = "a\u0000b"', ':2 is not valid TOML'],
    ['[server]\nhost = "a\\u0000b"', '`server.host` must not hold the character NUL'],
    ['[vector_db]\ndata_dir = "a\\u0000b"', '`vector_db.data_dir` must not hold the character NUL'],
    ['[server]\nport = 1\nport = 2', ':3 is not valid TOML'],
    ['__proto__ = 1', '`__proto__` is not a setting'],
    ['[server.__proto__]\nport = 1', '`server.__proto__` is not a setting'],
    ['[constructor]\nprototype = 1', '`constructor` is not a setting'],
  ])('%j is refused by what it holds', (text, message) => {
    expect(wrong(text)).toContain(message);
  });

  it.each([
    [{ CONFIG_PATH: '/nowhere.toml' }, 'CONFIG_PATH names /nowhere.toml, which does not exist'],
    [{ CONFIG_PATH: '/empty' }, 'holds neither default.toml nor development.toml'],
    [{ CONFIG_ENV: 'prodution' }, 'there is no config/prodution.toml'],
  ])('%j is refused', (environment, message) => {
    expect(failure({ folders: ['/empty'], environment }).message).toContain(message);
  });
});

describe('a variable', () => {
  /** Every setting with a path that a variable can name: lists by their items as well. */
  function settingsOf(
    schema: SettingSchema,
    path: readonly string[] = [],
  ): { path: readonly string[]; schema: SettingSchema }[] {
    if (schema.properties !== undefined)
      return Object.entries(schema.properties).flatMap(([name, child]) => settingsOf(child, [...path, name]));
    if (schema.items?.type === 'object') return settingsOf(schema.items, [...path, '0']);
    return [{ path, schema }, ...(schema.items === undefined ? [] : [{ path: [...path, '0'], schema: schema.items }])];
  }

  /** A text for the setting, and the value that it stands for. */
  function sample(schema: SettingSchema): readonly [string, unknown] {
    if (schema.anyOf !== undefined) return ['50,30,20', [50, 30, 20]];
    if (schema.format === 'http-url') return ['https://host/v1', 'https://host/v1'];
    if (schema.format === 'redis-url') return ['rediss://host/1', 'rediss://host/1'];
    if (schema.format === 'sha256') return [`sha256:${'0a'.repeat(32)}`, `sha256:${'0a'.repeat(32)}`];
    if (schema.format === 'token') return ['sk-1/+=._~', 'sk-1/+=._~'];
    if (schema.format === 'date-time') return ['2031-02-03T04:05:06Z', '2031-02-03T04:05:06Z'];
    if (schema.enum !== undefined) return [schema.enum.at(-1) ?? '', schema.enum.at(-1)];
    if (schema.items !== undefined) {
      const [text, value] = sample(schema.items);
      return [text, [value]];
    }
    switch (schema.type) {
      case 'integer':
      case 'number':
        return [String(schema.maximum), schema.maximum];
      case 'boolean':
        return [String(schema.default !== true), schema.default !== true];
      default:
        return ['other', 'other'];
    }
  }

  const TOKEN = { GATEWAY__TOKENS__0__TOKEN_HASH: `sha256:${'1b'.repeat(32)}`, GATEWAY__TOKENS__0__AGENT: 'a' };

  it.each(settingsOf(CONFIG_SCHEMA).map(({ path, schema }) => [path.join('__').toUpperCase(), path, schema] as const))(
    'sets %s',
    (variable, path, schema) => {
      const [text, value] = sample(schema);
      const others = path[0] === 'keys' ? { KEYS__0__ID: 'a' } : path[1] === 'tokens' ? TOKEN : {};
      const environment = { ...others, [variable]: text };
      // A table in a key has no default: its other settings must be given, too.
      if (path[0] === 'keys' && path.includes('rate_limit'))
        Object.assign(environment, { KEYS__0__RATE_LIMIT: '{"per_second":1,"burst":1}' });
      let here: unknown = load({ environment }).settings;
      const isVerbatim = path.includes('level_weights');
      for (const part of path)
        here = (here as Record<string, unknown>)[isVerbatim && part === path.at(-1) ? part : camelCase(part)];
      expect(here).toEqual(schema.isPath === true ? '/srv/other' : value);
    },
  );

  it('adds to the keys of a file, and changes one of them', () => {
    const files = { '/srv/config/default.toml': '[[keys]]\nid = "a"\nscopes = ["read"]\n[[keys]]\nid = "b"' };
    const environment = { KEYS__1__SECRET: 'of-b', KEYS__2__ID: 'c', KEYS__0__SCOPES__1: 'write' };
    expect(load({ files, environment }).settings.keys).toMatchObject([
      { id: 'a', scopes: ['read', 'write'] },
      { id: 'b', secret: 'of-b' },
      { id: 'c' },
    ]);
  });

  it('may not leave out places of a list', () => {
    const { message } = failure({ environment: { KEYS__2__ID: 'c' } });
    expect(message).toContain('`keys[0]`');
    expect(message).toContain('`keys[1]`');
  });
});

describe('another name of a setting', () => {
  const file = '/srv/config/default.toml';

  interface Named {
    readonly alias: string;
    readonly path: readonly string[];
    readonly schema: SettingSchema;
    readonly perOne: number;
  }

  function named(schema: SettingSchema, path: readonly string[] = []): Named[] {
    const own = (schema.aliases ?? []).map(({ name, unit }) => ({
      alias: name,
      path,
      schema,
      perOne: unit?.perOne ?? 1,
    }));
    const inside = Object.entries(schema.properties ?? {});
    return [...own, ...inside.flatMap(([name, child]) => named(child, [...path, name]))];
  }

  /** As TOML, under the setting's own name and under the other one. */
  function sample({ schema, perOne }: Named): { own: unknown; other: unknown } {
    if (schema.type === 'integer' || schema.type === 'number')
      return { own: schema.minimum, other: (schema.minimum ?? 0) * perOne };
    if (schema.format === 'http-url') return { own: 'https://host/v1', other: 'https://host/v1' };
    const options = schema.enum ?? schema.anyOf?.find((form) => form.enum !== undefined)?.enum ?? [];
    return { own: options.at(-1), other: options.at(-1) };
  }

  function toml(path: readonly string[], value: unknown): string {
    return `[${path.slice(0, -1).join('.')}]\n${path.at(-1) ?? ''} = ${JSON.stringify(value)}\n`;
  }

  const cases = named(CONFIG_SCHEMA).map((each) => [each.alias, each] as const);

  it('stands for each that had one', () => {
    expect(cases.map(([alias, { path }]) => `${alias} -> ${path.join('.')}`)).toEqual([
      'server.shutdown_deadline_ms -> server.shutdown_timeout_secs',
      'embedding.timeout_ms -> embedding.timeout_secs',
      'embedding.cache_entries -> embedding.cache_size',
      'embedding.url -> embedding.api_url',
      'embedding.dimension -> vector_db.vector_size',
      'hirag.strategy -> hirag.retrieval_strategy',
      'hirag.tokens.estimator -> hirag.token_estimator',
    ]);
  });

  it.each(cases)('%s sets it, in a file, by a variable and through one', (alias, each) => {
    const { own, other } = sample(each);
    const expected = load({ files: { [file]: toml(each.path, own) } }).settings;
    expect(expected).not.toEqual(load().settings);
    const aliasPath = alias.split('.');
    expect(load({ files: { [file]: toml(aliasPath, other) } }).settings).toEqual(expected);
    const environment = { [aliasPath.join('__').toUpperCase()]: String(other) };
    expect(load({ environment }).settings).toEqual(expected);
    expect(
      load({ files: { [file]: toml(aliasPath, '${TAKEN}') }, environment: { TAKEN: String(other) } }).settings,
    ).toEqual(expected);
    // The later source wins, by whichever name.
    expect(load({ files: { [file]: toml(each.path, 'no matter') }, environment }).settings).toEqual(expected);
  });

  it.each(cases)('%s and the setting itself in one source must not differ', (alias, each) => {
    const { own, other } = sample(each);
    const sections = (second: unknown): string =>
      // One table may stand once only.
      each.path[0] === alias.split('.')[0] && alias.split('.').length === 2
        ? `${toml(alias.split('.'), other)}${each.path.at(-1) ?? ''} = ${JSON.stringify(second)}`
        : `${toml(alias.split('.'), other)}${toml(each.path, second)}`;
    const path = each.path.join('.');
    const message = `\`${alias}\` and \`${path}\` are two names of one setting, and differ: leave one of them out`;
    const rival = each.schema.default ?? 'https://other/v1';
    expect(failure({ files: { [file]: sections(rival) } }).message).toBe(`${file}: ${message}`);
    expect(load({ files: { [file]: sections(own) } }).settings).toEqual(
      load({ files: { [file]: toml(each.path, own) } }).settings,
    );
    const variable = (name: string): string => name.toUpperCase().replaceAll('.', '__');
    const environment = {
      [variable(alias)]: String(other),
      [variable(path)]: JSON.stringify(rival).replaceAll('"', ''),
    };
    expect(failure({ environment }).message).toBe(`environment variable ${variable(alias)} (${alias}): ${message}`);
  });

  it.each([
    ['[embedding]\ntimeout_ms = 50', '`embedding.timeout_ms` must be between 100 and 600000'],
    ['[embedding]\ntimeout_ms = "soon"', '`embedding.timeout_ms` must be a number'],
    ['[embedding]\ndimension = 5', '`embedding.dimension` must be between 64 and 8192'],
    ['[embedding.url]\nx = 1', '`embedding.url` must be a text'],
    ['[hirag.tokens]\nestimator = "Guessed"', '`hirag.tokens.estimator` must be one of "CharacterBased"'],
    [
      '[embedding]\ndimension = "${NOPE}"',
      '`embedding.dimension` needs the environment variable NOPE, which is not set',
    ],
    ['vector_db = 1\n[embedding]\ndimension = 512', '`vector_db` must be a table'],
    ['embedding = 1', '`embedding` must be a table'],
  ])('%j is refused in its own words', (text, message) => {
    expect(failure({ files: { [file]: text } }).message.startsWith(`${file}: ${message}`)).toBe(true);
  });
});

describe('a provider and a driver', () => {
  const url = { EMBEDDING__API_URL: 'http://host/v1', VECTOR_DB__URL: 'http://host:6333' };

  it('follow from the addresses', () => {
    expect(load().settings).toMatchObject({ embedding: { provider: 'local' }, vectorDb: { driver: 'embedded' } });
    const { settings, unused } = load({ environment: url });
    expect(settings).toMatchObject({ embedding: { provider: 'http' }, vectorDb: { driver: 'qdrant' } });
    expect(unused).toEqual([]);
    const files = { '/srv/config/default.toml': '[embedding]\nurl = "http://host/v1"' };
    expect(load({ files }).settings.embedding.provider).toBe('http');
  });

  it('that are named stay, and an address that they have no use for is told', () => {
    const environment = { ...url, EMBEDDING__PROVIDER: 'local', VECTOR_DB__DRIVER: 'embedded' };
    const { settings, unused } = load({ environment });
    expect(settings).toMatchObject({ embedding: { provider: 'local' }, vectorDb: { driver: 'embedded' } });
    expect(unused).toEqual([
      '`embedding.api_url` is not used: `embedding.provider` is "local"',
      '`vector_db.url` is not used: `vector_db.driver` is "embedded"',
    ]);
  });
});

describe('what stands in files', () => {
  const files = { '/run/secrets/token': 'sesame\r\n', '/srv/own': 'here', '/run/secrets/number': '9\n' };

  it('is taken by a reference, alone or among other text, as a setting of its type', () => {
    const toml = [
      '[embedding]',
      'api_token = "${file:/run/secrets/token}"',
      'model = "${file:own} and $${file:own}"',
      '[vector_db.hnsw]',
      'm = "${file:/run/secrets/number}"',
    ].join('\n');
    const { settings } = load({ files: { ...files, '/srv/config/default.toml': toml } });
    expect(settings.embedding).toMatchObject({ apiToken: 'sesame', model: 'here and ${file:own}' });
    expect(settings.vectorDb.hnsw.m).toBe(9);
  });

  it('is taken by a variable that ends in _FILE, which is named as where it comes from', () => {
    const environment = {
      EMBEDDING__API_TOKEN_FILE: '/run/secrets/token',
      KEYS__0__ID: 'agent',
      KEYS__0__SECRET_FILE: 'own',
      PROTOCOL_SECRET_FILE: '/run/secrets/token',
      OTHER_FILE: '/nowhere',
    };
    const { settings, origins, mountedSecret } = load({ files, environment });
    expect(settings.embedding.apiToken).toBe('sesame');
    expect(settings.keys[0]).toMatchObject({ id: 'agent', secret: 'here' });
    expect(mountedSecret).toBe('sesame');
    expect(origins.of(['embedding', 'api_token'])?.name).toBe('EMBEDDING__API_TOKEN_FILE');
  });

  it.each<[World, string]>([
    [
      { environment: { EMBEDDING__API_TOKEN_FILE: '/run/none' } },
      'EMBEDDING__API_TOKEN_FILE names /run/none, which does not exist',
    ],
    [
      { files, environment: { PROTOCOL_SECRET: 'x', PROTOCOL_SECRET_FILE: '/run/secrets/token' } },
      'both PROTOCOL_SECRET and PROTOCOL_SECRET_FILE are set',
    ],
    [
      { files: { '/srv/config/default.toml': '[embedding]\napi_token = "${file:/run/none}"' } },
      '/srv/config/default.toml: `embedding.api_token` needs a file: `embedding.api_token` names /run/none, which does not exist',
    ],
    [{ files, environment: { EMBEDDING__MODLE_FILE: '/run/secrets/token' } }, 'EMBEDDING__MODLE_FILE'],
  ])('is refused where it cannot be had: %o', (world, message) => {
    expect(failure(world).message).toContain(message);
    expect(failure(world).message).not.toContain('sesame');
  });
});
