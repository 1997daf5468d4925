import {
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
  ResourceTemplate,
  type McpServer,
  type ReadResourceResult,
} from '@modelcontextprotocol/server';
import type { StatsReply } from '../../protocol/messages.generated.ts';
import type { Answer } from './reply-budget.ts';
import { errorText, type Explanation } from './tool-errors.ts';
import { expanded } from './tools/expand.ts';
import { latest } from './tools/recent.ts';
import { namespaceOf, type ToolDeps } from './tools/tool.ts';

export type Explain = (error: unknown) => Explanation;

const JSON_TYPE = 'application/json';
const SESSION_LIMIT = 50;
const SESSION_BYTES_MAX = 256;

/** `memory://context/{id}`, `memory://session/{id}` and `memory://stats`. */
export function registerResources(server: McpServer, deps: ToolDeps, explain: Explain): void {
  const read = async (uri: URL, answer: () => Promise<Pick<Answer, 'structured'>>): Promise<ReadResourceResult> => {
    try {
      const { structured } = await answer();
      return { contents: [{ uri: uri.href, mimeType: JSON_TYPE, text: JSON.stringify(structured) }] };
    } catch (error) {
      throw refused(uri, explain(error));
    }
  };
  server.registerResource(
    'context',
    new ResourceTemplate('memory://context/{id}', { list: undefined }),
    { title: 'A memory', description: 'One memory by its id, with all that is kept with it.', mimeType: JSON_TYPE },
    (uri, { id }, { mcpReq }) => read(uri, () => expanded({ id: textOf(id) }, deps, mcpReq.signal)),
  );
  server.registerResource(
    'session',
    new ResourceTemplate('memory://session/{id}', { list: undefined }),
    { title: 'A session', description: 'The memories of one session, newest first.', mimeType: JSON_TYPE },
    (uri, { id }, { mcpReq }) =>
      read(uri, () => latest({ session_id: sessionOf(id), limit: SESSION_LIMIT }, deps, mcpReq.signal)),
  );
  server.registerResource(
    'stats',
    'memory://stats',
    { title: 'What is remembered', description: 'How many memories there are on each level.', mimeType: JSON_TYPE },
    (uri, { mcpReq }) =>
      read(uri, async () => {
        const stats = await deps.memory.ask('stats', namespaceOf(deps.scope), mcpReq.signal);
        return { structured: shown(stats) };
      }),
  );
}

/** Without the store's own figures, which are an operator's. */
function shown({ counts, cache, namespace, uptime_ms: uptimeMs }: StatsReply): Answer['structured'] {
  return { counts, cache, uptime_ms: uptimeMs, ...(namespace === undefined ? {} : { namespace }) };
}

function textOf(variable: string | readonly string[] | undefined): string {
  const text = typeof variable === 'string' ? variable : (variable?.join(',') ?? '');
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function sessionOf(variable: string | readonly string[] | undefined): string {
  return textOf(variable).slice(0, SESSION_BYTES_MAX);
}

function refused(uri: URL, explanation: Explanation): Error {
  if (explanation.code === 'NOT_FOUND' || explanation.code === 'BAD_REQUEST')
    return new ResourceNotFoundError(uri.href, errorText(explanation));
  return new ProtocolError(ProtocolErrorCode.InternalError, errorText(explanation));
}
