import { connect, type Client } from '../../clients/typescript/src/index.ts';
import { newCollections } from '../support/qdrant-server.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';
import { type AnswerableReport, measureAnswerable } from './answerable.ts';
import { turnText, turnTimeMs, type Conversation, type Question } from './conversations.ts';
import {
  measure,
  measureByCategory,
  measureByConversation,
  percentile,
  reciprocalRankFusion,
  TOKEN_BUDGETS,
  type Answer,
  type Measures,
} from './measures.ts';
import { measurePairs, type PairMeasures } from './pairs.ts';
import { ABLATIONS, BM25_ALONE, DENSE_ALONE, type Settings } from './strategies.ts';

/** Contexts asked for where ranks count; the largest cutoff. */
const RANKED_LIMIT = 20;
/** Depth of the lists that reciprocal-rank fusion is given. */
const FUSION_LIMIT = 100;
const TOKENS_UNBOUNDED = 1_000_000;
const STORE_BATCH = 100;
/** Unmeasured queries per server: a fresh process runs its first ones uncompiled. */
const WARM_UP_QUERIES = 50;

interface Latency {
  readonly p50: number;
  readonly p99: number;
}

export interface StrategyReport extends Measures {
  by_category: Record<string, Measures>;
  latency_ms?: Latency;
}

export interface RetrievalReport {
  overall: Measures;
  by_category: Record<string, Measures>;
  baselines: { bm25: StrategyReport; dense: StrategyReport; rrf: StrategyReport };
  latency_ms: Latency;
  /** By the part that was switched off. */
  ablation?: Record<string, StrategyReport>;
}

export interface EvaluateOptions {
  /** Settings that choose the embedding provider. */
  readonly embedding: Settings;
  readonly ablation: boolean;
  /** Contexts are kept in Qdrant, each contestant's in collections of its own. */
  readonly overQdrant: boolean;
  progress(text: string): void;
}

/** A server under one strategy, with what it answered so far. */
interface Contestant {
  readonly name: string;
  readonly server: ServerProcess;
  readonly client: Client;
  readonly turnIds: Map<string, string>;
  readonly answers: Answer[];
  readonly latenciesMs: number[];
  readonly drop: () => Promise<void>;
}

/** The defaults alone. */
export async function evaluateDefaults(
  conversations: readonly Conversation[],
  options: Omit<EvaluateOptions, 'ablation'>,
): Promise<StrategyReport & { by_conversation: Record<string, Measures> }> {
  const contestant = await enter('context-manager', { ...options, ablation: false }, {});
  try {
    await askAll(contestant, conversations);
  } finally {
    await leave(contestant);
  }
  return { ...strategyReport(contestant), by_conversation: measureByConversation(contestant.answers) };
}

/** How the whole answer, and each of its sides alone, finds facts among others' turns. */
export async function evaluatePairs(
  conversation: Conversation,
  options: Omit<EvaluateOptions, 'ablation'>,
  onlyDefaults: boolean,
): Promise<Record<string, PairMeasures>> {
  const strategies = {
    'context-manager': {},
    ...(!onlyDefaults && { 'BM25 alone': BM25_ALONE, 'dense alone': DENSE_ALONE }),
  };
  const reports: Record<string, PairMeasures> = {};
  for (const [name, strategy] of Object.entries(strategies)) {
    const contestant = await enter(name, { ...options, ablation: false }, strategy);
    try {
      await storeConversation(contestant, conversation);
      for (const question of conversation.questions) await ask(contestant, conversation.name, question);
    } finally {
      await leave(contestant);
    }
    reports[name] = measurePairs(contestant.answers);
  }
  return reports;
}

