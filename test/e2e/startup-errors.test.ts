import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { World, type Ended } from './support/processes.ts';

const world = new World();
const holders: Server[] = [];
afterEach(() => {
  for (const holder of holders.splice(0)) holder.close();
});
afterAll(() => world.cleanUp());

async function takenPort(): Promise<string> {
  const holder = createServer().listen(0, '127.0.0.1');
  holders.push(holder);
  await once(holder, 'listening');
  return String((holder.address() as AddressInfo).port);
}

/** Exit code 1; message and remedy on standard error; no stack, nothing on standard output. */
function expectRefusal({ code, stdout, stderr }: Ended, message: RegExp, remedy: RegExp): void {
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  const [first = '', second = ''] = stderr.split('\n').filter((line) => !line.startsWith('{'));
  expect(first).toMatch(/^error: /);
  expect(first).toMatch(message);
  expect(second).toMatch(remedy);
  expect(stderr).not.toMatch(/\n\s+at /);
}

/** A folder in which a server has stored one context. */
async function usedFolder(): Promise<string> {
  const folder = world.folder();
  const server = await world.serve(folder);
  const client = await server.connect();
  await client.store({ text: 'to be kept' });
  await client.close();
  await server.end('SIGTERM');
  return folder;
}

describe('the server does not start', () => {
  it('where its port is in use', async () => {
    const port = await takenPort();
    expectRefusal(
      await world.failToServe(world.folder(), { SERVER__PORT: port }),
      new RegExp(`port ${port}.* in use`),
      /server\.port/,
    );
  });

  it('where its HTTP port is in use', async () => {
    const port = await takenPort();
    expectRefusal(
      await world.failToServe(world.folder(), { SERVER__HTTP_PORT: port }),
      new RegExp(`${port} is in use`),
      /server\.http_port/,
    );
  });

  it('with a model to run in the process, without the package that runs it', async () => {
    expectRefusal(
      await world.failToServe(world.folder(), { EMBEDDING__PROVIDER: 'onnx', EMBEDDING__MODEL: './model' }),
      /embedding\.provider = "onnx" needs the package @huggingface\/transformers/,
      /npm install @huggingface\/transformers@4$/,
    );
  });

  it('in production without a secret, or with a short one', async () => {
    const folder = world.folder();
    expectRefusal(
      await world.failToServe(folder, { CONFIG_ENV: 'production' }),
      /PROTOCOL_SECRET is not set/,
      /openssl rand -hex 32/,
    );
    expect(statSync(join(folder, 'data'), { throwIfNoEntry: false })).toBeUndefined();
    const short = await world.failToServe(folder, { CONFIG_ENV: 'production', PROTOCOL_SECRET: 'hunter2' });
    expectRefusal(short, /PROTOCOL_SECRET has 7 bytes/, /openssl rand -hex 32/);
    expect(short.stderr).not.toContain('hunter2');
  });

  it('with a setting that does not exist', async () => {
    expectRefusal(
      await world.failToServe(world.folder(), { SERVER__PROT: '1' }),
      /`server\.prot` is not a setting; did you mean `server\.port`/,
      /reference\.toml/,
    );
  });

  it('with a schedule that is none', async () => {
    expectRefusal(
      await world.failToServe(world.folder(), { HIRAG__GC_SCHEDULE: 'soon' }),
      /`hirag\.gc_schedule` is not a cron expression/,
      /every five minutes/,
    );
  });

  it('where the data folder cannot be made', async () => {
    const folder = world.folder();
    writeFileSync(join(folder, 'file'), '');
    const refused = await world.failToServe(folder, { VECTOR_DB__DATA_DIR: './file/data' });
    expectRefusal(refused, /cannot (write|read) .*file\/data/, /vector_db\.data_dir|readable/);
  });

  it.skipIf(process.platform !== 'linux')('where the kernel shows itself and no data can be kept', async () => {
    const refused = await world.failToServe(world.folder(), { VECTOR_DB__DATA_DIR: '/proc/data/x' });
    expectRefusal(refused, /the data folder \/proc\/data\/x lies in \/proc/, /vector_db\.data_dir/);
  });

  it('with a password in an address, which it does not show', async () => {
    const refused = await world.failToServe(world.folder(), {
      EMBEDDING__PROVIDER: 'http',
      EMBEDDING__MODEL: 'm',
      EMBEDDING__URL: 'http://user:hunter2@127.0.0.1:9/v1',
    });
    expectRefusal(
      refused,
      /`embedding\.url` must be an http:\/\/ or https:\/\/ address without a user name/,
      /reference\.toml/,
    );
    expect(refused.stderr).not.toContain('hunter2');
  });

  it('where another server uses the data', async () => {
    const folder = world.folder();
    const first = await world.serve(folder);
    expectRefusal(await world.failToServe(folder), /in use by another server/, /Stop the other server/);
    expect((await first.end('SIGTERM')).code).toBe(0);
  });

  it('on a damaged database, which it leaves as it is', async () => {
    const folder = await usedFolder();
    const path = join(folder, 'data', 'contexts.db');
    writeFileSync(path, Buffer.concat([Buffer.from('not a database at all'), readFileSync(path).subarray(21)]));
    const before = readFileSync(path);
    expectRefusal(await world.failToServe(folder), /contexts\.db is/, /backup/);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('on the data of a newer version', async () => {
    const folder = await usedFolder();
    const database = new DatabaseSync(join(folder, 'data', 'contexts.db'));
    database.exec('PRAGMA user_version = 9999');
    database.close();
    expectRefusal(await world.failToServe(folder), /schema version 9999/, /version|newer/);
  });

  it('with vectors of another length than those that it has', async () => {
    const folder = await usedFolder();
    expectRefusal(
      await world.failToServe(folder, { EMBEDDING__DIMENSION: '512' }),
      /1024 dimensions.*512 dimensions/,
      /vector_db\.vector_size/,
    );
    const again = await world.serve(folder);
    expect((await again.end('SIGTERM')).code).toBe(0);
  });

  it('with an embedding service that is not named', async () => {
    expectRefusal(
      await world.failToServe(world.folder(), { EMBEDDING__PROVIDER: 'http' }),
      /`embedding\.model` is not set/,
      /reference\.toml/,
    );
  });

  it('with a vector database that is not there', async () => {
    expectRefusal(
      await world.failToServe(world.folder(), { VECTOR_DB__URL: 'http://127.0.0.1:9' }),
      /Qdrant at http:\/\/127\.0\.0\.1:9 cannot be used: the vector database cannot be reached/,
      /Check vector_db\.url/,
    );
  });

  it('with a quantization that the store does not have', async () => {
    expectRefusal(
      await world.failToServe(world.folder(), { VECTOR_DB__QUANTIZATION: 'binary' }),
      /`vector_db\.quantization` is "binary", which the embedded store does not know/,
      /one of f32, bf16, i8/,
    );
  });
});

describe('a server that other machines can reach', () => {
  it('says so in its log, and one that they cannot does not', async () => {
    const open = await world.serve(world.folder(), { SERVER__HOST: '0.0.0.0' });
    const { stderr } = await open.end('SIGTERM');
    expect(stderr).toContain('lets other machines connect, and the protocol does not encrypt');
    expect(stderr).not.toContain('server.http_host');
    const closed = await world.serve(world.folder());
    expect((await closed.end('SIGTERM')).stderr).not.toContain('other machines');
  });
});

describe('a configuration folder', () => {
  it('is read where the server is started, and CONFIG_ENV chooses from it', async () => {
    const folder = world.folder();
    mkdirSync(join(folder, 'config'));
    writeFileSync(join(folder, 'config', 'default.toml'), '[vector_db]\ndata_dir = "./here"\n');
    writeFileSync(join(folder, 'config', 'staging.toml'), '[vector_db]\ndata_dir = "./there"\n');
    const usual = await world.serve(folder);
    expect(usual.dataDir).toBe(join(folder, 'here'));
    const staging = await world.serve(folder, { CONFIG_ENV: 'staging' });
    expect(staging.dataDir).toBe(join(folder, 'there'));
    await Promise.all([usual.end('SIGTERM'), staging.end('SIGTERM')]);
  });
});
