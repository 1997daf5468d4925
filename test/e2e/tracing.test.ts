import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { afterAll, afterEach, expect, it } from 'vitest';
import { World } from './support/processes.ts';

const world = new World();
let collector: Collector | undefined;
afterEach(() => collector?.close());
afterAll(() => world.cleanUp());

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number | string };
}

interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly attributes: readonly Attribute[];
  readonly status: { readonly code?: number };
}

/** Takes OTLP over HTTP, as JSON, as a collector does. */
class Collector {
  readonly spans: ReceivedSpan[] = [];
  readonly bodies: string[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', (request, response) => {
      void textOf(request).then((body) => {
        this.bodies.push(body);
        const { resourceSpans } = JSON.parse(body) as {
          resourceSpans: { scopeSpans: { spans: ReceivedSpan[] }[] }[];
        };
        this.spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)));
        response.setHeader('content-type', 'application/json').end('{}');
      });
    });
  }

  static async start(): Promise<Collector> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Collector(server);
  }

  get variables(): Record<string, string> {
    const { port } = this.#server.address() as AddressInfo;
    return { TRACING__ENABLED: 'true', TRACING__ENDPOINT: `http://127.0.0.1:${port}/v1/traces` };
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

function attributesOf({ attributes }: ReceivedSpan): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.stringValue ?? (value.intValue === undefined ? undefined : Number(value.intValue)),
    ]),
  );
}

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const traceparent = `00-${TRACE}-${PARENT}-01`;

it('continues the trace of a client, with a span for each stage and the names of the conventions, and no text', async () => {
  collector = await Collector.start();
  const server = await world.serve(world.folder(), { ...collector.variables, LOGGING__LEVEL: 'debug' });
  const client = await server.connect();
  const { id } = await client.store({ text: 'a secret of the shop', namespace: 'shop' }, { traceparent });
  await client.query({ query: 'what is secret?', namespace: 'shop' }, { traceparent });
  await client
    .get({ id: '018f0000-0000-7000-8000-000000000001', namespace: 'shop' }, { traceparent })
    .catch(() => undefined);
  await client.request('admin.circuit_reset', { backend: 'vector_db' }).catch(() => undefined);
  await client.store({ text: 'begins a trace of its own' });
  await client.close();
  const { code, stderr } = await server.end('SIGTERM');
  expect(code).toBe(0);
  const { spans, bodies } = collector;
  const [stored, asked, got, reset, own] = [
    spans.find(({ name, traceId }) => name === 'create_memory' && traceId === TRACE),
    spans.find((span) => attributesOf(span)['context_manager.request.type'] === 'context.query'),
    spans.find((span) => attributesOf(span)['context_manager.request.type'] === 'context.get'),
    spans.find(({ name }) => name === 'admin.circuit_reset'),
    spans.find(({ name, traceId }) => name === 'create_memory' && traceId !== TRACE),
  ];
  for (const span of [stored, asked, got]) expect(span).toMatchObject({ traceId: TRACE, parentSpanId: PARENT });
  expect(attributesOf(stored!)).toEqual({
    'context_manager.request.type': 'context.store',
    'gen_ai.operation.name': 'create_memory',
    'gen_ai.memory.record.id': id,
    'gen_ai.memory.record.count': 1,
  });
  expect(asked).toMatchObject({ name: 'search_memory' });
  expect(attributesOf(asked!)).toMatchObject({ 'gen_ai.memory.record.count': 1 });
  expect(attributesOf(got!)).toMatchObject({
    'gen_ai.memory.record.id': '018f0000-0000-7000-8000-000000000001',
    'error.type': 'NOT_FOUND',
  });
  expect(got?.status.code).toBe(2);
  // It fails before it has begun to wait for anything.
  expect(attributesOf(reset!)).toMatchObject({ 'error.type': 'NOT_FOUND' });
  expect(own?.parentSpanId ?? '').toBe('');
  const below = (parent: ReceivedSpan | undefined) =>
    spans.filter(({ parentSpanId }) => parentSpanId === parent?.spanId).map(({ name }) => name);
  expect(below(stored)).toEqual(expect.arrayContaining(['embeddings', 'tokens', 'store.write']));
  expect(below(asked)).toEqual(expect.arrayContaining(['plan', 'embeddings', 'store.search', 'rank', 'assemble']));
  expect(bodies.join('')).not.toMatch(/secret|shop/);
  // Lines of the log say the same trace.
  expect(stderr).toContain(`"trace_id":"${TRACE}"`);
});

it('names namespaces where that is asked for, and keeps none of the traces that begin here where none is to be', async () => {
  collector = await Collector.start();
  const settings = { ...collector.variables, TRACING__NAMESPACES: 'true', TRACING__SAMPLE_RATIO: '0' };
  const server = await world.serve(world.folder(), settings);
  const client = await server.connect();
  await client.store({ text: 'not kept', namespace: 'shop' });
  await client.store({ text: 'kept', namespace: 'shop' }, { traceparent });
  await client.close();
  await server.end('SIGTERM');
  const requests = collector.spans.filter(({ name }) => name === 'create_memory');
  expect(requests.map(attributesOf)).toMatchObject([{ 'gen_ai.memory.store.id': 'shop' }]);
});

it('holds up neither requests nor the end where nobody collects', async () => {
  collector = await Collector.start();
  const { variables } = collector;
  collector.close();
  const server = await world.serve(world.folder(), variables);
  const client = await server.connect();
  await client.store({ text: 'stored' });
  expect((await client.query({ query: 'stored' })).contexts).toHaveLength(1);
  await client.close();
  expect((await server.end('SIGTERM')).code).toBe(0);
});