/** Warms up a server per strategy, stores the conversations in each and asks every question of each, one after the other. */
export async function evaluate(
  conversations: readonly Conversation[],
  options: EvaluateOptions,
): Promise<RetrievalReport> {
  const contestants = [
    await enter('context-manager', options, {}),
    await enter('BM25 alone', options, BM25_ALONE),
    await enter('dense alone', options, DENSE_ALONE),
  ] as const;
  const fused: Answer[] = [];
  try {
    for (const contestant of contestants) await warmUp(contestant, conversations);
    for (const conversation of conversations) {
      options.progress(
        `${conversation.name}: ${conversation.turns.length} turns, ${conversation.questions.length} questions`,
      );
      for (const contestant of contestants) await storeConversation(contestant, conversation);
      for (const [i, question] of conversation.questions.entries()) {
        // Interleaved, so that a machine that slows down slows all of them; by turns first, as who comes after another
        // finds a machine in another state.
        for (const contestant of rotated(contestants, i)) await ask(contestant, conversation.name, question);
        fused.push(await askFused(contestants[1], contestants[2], conversation.name, question));
      }
    }
  } finally {
    for (const contestant of contestants) await leave(contestant);
  }
  const [hybrid, bm25, dense] = contestants.map(strategyReport) as [StrategyReport, StrategyReport, StrategyReport];
  const { by_category, latency_ms, ...overall } = hybrid;
  return {
    overall,
    by_category,
    baselines: { bm25, dense, rrf: { ...measure(fused), by_category: measureByCategory(fused) } },
    latency_ms: latency_ms ?? { p50: Number.NaN, p99: Number.NaN },
    ...(options.ablation ? { ablation: await ablate(conversations, options) } : {}),
  };
}

/** Whether memories know what they can answer, in a server of its own. */
export async function evaluateAnswerable(
  conversations: readonly Conversation[],
  options: Pick<EvaluateOptions, 'embedding' | 'overQdrant' | 'progress'>,
): Promise<AnswerableReport> {
  const contestant = await enter('context-manager', { ...options, ablation: false }, {});
  try {
    for (const conversation of conversations) await storeConversation(contestant, conversation);
    return await measureAnswerable(contestant.client, conversations);
  } finally {
    await leave(contestant);
  }
}

function rotated<T>(items: readonly T[], by: number): T[] {
  const first = by % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}

async function ablate(
  conversations: readonly Conversation[],
  options: EvaluateOptions,
): Promise<Record<string, StrategyReport>> {
  const reports: Record<string, StrategyReport> = {};
  for (const [name, settings] of Object.entries(ABLATIONS)) {
    options.progress(`ablation: ${name}`);
    const contestant = await enter(name, options, settings);
    try {
      await askAll(contestant, conversations);
    } finally {
      await leave(contestant);
    }
    reports[name] = strategyReport(contestant);
  }
  return reports;
}

async function askAll(contestant: Contestant, conversations: readonly Conversation[]): Promise<void> {
  await warmUp(contestant, conversations);
  for (const conversation of conversations) {
    await storeConversation(contestant, conversation);
    for (const question of conversation.questions) await ask(contestant, conversation.name, question);
  }
}

async function enter(
  name: string,
  { embedding, overQdrant }: EvaluateOptions,
  strategy: Settings,
): Promise<Contestant> {
  const { settings: store, drop } = overQdrant ? newCollections() : { settings: {}, drop: () => Promise.resolve() };
  const server = await startServerProcess({ settings: { ...embedding, ...store, ...strategy } });
  const client = await connect({
    host: server.host,
    port: server.port,
    keyId: 'default',
    secret: server.secret,
    sender: 'bench',
  });
  return { name, server, client, turnIds: new Map(), answers: [], latenciesMs: [], drop };
}

async function leave(contestant: Contestant): Promise<void> {
  await contestant.client.close();
  await contestant.server.stop();
  await contestant.drop();
}

