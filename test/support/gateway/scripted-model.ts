import type { ServerResponse } from 'node:http';
import { sendJson, type Answerer, type Asked } from './scripted-upstream.ts';

/** What a model says to one request. */
export interface Say {
  readonly text?: string;
  readonly calls?: readonly { readonly id: string; readonly name: string; readonly input: object }[];
}

export type Mind = (asked: Asked, number: number) => Say | Promise<Say>;

let answers = 0;

/** Answers in the shape of the path that is asked, streamed where that is wanted, in small pieces with cuts in bad places. */
export function model(mind: Mind): Answerer {
  let number = 0;
  return async (asked, response) => {
    const say = await mind(asked, ++number);
    answers += 1;
    const id = `answer-${answers}`;
    if (asked.path.startsWith('/v1/chat')) return chat(asked, response, say, id);
    if (asked.path.startsWith('/v1/messages')) return messages(asked, response, say, id);
    return responses(asked, response, say, id);
  };
}

/** Pieces of a text as a model writes it. */
function pieces(text: string): string[] {
  return text.match(/.{1,7}/gsu) ?? [];
}

async function stream(response: ServerResponse, text: string): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-request-id': 'up-1' });
  const bytes = Buffer.from(text);
  for (let from = 0; from < bytes.length; from += 37) {
    response.write(bytes.subarray(from, from + 37));
    await new Promise((resolve) => setImmediate(resolve));
  }
  response.end();
}

function chat(asked: Asked, response: ServerResponse, { text, calls = [] }: Say, id: string): unknown {
  const head = { id, object: 'chat.completion', created: 1, model: 'm' };
  const reason = calls.length > 0 ? 'tool_calls' : 'stop';
  const toolCalls = calls.map((call) => ({
    id: call.id,
    type: 'function',
    function: { name: call.name, arguments: JSON.stringify(call.input) },
  }));
  if (asked.body?.['stream'] !== true) {
    const message = {
      role: 'assistant',
      content: text ?? null,
      refusal: null,
      ...(calls.length > 0 && { tool_calls: toolCalls }),
    };
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
    return sendJson(response, {
      ...head,
      choices: [{ index: 0, message, finish_reason: reason, logprobs: null }],
      usage,
    });
  }
  const chunk = (delta: object, finish: string | null = null): string =>
    `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finish }] })}\r\n\r\n`;
  const parts = [': a comment\r\n\r\n', chunk({ role: 'assistant', content: '' })];
  for (const piece of pieces(text ?? '')) parts.push(chunk({ content: piece }));
  toolCalls.forEach((call, index) => {
    parts.push(
      chunk({
        tool_calls: [{ index, id: call.id, type: 'function', function: { name: call.function.name, arguments: '' } }],
      }),
    );
    for (const piece of pieces(call.function.arguments))
      parts.push(chunk({ tool_calls: [{ index, function: { arguments: piece } }] }));
  });
  parts.push(chunk({}, reason));
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
  parts.push(`data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices: [], usage })}\r\n\r\n`);
  parts.push('data: [DONE]\r\n\r\n');
  return stream(response, parts.join(''));
}

/** As Anthropic's models think before they speak. */
export const THINKING = { type: 'thinking', thinking: 'Hm — "ü"\n…', signature: 'Eq+/sig==\\u0041' };

function messages(asked: Asked, response: ServerResponse, { text, calls = [] }: Say, id: string): unknown {
  const head = { id, type: 'message', role: 'assistant', model: 'm', stop_sequence: null };
  const uses = calls.map((call) => ({ type: 'tool_use', id: call.id, name: call.name, input: call.input }));
  const content = [THINKING, ...(text === undefined ? [] : [{ type: 'text', text }]), ...uses];
  const reason = calls.length > 0 ? 'tool_use' : 'end_turn';
  const usage = { input_tokens: 1, output_tokens: 1 };
  if (asked.body?.['stream'] !== true) return sendJson(response, { ...head, content, stop_reason: reason, usage });
  const parts: string[] = [];
  const send = (type: string, data: object): void =>
    void parts.push(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  send('message_start', { message: { ...head, content: [], stop_reason: null, usage } });
  send('ping', {});
  content.forEach((block, index) => {
    const { type } = block;
    const [empty, delta] =
      type === 'thinking'
        ? [{ type, thinking: '', signature: '' }, (piece: string) => ({ type: 'thinking_delta', thinking: piece })]
        : type === 'text'
          ? [{ type, text: '' }, (piece: string) => ({ type: 'text_delta', text: piece })]
          : [{ ...block, input: {} }, (piece: string) => ({ type: 'input_json_delta', partial_json: piece })];
    send('content_block_start', { index, content_block: empty });
    const whole =
      type === 'thinking'
        ? THINKING.thinking
        : type === 'text'
          ? (text ?? '')
          : JSON.stringify((block as { input: object }).input);
    for (const piece of pieces(whole)) send('content_block_delta', { index, delta: delta(piece) });
    if (type === 'thinking')
      send('content_block_delta', { index, delta: { type: 'signature_delta', signature: THINKING.signature } });
    send('content_block_stop', { index });
  });
  send('message_delta', { delta: { stop_reason: reason, stop_sequence: null }, usage: { output_tokens: 9 } });
  send('message_stop', {});
  return stream(response, parts.join(''));
}

function responses(asked: Asked, response: ServerResponse, { text, calls = [] }: Say, id: string): unknown {
  const message = {
    type: 'message',
    id: `m-${id}`,
    role: 'assistant',
    status: 'completed',
    content: [{ type: 'output_text', text: text ?? '', annotations: [] }],
  };
  const uses = calls.map((call) => ({
    type: 'function_call',
    id: `f-${call.id}`,
    call_id: call.id,
    name: call.name,
    arguments: JSON.stringify(call.input),
    status: 'completed',
  }));
  const output = [...(text === undefined ? [] : [message]), ...uses];
  const whole = { id, object: 'response', created_at: 1, status: 'completed', model: 'm', output, error: null };
  if (asked.body?.['stream'] !== true) return sendJson(response, whole);
  const parts: string[] = [];
  let sequence = 0;
  const send = (type: string, data: object): void =>
    void parts.push(`event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence++, ...data })}\n\n`);
  send('response.created', { response: { ...whole, status: 'in_progress', output: [] } });
  output.forEach((item, output_index) => {
    send('response.output_item.added', { output_index, item: { ...item, status: 'in_progress' } });
    if (item.type === 'message') {
      const at = { item_id: item.id, output_index, content_index: 0 };
      send('response.content_part.added', { ...at, part: { type: 'output_text', text: '', annotations: [] } });
      for (const piece of pieces(text ?? '')) send('response.output_text.delta', { ...at, delta: piece, logprobs: [] });
      send('response.output_text.done', { ...at, text: text ?? '', logprobs: [] });
      send('response.content_part.done', { ...at, part: { type: 'output_text', text: text ?? '', annotations: [] } });
    }
    send('response.output_item.done', { output_index, item });
  });
  send('response.completed', { response: whole });
  return stream(response, parts.join(''));
}
