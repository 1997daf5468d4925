// Tools and a prompt that ask the client for something before they answer, as the suite of the protocol wants them.

import { randomBytes, randomUUID } from 'node:crypto';
import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  createRequestStateCodec,
  inputRequired,
  type CallToolResult,
  type ClientCapabilities,
  type InputRequests,
  type InputRequiredResult,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { NOTHING, said } from './content-fixtures.ts';

type State = Readonly<Record<string, unknown>>;
type Answer = CallToolResult | InputRequiredResult;
type Responses = ServerContext['mcpReq']['inputResponses'];

/** What goes to the client and back cannot be changed on the way. */
export const requestStates = createRequestStateCodec<State>({ key: new Uint8Array(randomBytes(32)) });

const mint = (state: State): Promise<string> => requestStates.mint({ ...state, nonce: randomUUID() });

function elicit(field: string, type: 'string' | 'boolean') {
  const properties = { [field]: type === 'string' ? { type } : { type } };
  return inputRequired.elicit({
    message: `${field}?`,
    requestedSchema: { type: 'object', properties, required: [field] },
  });
}

function sampling(text: string) {
  return inputRequired.createMessage({ messages: [{ role: 'user', content: { type: 'text', text } }], maxTokens: 50 });
}

function elicited(responses: Responses, key: string, field: string): unknown {
  return acceptedContent<Record<string, unknown>>(responses, key)?.[field];
}

function sampled(responses: Responses, key: string): string | undefined {
  return (responses?.[key] as { content?: { text?: string } } | undefined)?.content?.text;
}

function roots(responses: Responses): unknown[] | undefined {
  return (responses?.['client_roots'] as { roots?: unknown[] } | undefined)?.roots;
}

const TOOLS: Readonly<Record<string, (asked: ServerContext['mcpReq']) => Promise<Answer> | Answer>> = {
  test_missing_capability: ({ inputResponses }) =>
    inputResponses?.['answer'] === undefined
      ? inputRequired({ inputRequests: { answer: sampling('Say pong') } })
      : said('pong'),
  test_input_required_result_elicitation: ({ inputResponses }) => {
    const name = elicited(inputResponses, 'user_name', 'name');
    if (typeof name === 'string') return said(`Hello, ${name}!`);
    return inputRequired({ inputRequests: { user_name: elicit('name', 'string') } });
  },
  test_input_required_result_sampling: ({ inputResponses }) => {
    const text = sampled(inputResponses, 'capital_question');
    if (text !== undefined) return said(`Sampling response: ${text}`);
    return inputRequired({ inputRequests: { capital_question: sampling('What is the capital of France?') } });
  },
  test_input_required_result_list_roots: ({ inputResponses }) => {
    const found = roots(inputResponses);
    if (found !== undefined) return said(`${found.length} roots: ${JSON.stringify(found)}`);
    return inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } });
  },
  test_input_required_result_request_state: (asked) => confirmed(asked, 'state-ok'),
  test_input_required_result_tampered_state: (asked) => confirmed(asked, 'integrity-ok'),
  test_input_required_result_multiple_inputs: async ({ inputResponses }) => {
    const name = elicited(inputResponses, 'user_name', 'name');
    const greeting = sampled(inputResponses, 'greeting');
    const found = roots(inputResponses);
    if (typeof name === 'string' && greeting !== undefined && found !== undefined)
      return said(`${greeting} ${name}, ${found.length} roots`);
    const inputRequests = {
      user_name: elicit('name', 'string'),
      greeting: sampling('Generate a greeting'),
      client_roots: inputRequired.listRoots(),
    };
    return inputRequired({ inputRequests, requestState: await mint({}) });
  },
  test_input_required_result_multi_round: async ({ inputResponses, requestState }) => {
    const state = requestState<State>();
    if (state?.['round'] === 2)
      return said(`${String(state['name'])} likes ${String(elicited(inputResponses, 'step2', 'color'))}`);
    if (state?.['round'] === 1) {
      const name = elicited(inputResponses, 'step1', 'name');
      return inputRequired({
        inputRequests: { step2: elicit('color', 'string') },
        requestState: await mint({ round: 2, name }),
      });
    }
    return inputRequired({
      inputRequests: { step1: elicit('name', 'string') },
      requestState: await mint({ round: 1 }),
    });
  },
  test_input_required_result_capabilities: ({ inputResponses, envelope }) => {
    if (inputResponses !== undefined) return said('answered');
    const told: Readonly<Record<string, unknown>> = { ...envelope };
    const declared = told[CLIENT_CAPABILITIES_META_KEY] as ClientCapabilities | undefined;
    const inputRequests: InputRequests = {
      ...(declared?.elicitation === undefined ? {} : { user_name: elicit('name', 'string') }),
      ...(declared?.sampling === undefined ? {} : { greeting: sampling('Generate a short greeting') }),
      ...(declared?.roots === undefined ? {} : { client_roots: inputRequired.listRoots() }),
    };
    return Object.keys(inputRequests).length === 0 ? said('nothing to ask for') : inputRequired({ inputRequests });
  },
};

async function confirmed({ inputResponses, requestState }: ServerContext['mcpReq'], ok: string): Promise<Answer> {
  if (requestState() !== undefined && acceptedContent(inputResponses, 'confirm') !== undefined) return said(ok);
  return inputRequired({ inputRequests: { confirm: elicit('ok', 'boolean') }, requestState: await mint({}) });
}

export function registerInputFixtures(server: McpServer): void {
  for (const [name, answer] of Object.entries(TOOLS))
    server.registerTool(name, { description: name, inputSchema: NOTHING }, (_args, ctx) => answer(ctx.mcpReq));
  server.registerPrompt(
    'test_input_required_result_prompt',
    { description: 'Asks first.', argsSchema: NOTHING },
    (_args, ctx) => {
      const context = elicited(ctx.mcpReq.inputResponses, 'user_context', 'context');
      if (typeof context !== 'string')
        return inputRequired({ inputRequests: { user_context: elicit('context', 'string') } });
      return { messages: [{ role: 'user', content: { type: 'text', text: `Use the context: ${context}` } }] };
    },
  );
}