async function storeConversation(
  { client, turnIds }: Contestant,
  { name, turns }: Conversation,
  namespace = name,
): Promise<void> {
  const positions = new Map<number | string | undefined, number>();
  const contexts = turns.map((turn) => {
    const position = positions.get(turn.session) ?? 0;
    positions.set(turn.session, position + 1);
    return {
      text: turnText(turn),
      level: 'long_term' as const,
      ...(turn.session !== undefined && { session_id: `session-${turn.session}` }),
      created_at: turnTimeMs(turn, position),
      ...(turn.metadata !== undefined && { metadata: turn.metadata }),
    };
  });
  for (let start = 0; start < contexts.length; start += STORE_BATCH) {
    const batch = contexts.slice(start, start + STORE_BATCH);
    const { results } = await client.storeBatch({ namespace, contexts: batch });
    results.forEach((result, index) => {
      if (!('id' in result)) throw new Error(`${namespace}: turn ${start + index} was refused`);
      turnIds.set(result.id, turns[start + index]?.id ?? '');
    });
  }
}

/** In a namespace that is asked nothing else, so that no measured answer meets counts of earlier ones. */
async function warmUp(contestant: Contestant, [conversation]: readonly Conversation[]): Promise<void> {
  if (conversation === undefined) return;
  const namespace = `${conversation.name}-warm-up`;
  await storeConversation(contestant, conversation, namespace);
  const { questions } = conversation;
  for (let i = 0; i < WARM_UP_QUERIES && questions.length > 0; i++) {
    const { question } = questions[i % questions.length] as Question;
    await contestant.client.query({ query: question, namespace, limit: RANKED_LIMIT, max_tokens: TOKENS_UNBOUNDED });
  }
}

async function ask(
  contestant: Contestant,
  namespace: string,
  { question, category, evidence }: Question,
): Promise<void> {
  const { client, turnIds } = contestant;
  const query = async (limit: number, maxTokens: number): Promise<string[]> => {
    const { contexts } = await client.query({ query: question, namespace, limit, max_tokens: maxTokens });
    return contexts.map((context) => turnIds.get(context.id) ?? '');
  };
  const startedMs = performance.now();
  const ranked = await query(RANKED_LIMIT, TOKENS_UNBOUNDED);
  contestant.latenciesMs.push(performance.now() - startedMs);
  const withinBudget: string[][] = [];
  for (const budget of TOKEN_BUDGETS) withinBudget.push(await query(1_000, budget));
  contestant.answers.push({ conversation: namespace, category, evidence, ranked, withinBudget });
}

/** What fusing the ranks of both baselines gives, its budgets filled in rank order as the server fills them. */
async function askFused(bm25: Contestant, dense: Contestant, namespace: string, question: Question): Promise<Answer> {
  const tokenCounts = new Map<string, number>();
  const rankings: string[][] = [];
  for (const { client, turnIds } of [bm25, dense]) {
    const { contexts } = await client.query({
      query: question.question,
      namespace,
      limit: FUSION_LIMIT,
      max_tokens: TOKENS_UNBOUNDED,
    });
    rankings.push(
      contexts.map((context) => {
        const turnId = turnIds.get(context.id) ?? '';
        tokenCounts.set(turnId, context.token_count);
        return turnId;
      }),
    );
  }
  const ranked = reciprocalRankFusion(rankings);
  const withinBudget = TOKEN_BUDGETS.map((budget) => {
    let left = budget;
    return ranked.filter((id) => {
      const tokens = tokenCounts.get(id) ?? 0;
      if (tokens > left) return false;
      left -= tokens;
      return true;
    });
  });
  return {
    conversation: namespace,
    category: question.category,
    evidence: question.evidence,
    ranked: ranked.slice(0, RANKED_LIMIT),
    withinBudget,
  };
}

function strategyReport({ answers, latenciesMs }: Contestant): StrategyReport {
  return {
    ...measure(answers),
    by_category: measureByCategory(answers),
    latency_ms: { p50: percentile(latenciesMs, 0.5), p99: percentile(latenciesMs, 0.99) },
  };
}
