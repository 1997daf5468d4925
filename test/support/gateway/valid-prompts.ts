import { LoopTurns } from '../../../src/base/loop-turns.ts';
import { createTokenEstimator } from '../../../src/hirag/write/tokens.ts';
import { DEFAULTS } from '../settings.ts';
import type { Asked } from './scripted-upstream.ts';

export interface SentMessage {
  readonly role: string;
  readonly content: unknown;
  readonly tool_calls?: readonly {
    readonly id: string;
    readonly function: { readonly name: string; readonly arguments: string };
  }[];
  readonly tool_call_id?: string;
}

export function messagesOf({ body }: Asked): readonly SentMessage[] {
  return body?.['messages'] as readonly SentMessage[];
}

/** All words of a request, as they are. */
export function wordsOf(message: SentMessage): string {
  const { content } = message;
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map(
      (part: { text?: string; content?: unknown }) =>
        part.text ?? (typeof part.content === 'string' ? part.content : ''),
    )
    .join('\n');
}

/** Of OpenAI's chat shape: what a model would refuse; empty: nothing. */
export function faultsOfChat(messages: readonly SentMessage[]): string[] {
  const faults: string[] = [];
  let open = new Set<string>();
  messages.forEach(({ role, content, tool_calls: calls, tool_call_id: id }, place) => {
    if (role === 'tool') {
      if (!open.delete(id ?? '')) faults.push(`${place}: a result without its call`);
      return;
    }
    if (open.size > 0) faults.push(`${place}: calls without results before it`);
    open = new Set(calls?.map((call) => call.id));
    if (role === 'system' && place > 0 && messages[place - 1]?.role !== 'system')
      faults.push(`${place}: a system message in the middle`);
    if (content === null && calls === undefined) faults.push(`${place}: nothing in it`);
  });
  if (open.size > 0) faults.push('calls without results at the end');
  const first = messages.find(({ role }) => role !== 'system');
  if (first?.role !== 'user') faults.push(`begins with ${first?.role}`);
  if (!['user', 'tool'].includes(messages.at(-1)?.role ?? '')) faults.push('ends with an answer');
  return faults;
}

const { tokens, tokenEstimator } = DEFAULTS.hirag;
const estimator = createTokenEstimator({ ...tokens, estimator: tokenEstimator }, new LoopTurns());

/** As the server estimates them. */
export async function tokensOf(messages: readonly SentMessage[]): Promise<number> {
  const texts = messages.flatMap((message) => [
    wordsOf(message),
    ...(message.tool_calls === undefined ? [] : [JSON.stringify(message.tool_calls)]),
  ]);
  return (await estimator.count(texts)).reduce((sum, count) => sum + count, 0);
}
