import { buffer } from 'node:stream/consumers';
import fastify, { type FastifyInstance } from 'fastify';
import { McpServer } from '@modelcontextprotocol/server';
import type { Client } from '../../../../clients/typescript/src/index.ts';
import type { Caller, CallerDoor } from '../../../../src/api/caller.ts';
import { HttpMount, memoryOverHttp } from '../../../../src/fronts/mcp/http-mount.ts';
import { CACHE_HINTS } from '../../../../src/fronts/mcp/memory-mcp.ts';
import { registerContentTools, registerPrompts, registerResources } from './content-fixtures.ts';
import { registerInputFixtures, requestStates } from './input-fixtures.ts';

export interface FixtureServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * The server's own way from HTTP to a tool, and over a client on to a memory, but without tokens: the suite has none. Beside the
 * memory's tools, resources and prompts there are those of the suite.
 */
export async function fixtureServer(client: Client): Promise<FixtureServer> {
  const memory = memoryOverHttp({ version: '0.0.0', maxTokens: 1000, countTokens: (text) => text.length });
  const mount = new HttpMount({
    servers: {
      server: (port, scope) => {
        const server = new McpServer(
          { name: 'context-manager-fixtures', version: '0.0.0' },
          {
            capabilities: { tools: {}, resources: { subscribe: true }, prompts: {}, logging: {}, completions: {} },
            cacheHints: CACHE_HINTS,
            requestState: { verify: (state, context) => requestStates.verify(state, context) },
          },
        );
        memory.register(server, port, scope);
        registerFixtures(server);
        return server;
      },
    },
    allowedHosts: [],
  });
  const app = fastify();
  const door: Pick<CallerDoor, 'enter' | 'ask'> = {
    enter: () => undefined,
    ask: (_caller, type, payload) => client.request(type, payload) as Promise<object>,
  };
  mount.mount(app, {
    callerOf: () => ({ agent: 'suite' }) as Caller,
    door: door as CallerDoor,
    readBody: (request) => buffer(request.raw),
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  return { url: urlOf(app), close: () => app.close() };
}

function registerFixtures(server: McpServer): void {
  registerContentTools(server);
  registerResources(server);
  registerPrompts(server);
  registerInputFixtures(server);
  server.server.setRequestHandler('completion/complete', () => ({
    completion: { values: [], total: 0, hasMore: false },
  }));
  server.server.setRequestHandler('logging/setLevel', () => ({}));
  server.server.setRequestHandler('resources/subscribe', () => ({}));
  server.server.setRequestHandler('resources/unsubscribe', () => ({}));
}

function urlOf(app: FastifyInstance): string {
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('it does not listen');
  return `http://127.0.0.1:${address.port}/mcp`;
}
