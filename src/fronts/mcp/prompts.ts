import { ProtocolError, ProtocolErrorCode, type GetPromptResult, type McpServer } from '@modelcontextprotocol/server';
import { lazySchema } from './lazy-schema.ts';
import type { Explain } from './resources.ts';
import type { Answer } from './reply-budget.ts';
import { errorText } from './tool-errors.ts';
import { recalled } from './tools/recall.ts';
import { latest } from './tools/recent.ts';
import type { ToolDeps } from './tools/tool.ts';

const SESSION_LIMIT = 50;

/** Schemas of the arguments: made once, as a server may be made for every request. */
export interface PromptSchemas {
  readonly recall: ReturnType<typeof lazySchema<{ topic: string }>>;
  readonly summary: ReturnType<typeof lazySchema<{ session_id?: string }>>;
}

export function promptSchemas(): PromptSchemas {
  return {
    recall: lazySchema<{ topic: string }>({
      type: 'object',
      properties: { topic: { type: 'string', description: 'What it is about, in words.' } },
      required: ['topic'],
    }),
    summary: lazySchema<{ session_id?: string }>({
      type: 'object',
      properties: { session_id: { type: 'string', description: 'Only this session. Default: whatever came last.' } },
    }),
  };
}

/** `recall` brings what is remembered into a conversation; `summary` has what came last made into few memories. */
export function registerPrompts(server: McpServer, schemas: PromptSchemas, deps: ToolDeps, explain: Explain): void {
  const ask = async (instruction: string, answer: () => Promise<Answer>): Promise<GetPromptResult> => {
    try {
      const { text } = await answer();
      return { messages: [{ role: 'user', content: { type: 'text', text: `${instruction}\n\n${text}` } }] };
    } catch (error) {
      throw new ProtocolError(ProtocolErrorCode.InternalError, errorText(explain(error)));
    }
  };
  server.registerPrompt(
    'recall',
    {
      title: 'What is remembered about this?',
      description: 'Brings what is remembered about a topic into the conversation.',
      argsSchema: schemas.recall,
    },
    ({ topic }, { mcpReq }) =>
      ask(
        `Take into account what is remembered about ${JSON.stringify(topic)}; say where it contradicts what we said here.`,
        () => recalled({ query: topic }, deps, mcpReq.signal),
      ),
  );
  server.registerPrompt(
    'summary',
    {
      title: 'Sum up what was remembered',
      description: 'Has the latest memories, of one session or of all, summed up and kept as few new ones.',
      argsSchema: schemas.summary,
    },
    ({ session_id: sessionId }, { mcpReq }) =>
      ask(
        'Sum up the memories below in a few sentences: what was decided, what is open, what was learnt. Then store each point that will matter later with the tool remember, one a call, and correct what is out of date with update.',
        () =>
          latest(
            { limit: SESSION_LIMIT, ...(sessionId === undefined ? {} : { session_id: sessionId }) },
            deps,
            mcpReq.signal,
          ),
      ),
  );
}
