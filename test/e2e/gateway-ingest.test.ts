import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashOfToken } from '../../src/fronts/gateway/tokens.ts';
import { GatewayWorld, KEY, SECRET, TOKEN } from '../support/gateway/gateway-world.ts';
import { pdf, said } from '../support/small-pdf.ts';

let world: GatewayWorld;
beforeAll(async () => {
  world = await GatewayWorld.open({
    gateway: { max_body_bytes: 262_144 },
    keys: [KEY, { id: 'reader', secret: `${SECRET}r`, scopes: ['read'], namespaces: ['*'] }],
    tokens: [
      { token_hash: hashOfToken('cmg_reader'), key_id: 'reader', agent: 'reader' },
      { token_hash: hashOfToken('cmg_other'), agent: 'other' },
    ],
  });
});
afterAll(() => world.close());

interface Line {
  readonly type: string;
  readonly ids?: readonly string[];
  readonly created?: number;
  readonly updated?: number;
  readonly deleted?: number;
}

interface Stored {
  readonly id: string;
  readonly agent_id: string;
  readonly level: string;
  readonly text: string;
  readonly tags: readonly string[];
  readonly session_id?: string;
  readonly metadata: { readonly document: Record<string, unknown> };
}

async function linesOf(answer: Response): Promise<Line[]> {
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/x-ndjson; charset=utf-8']);
  const text = await answer.text();
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

/** What its last line says, which is `done`. */
async function ingest(body: object, token = TOKEN): Promise<Line> {
  const lines = await linesOf(await world.post('/ingest', body, { authorization: `Bearer ${token}` }));
  expect(lines.map(({ type }) => type)).toEqual(['start', ...lines.slice(2).map(() => 'progress'), 'done']);
  return lines.at(-1) as Line;
}

/** Of a document, as they follow in it. */
async function chunksOf(document: string, token = TOKEN): Promise<Stored[]> {
  const filter = { must: [{ key: 'metadata.document.id', match: { value: document } }] };
  const asked = { method: 'POST', body: JSON.stringify({ filter, limit: 1000 }) };
  const { contexts } = (await (await world.ask('/v1/memory/context.list', asked, token)).json()) as {
    readonly contexts: Stored[];
  };
  return contexts.sort((a, b) => Number(a.metadata.document['chunk']) - Number(b.metadata.document['chunk']));
}

describe('formats', () => {
  it('text: long ones in pieces that overlap, whose ids follow from what they say', async () => {
    const text = Array.from({ length: 300 }, (_, n) => `Sentence number ${n} is about the harbour.`).join(' ');
    const { ids, created } = await ingest({ text, chunk_tokens: 200, tags: ['port'], metadata: { source: 'diary' } });
    const chunks = await chunksOf(createHash('sha256').update(text).digest('hex'));
    expect(chunks.map(({ id }) => id)).toEqual(ids);
    expect(created).toBe(chunks.length);
    expect(chunks.length).toBeGreaterThan(10);
    expect(chunks.at(1)).toMatchObject({
      level: 'long_term',
      agent_id: 'bot',
      tags: ['port'],
      metadata: { source: 'diary' },
    });
    const [first, second] = chunks.map((chunk): string[] => chunk.text.match(/number \d+/g) ?? []);
    expect(first?.some((number) => second?.includes(number))).toBe(true);
    for (let n = 0; n < 300; n++) expect(chunks.some((chunk) => chunk.text.includes(`number ${n} is`))).toBe(true);
  });

  it('Markdown: at its headings, but for those in code', async () => {
    const text = '# Guide\n\nFor all.\n\n## Install ##\n\nRun it.\n\n```sh\n# no heading\n```\n\nUse\n---\n\nAsk it.\n';
    await ingest({ document_id: 'guide', format: 'markdown', text, title: 'The guide', session_id: 'trip' });
    const chunks = await chunksOf('guide');
    expect(chunks.map((chunk) => [chunk.metadata.document['headings'], chunk.text])).toEqual([
      [['Guide'], 'Guide\n\nFor all.'],
      [['Guide', 'Install'], 'Guide > Install\n\nRun it.\n\n```sh\n# no heading\n```'],
      [['Guide', 'Use'], 'Guide > Use\n\nAsk it.'],
    ]);
    const sha256 = createHash('sha256').update('Guide\n\nFor all.').digest('hex');
    expect(chunks.at(0)).toMatchObject({
      session_id: 'trip',
      metadata: { document: { id: 'guide', title: 'The guide', chunk: 0, sha256 } },
    });
  });

  it('HTML: what a reader sees', async () => {
    const text =
      '<title>Shop &amp; co</title><style>p {}</style><h1>Returns</h1><p>Within <b>30</b> days.</p>' +
      '<script>steal("<p>no</p>")</script><ul><li>One</li><li>Two<br>lines</li></ul><h2>Costs</h2><p>None, <i>ever</i>.';
    await ingest({ document_id: 'shop', format: 'html', text });
    const chunks = await chunksOf('shop');
    expect(chunks.map((chunk) => chunk.text)).toEqual([
      'Returns\n\nWithin 30 days.\n\nOne\n\nTwo\nlines',
      'Returns > Costs\n\nNone, ever.',
    ]);
    expect(chunks.at(0)?.metadata.document['title']).toBe('Shop & co');
  });

  it('PDF: at its pages; in a form', async () => {
    const form = new FormData();
    form.set('document_id', 'ferry');
    form.append('tags', 'sea');
    form.append('tags', 'travel');
    form.set('metadata', '{"year": 2026}');
    form.set('file', new Blob([pdf([said('The ferry leaves at nine'), said('Tickets are sold aboard')])]), 'ferry.bin');
    const lines = await linesOf(await world.ask('/ingest', { method: 'POST', body: form }));
    expect(lines.at(-1)).toMatchObject({ type: 'done', created: 2 });
    const chunks = await chunksOf('ferry');
    expect(chunks.map(({ text, metadata }) => [text, metadata.document['page']])).toEqual([
      ['The ferry leaves at nine', 1],
      ['Tickets are sold aboard', 2],
    ]);
    expect(chunks.at(0)).toMatchObject({ tags: ['sea', 'travel'], metadata: { year: 2026 } });
    const found = await world.post('/v1/memory/context.query', {
      query: 'when does the ferry leave?',
      filter: { must: [{ key: 'metadata.document.page', match: { value: 1 } }] },
    });
    expect(await found.json()).toMatchObject({ contexts: [{ id: chunks.at(0)?.id }] });
  });
});

describe('the same document again', () => {
  const version = (...sections: string[]): object => ({
    document_id: 'rules',
    format: 'markdown',
    text: sections.map((name) => `# ${name}\n\nWhat ${name} says.\n`).join('\n'),
  });

  it('stores nothing where nothing has changed, and what has changed in its place', async () => {
    expect(await ingest(version('one', 'two', 'three'))).toMatchObject({ created: 3, updated: 0, deleted: 0 });
    const before = await chunksOf('rules');
    expect(await ingest(version('one', 'two', 'three'))).toMatchObject({ created: 0, updated: 0, deleted: 0 });
    expect(await chunksOf('rules')).toEqual(before);
    // The third one stands at another place now.
    expect(await ingest(version('one', 'three', 'four'))).toMatchObject({ created: 1, updated: 1, deleted: 1 });
    const after = await chunksOf('rules');
    expect(after.map(({ metadata }) => metadata.document['headings'])).toEqual([['one'], ['three'], ['four']]);
    expect(after.slice(0, 2).map(({ id }) => id)).toEqual([before.at(0)?.id, before.at(2)?.id]);
  });

  it('of another agent is another document', async () => {
    const mine = await chunksOf('rules');
    expect(await ingest(version('one'), 'cmg_other')).toMatchObject({ created: 1, deleted: 0 });
    expect(await ingest(version('two'), 'cmg_other')).toMatchObject({ created: 1, deleted: 1 });
    expect(await chunksOf('rules')).toEqual(mine);
    expect(await chunksOf('rules', 'cmg_other')).toHaveLength(1);
  });

  it('moves to another session', async () => {
    expect(await ingest({ ...version('one', 'three'), session_id: 's' })).toMatchObject({ created: 2, deleted: 3 });
    expect((await chunksOf('rules')).map((chunk) => chunk.session_id)).toEqual(['s', 's']);
  });

  it('at once: one after the other, and one of them is left', async () => {
    await Promise.all([ingest(version('red', 'both')), ingest(version('blue', 'both'))]);
    const left = (await chunksOf('rules')).map(({ metadata }) => String(metadata.document['headings']));
    expect([
      ['red', 'both'],
      ['blue', 'both'],
    ]).toContainEqual(left);
  });
});

describe('what it refuses', () => {
  const base64 = (bytes: Buffer): string => bytes.toString('base64');
  it.each([
    [{}, 400],
    [{ text: 'a', base64: 'YQ==' }, 400],
    [{ text: '  \n' }, 400],
    [{ text: 'a', colour: 'red' }, 400],
    [{ text: 'a', format: 'word' }, 400],
    [{ text: 'a', chunk_tokens: 1 }, 400],
    [{ text: 'a', document_id: '' }, 400],
    [{ text: 'a', tags: 'x' }, 400],
    [{ text: 'a', tags: [''] }, 400],
    [{ text: 'a', metadata: { document: 1 } }, 400],
    [{ base64: '!' }, 400],
    [{ base64: '/w==' }, 400],
    [{ format: 'pdf', text: 'no PDF at all' }, 400],
    [{ base64: base64(pdf([said('cut off')]).subarray(0, 100)) }, 400],
    [{ text: 'x'.repeat(300_000) }, 413],
    [{ format: 'markdown', text: '#\nx\n'.repeat(20_000).replaceAll('x', () => String(Math.random())) }, 413],
  ])('%#', async (body, status) => {
    const answer = await world.post('/ingest', body);
    const code = status === 413 ? 'PAYLOAD_TOO_LARGE' : 'BAD_REQUEST';
    expect([answer.status, await answer.json()]).toMatchObject([status, { error: { code, retryable: false } }]);
  });

  it('a form without a file, and one that is cut off', async () => {
    const form = new FormData();
    form.set('title', 'nothing');
    expect((await world.ask('/ingest', { method: 'POST', body: form })).status).toBe(400);
    const headers = { 'content-type': 'multipart/form-data; boundary=b' };
    const body = '--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhalf a fi';
    expect((await world.ask('/ingest', { method: 'POST', body, headers })).status).toBe(400);
    const bare = { 'content-type': 'multipart/form-data' };
    expect((await world.ask('/ingest', { method: 'POST', body, headers: bare })).status).toBe(400);
  });

  it('whoever may not write', async () => {
    const answer = await world.post('/ingest', { text: 'mine' }, { authorization: 'Bearer cmg_reader' });
    expect([answer.status, await answer.json()]).toMatchObject([403, { error: { code: 'FORBIDDEN' } }]);
  });
});

it('a client that hangs up ends it, and the same again mends it', async () => {
  const text = Array.from({ length: 1500 }, (_, n) => `# Part ${n}\n\nThis is about ${n}.\n`).join('\n');
  const body = { document_id: 'long', format: 'markdown', text };
  const gone = new AbortController();
  const options = { method: 'POST', body: JSON.stringify(body), signal: gone.signal };
  const answer = await world.ask('/ingest', options);
  const reader = answer.body?.getReader();
  await reader?.read();
  gone.abort();
  await expect(reader?.read()).rejects.toThrow();
  while ((await world.metric('gateway_requests_in_flight')) > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const left = (await chunksOf('long')).length;
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThan(1000);
  expect(await ingest(body)).toMatchObject({ deleted: 0 });
  const { ids } = await ingest(body);
  expect(new Set(ids).size).toBe(1500);
});
