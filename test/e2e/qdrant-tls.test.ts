// A server whose Qdrant speaks TLS, with certificates made for the test.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Certificate, makeAuthority, makeCertificate } from '../support/certificates.ts';
import { type QdrantDouble, startQdrantDouble } from '../support/qdrant-double/start-qdrant-double.ts';
import { type Variables, World } from './support/processes.ts';

const world = new World();
const doubles: QdrantDouble[] = [];
let authority: Certificate;
let own: Certificate;

beforeAll(async () => {
  authority = await makeAuthority();
  own = await makeCertificate(authority, { ip: '127.0.0.1' });
});
afterEach(async () => {
  for (const double of doubles.splice(0)) await double.close();
});
afterAll(() => world.cleanUp());

async function qdrant(tls?: Certificate): Promise<QdrantDouble> {
  const double = await startQdrantDouble({ apiKey: 'key-of-qdrant', ...(tls === undefined ? {} : { tls }) });
  doubles.push(double);
  return double;
}

/** Settings of a server in `folder` that trusts `trusted`. */
function settings(url: string, folder: string, trusted?: string): Variables {
  const path = join(folder, 'ca.pem');
  if (trusted !== undefined) writeFileSync(path, trusted);
  return {
    VECTOR_DB__URL: url,
    VECTOR_DB__API_KEY: 'key-of-qdrant',
    VECTOR_DB__VECTOR_SIZE: '64',
    ...(trusted === undefined ? {} : { VECTOR_DB__TLS_CERT_PATH: path }),
  };
}

async function storesAndFinds(folder: string, variables: Variables): Promise<string> {
  const server = await world.serve(folder, variables);
  const client = await server.connect();
  const { id } = await client.store({ text: 'the ferry leaves at noon' });
  const { contexts } = await client.query({ query: 'when does the ferry leave?' });
  expect(contexts.map((context) => context.id)).toEqual([id]);
  await client.close();
  const { stderr } = await server.end('SIGTERM');
  expect(stderr).not.toContain('key-of-qdrant');
  return stderr;
}

describe('a Qdrant behind TLS', () => {
  it('is believed by the authority that the settings name', async () => {
    const folder = world.folder();
    const { url } = await qdrant(own);
    expect(await storesAndFinds(folder, settings(url, folder, authority.cert))).not.toContain('tls_verify');
  });

  it('is spoken to where tls_enabled says so, whatever the address says', async () => {
    const folder = world.folder();
    const { url } = await qdrant(own);
    const plain = settings(url.replace('https:', 'http:'), folder, authority.cert);
    await storesAndFinds(folder, { ...plain, VECTOR_DB__TLS_ENABLED: 'true' });
  });

  it('is not checked with tls_verify off, and the log says what that means', async () => {
    const folder = world.folder();
    const { url } = await qdrant(own);
    const said = await storesAndFinds(folder, { ...settings(url, folder), VECTOR_DB__TLS_VERIFY: 'false' });
    expect(said).toMatch(/"level":"?(warn|40)"?.*vector_db\.tls_verify is off: whoever stands between/);
  });

  it.each<[string, () => Promise<{ tls: Certificate | undefined; trusted: string | undefined }>, RegExp]>([
    [
      'of an authority that is not known',
      () => Promise.resolve({ tls: own, trusted: undefined }),
      /unable to verify|certificate/,
    ],
    [
      'of another authority',
      async () => ({ tls: own, trusted: (await makeAuthority()).cert }),
      /unable to verify|certificate/,
    ],
    [
      'of another name',
      async () => ({ tls: await makeCertificate(authority, { name: 'elsewhere.test' }), trusted: authority.cert }),
      /elsewhere\.test|altnames/,
    ],
    ['that does not encrypt', () => Promise.resolve({ tls: undefined, trusted: authority.cert }), /cannot be used/],
  ])('is a start-up error %s', async (_, make, message) => {
    const { tls, trusted } = await make();
    const folder = world.folder();
    const { url, requests } = await qdrant(tls);
    const { code, stderr } = await world.failToServe(folder, settings(url.replace('http:', 'https:'), folder, trusted));
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/vector_db\.url.*tls/);
    expect(requests.labels).toEqual([]);
  });

  it('is a start-up error where it is asked without', async () => {
    const folder = world.folder();
    const { url } = await qdrant(own);
    const { code, stderr } = await world.failToServe(folder, settings(url.replace('https:', 'http:'), folder));
    expect(code).toBe(1);
    expect(stderr).toMatch(/Qdrant at http:\/\/127\.0\.0\.1:\d+ cannot be used/);
  });
});
