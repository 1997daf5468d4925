import type { LanguageModelMiddleware } from 'ai';
import type { AdapterOptions } from '../../shared/adapter-options.ts';
import { contextId } from '../../shared/names.ts';
import { AgentMemory } from './agent-memory.ts';
import {
  questionOf,
  saidSince,
  textOf,
  withMemory,
  type CallParams,
  type Prompt,
  type Question,
} from './conversation.ts';
import { memoryBlock } from './memory-block.ts';

/** What the memory does for a model; `sessionId` and `recall` of one call stand in `providerOptions.contextManager`. */
export interface MemoryMiddlewareOptions extends AdapterOptions {
  /** The conversation that what is said belongs to, 1 to 256 characters. Default: none. */
  readonly sessionId?: string;
  /** What may be recalled into a prompt, in tokens; 0: nothing is. Default: 1,000. */
  readonly maxTokens?: number;
  /** The least score of what is recalled, 0 to 1. Default: the server's. */
  readonly relevanceThreshold?: number;
  /** Whether questions and answers are stored. Default: true. */
  readonly store?: boolean;
  /** How long a call waits for the memory at its beginning, and again at its end, in milliseconds. Default: 2,000. */
  readonly timeoutMs?: number;
  /** Hears of what failed; the model's answer goes on without it. Default: nobody does. */
  readonly onError?: (error: unknown) => void;
}

type Middleware = Required<Pick<LanguageModelMiddleware, 'transformParams' | 'wrapGenerate' | 'wrapStream'>>;
type StreamPart =
  Awaited<ReturnType<Middleware['wrapStream']>>['stream'] extends ReadableStream<infer Part> ? Part : never;
type FinishReason = Extract<StreamPart, { type: 'finish' }>['finishReason'];

/** What a call is about, kept from the moment before memory is added to it. */
interface Turn {
  readonly prompt: Prompt;
  readonly question: Question;
  readonly sessionId: string | undefined;
}

/** Conversations in the midst of calling tools, whose memory stays what it was; past that many the oldest is looked up again. */
const BLOCKS_MAX = 100;

/**
 * Middleware for `wrapLanguageModel`: what matters for the user's question is put into the prompt, quoted, and question and answer
 * are stored when the answer is complete, streamed or not. Where the memory fails the call goes on without it.
 */
export function memoryMiddleware(options: MemoryMiddlewareOptions): Middleware {
  const { maxTokens = 1_000, relevanceThreshold, store = true, timeoutMs = 2_000, onError } = options;
  const memory = new AgentMemory(options);
  const turns = new WeakMap<CallParams, Turn>();
  const blocks = new Map<string, string>();

  async function forgiving<T>(task: () => Promise<T>, instead: T): Promise<T> {
    try {
      return await within(task(), timeoutMs);
    } catch (error) {
      try {
        onError?.(error);
      } catch {
        // Whoever hears of a failure must not make it one of the call.
      }
      return instead;
    }
  }

  async function blockFor({ prompt, question, sessionId }: Turn, signal: AbortSignal | undefined): Promise<string> {
    const key = contextId([sessionId ?? '', ...prompt.slice(0, question.place + 1).map(textOf)]);
    const known = blocks.get(key);
    // While the model calls tools, its prompt begins as before, and so caches of prompts hold.
    if (question.isContinued && known !== undefined) return known;
    const found = await memory.recall(question.text, { maxTokens, relevanceThreshold, timeoutMs, signal });
    const shown = new Set(prompt.map(textOf));
    const fresh = found.filter(({ text }) => !shown.has(text.trim()));
    const block = fresh.length === 0 ? '' : memoryBlock(fresh);
    blocks.delete(key);
    blocks.set(key, block);
    for (const oldest of blocks.keys()) {
      if (blocks.size <= BLOCKS_MAX) break;
      blocks.delete(oldest);
    }
    return block;
  }

  async function keep(params: CallParams, answer: string, { unified }: FinishReason): Promise<void> {
    const turn = turns.get(params);
    // A call of tools is no answer yet; what broke off is none either.
    if (!store || turn === undefined || !['stop', 'length', 'other'].includes(unified)) return;
    const { prompt, question, sessionId } = turn;
    const answered = [...saidSince(prompt, question), answer].join('\n').trim();
    // The same words at another place of a conversation are said again, at the same place they are a repeated call.
    const asked = prompt
      .slice(0, question.place + 1)
      .filter(({ role }) => role === 'user')
      .map(textOf);
    const place = [sessionId ?? '', ...asked];
    await forgiving(
      () =>
        memory.remember(
          [
            { role: 'user', text: question.text, sessionId, place: ['user', ...place] },
            { role: 'assistant', text: answered, sessionId, place: ['assistant', ...place] },
          ],
          timeoutMs,
        ),
      undefined,
    );
  }

  return {
    async transformParams({ params }) {
      const question = questionOf(params.prompt);
      const { sessionId, recall } = perCall(params);
      if (question === null) return params;
      const turn: Turn = { prompt: params.prompt, question, sessionId: sessionId ?? options.sessionId };
      const isWanted = recall !== false && maxTokens > 0;
      const block = isWanted ? await forgiving(() => blockFor(turn, params.abortSignal), '') : '';
      const told = { ...params, prompt: block === '' ? params.prompt : withMemory(params.prompt, question, block) };
      turns.set(told, turn);
      return told;
    },

    async wrapGenerate({ doGenerate, params }) {
      const result = await doGenerate();
      const texts = result.content.flatMap((part) => (part.type === 'text' ? [part.text] : []));
      await keep(params, texts.join(''), result.finishReason);
      return result;
    },

    async wrapStream({ doStream, params }) {
      const { stream, ...rest } = await doStream();
      let answer = '';
      let finishReason: FinishReason | null = null;
      const listening = new TransformStream<StreamPart, StreamPart>({
        transform(part, controller) {
          if (part.type === 'text-delta') answer += part.delta;
          if (part.type === 'finish') ({ finishReason } = part);
          controller.enqueue(part);
        },
        // Everything has been passed on: the end alone waits, so that who stops with the stream has stored.
        async flush() {
          if (finishReason !== null) await keep(params, answer, finishReason);
        },
      });
      return { ...rest, stream: stream.pipeThrough(listening) };
    },
  };
}

/** `providerOptions: { contextManager: { sessionId, recall } }` of one call. */
function perCall({ providerOptions }: CallParams): { sessionId?: string; recall?: boolean } {
  const { sessionId, recall } = providerOptions?.['contextManager'] ?? {};
  return {
    ...(typeof sessionId === 'string' && { sessionId }),
    ...(typeof recall === 'boolean' && { recall }),
  };
}

/** The client waits longer, where it is only now getting its connection back. */
async function within<T>(task: Promise<T>, timeoutMs: number): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`the memory did not answer within ${timeoutMs} ms`)), timeoutMs);
  try {
    return await Promise.race([task, promise]);
  } finally {
    clearTimeout(timer);
  }
}
