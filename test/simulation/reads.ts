import type { Conversation, Entry } from './model.ts';
import { mustBeRefused, type Asking } from './operations.ts';
import {
  checkBudget,
  checkComplete,
  checkDescending,
  checkSeen,
  holding,
  must,
  presence,
  PROMISES,
  type Span,
} from './promises.ts';
import { ContextManagerError } from '../../clients/typescript/src/index.ts';

const PAGE_LIMITS = [3, 10, 100];
const PAST_MS_MAX = 3_600_000;

export async function get({ sdk, model }: Asking, span: Span, entry: Entry): Promise<string> {
  try {
    const { context: seen } = await sdk.get({ id: entry.id ?? '' });
    must(seen.id === entry.id, PROMISES.order, () => `asked for ${entry.id}, was given ${seen.id}`);
    checkSeen(model, seen, span, 'a get');
    must(presence(entry, span).may, PROMISES.ends, () => `a get has ${entry.mark}`);
    return 'ok';
  } catch (error) {
    if (!(error instanceof ContextManagerError) || error.code !== 'NOT_FOUND') throw error;
    must(!presence(entry, span).must, PROMISES.kept, () => `a get does not find ${entry.mark} (${entry.id})`);
    return mustBeRefused(error, ['NOT_FOUND'], PROMISES.kept, 'a get');
  }
}

/** Asks with the words of one that is there, which the answer must hold. */
export async function find({ sdk, model, namespace }: Asking, span: Span, entry: Entry): Promise<string> {
  const text = entry.texts[entry.certain ?? 0] ?? '';
  const answer = await sdk.query({ query: text, agent_id: '*', max_tokens: 4_000, limit: 50 });
  checkBudget(answer, 4_000, 50);
  const found = answer.contexts.map((seen) => checkSeen(model, seen, span, 'a query'));
  must(
    answer.contexts.every((seen) => seen.namespace === namespace),
    PROMISES.apart,
    () => "a query has another's",
  );
  const presenceNow = (one: Entry) => both(one, span, span.wallMinMs, span.wallMaxMs, false);
  if (answer.metadata.degraded.length > 0) checkComplete(found, [], presenceNow, 'a query', PROMISES.holds);
  else checkComplete(found, [entry], presenceNow, 'a query', PROMISES.kept);
  return 'ok';
}

/** Asks for little. */
export async function query({ sdk, model, random }: Asking, span: Span): Promise<string> {
  const maxTokens = 5 + random.below(120);
  const limit = 1 + random.below(8);
  const words = model.entries.at(-1)?.texts[0] ?? 'walrus';
  const answer = await sdk.query({ query: words, max_tokens: maxTokens, limit, agent_id: random.pick(['*', 'ann']) });
  checkBudget(answer, maxTokens, limit);
  checkDescending(
    answer.contexts.map(({ relevance_score: score }) => score),
    'the score',
  );
  const found = answer.contexts.map((seen) => checkSeen(model, seen, span, 'a query'));
  checkComplete(found, [], (one) => both(one, span, span.wallMinMs, span.wallMaxMs, false), 'a query', PROMISES.holds);
  return 'ok';
}

/** Everything that holds, page by page; or held at a moment of the past, or ever. */
export async function list({ sdk, model, random, world, namespace }: Asking, span: Span): Promise<string> {
  const how = random.pick(['now', 'now', 'past', 'all'] as const);
  const asOfMs = world.clock.nowMs() - random.below(PAST_MS_MAX);
  const asked = { now: {}, past: { as_of: asOfMs }, all: { include_past: true } }[how];
  const pages = sdk.list({ agent_id: '*', limit: random.pick(PAGE_LIMITS), ...asked });
  const found: Entry[] = [];
  const created: number[] = [];
  for await (const seen of pages) {
    must(
      seen.namespace === namespace,
      PROMISES.apart,
      () => `a list of ${namespace} has ${seen.id} of ${seen.namespace}`,
    );
    found.push(checkSeen(model, seen, span, 'a list'));
    created.push(seen.created_at);
  }
  checkDescending(created, 'created_at');
  const own = model.entries.filter((entry) => entry.namespace === namespace);
  const presenceAsked = (entry: Entry) => {
    if (how === 'past') return both(entry, span, asOfMs, asOfMs, true);
    if (how === 'now') return both(entry, span, span.wallMinMs, span.wallMaxMs, false);
    // What begins later does not hold, and has not.
    const { validFromMs } = entry;
    const begun = validFromMs === null || validFromMs <= span.wallMinMs;
    const alone = presence(entry, span);
    return { must: alone.must && begun, may: alone.may };
  };
  checkComplete(found, own, presenceAsked, `a list (${how})`, how === 'past' ? PROMISES.holds : PROMISES.kept);
  return 'ok';
}

/** What to send to a model of a session. */
export async function window({ sdk, model, random, agent }: Asking, span: Span): Promise<string> {
  const session = `s${random.below(2)}`;
  const known = (): Conversation | undefined =>
    model.conversations.find((one) => one.agent === agent && one.session === session);
  const isQuiet = known()?.isTaken === false;
  const batchesBefore = known()?.batches.length;
  const maxTokens = 100 + random.below(100);
  const reply = await sdk.session(session).window({ max_tokens: maxTokens });
  must(
    reply.tokens.total <= maxTokens && reply.messages.reduce((sum, one) => sum + one.token_count, 0) <= maxTokens,
    PROMISES.budget,
    () => `a window of ${reply.tokens.total} tokens, asked for ${maxTokens}`,
  );
  // Its first message may have come since.
  const conversation = known();
  const told = reply.messages.filter(({ kind }) => kind === 'message');
  const entries = conversation?.batches.flatMap((batch) => batch.entries) ?? [];
  const places = told.map(({ id }) => entries.findIndex((entry) => entry.id === id));
  must(
    !places.includes(-1),
    PROMISES.apart,
    () => `a window has a message of another session: ${JSON.stringify(told)}`,
  );
  const inOrder = places.every((place, i) => i === 0 || place > places[i - 1]!);
  must(inOrder, PROMISES.order, () => `a window has its messages in the order ${places.join()}`);
  for (const { id, content } of told) {
    const entry = entries.find((one) => one.id === id)!;
    must(content === entry.texts[0], PROMISES.real, () => `a window has ${JSON.stringify(content)} as ${entry.mark}`);
    must(presence(entry, span).may, PROMISES.gone, () => `a window has ${entry.mark}`);
  }
  const newest = conversation?.batches.at(-1);
  if (isQuiet && newest?.isCertain === true && conversation?.batches.length === batchesBefore) {
    const last = newest.entries.at(-1)!;
    must(told.at(-1)?.id === last.id, PROMISES.kept, () => `a window ends with ${told.at(-1)?.id}, not ${last.mark}`);
  }
  return 'ok';
}

/** Of facts of which one holds at a time, the one that held at a moment. */
export async function facts({ sdk, model, random, agent }: Asking): Promise<string> {
  const own = model.successions.filter((one) => one.agent === agent && one.facts.length > 0);
  if (own.length === 0) return 'none';
  const succession = random.pick(own);
  const { subject } = succession;
  const known = [...succession.facts];
  const isQuiet = !succession.isTaken && known.every(({ isCertain }) => isCertain);
  const about = random.pick(known);
  const asOfMs = about.validFromMs + random.below(8_000) - 2_000;
  const { facts: told } = await sdk.listFacts({ subject, as_of: asOfMs }).page();
  for (const fact of told)
    must(
      succession.facts.some(({ id, object }) => id === fact.id && object === fact.object),
      PROMISES.real,
      () => `fact ${fact.id} (${fact.object}) about ${subject} of ${agent}`,
    );
  if (isQuiet && succession.facts.length === known.length) {
    const expected = known.findLast(({ validFromMs }) => validFromMs <= asOfMs);
    const ids = told.map(({ id }) => id).join();
    must(
      ids === (expected?.id ?? ''),
      PROMISES.holds,
      () => `of ${subject} held ${expected?.object ?? 'nothing'}, and was told ${JSON.stringify(told)}`,
    );
  }
  return 'ok';
}

/** A request that counts against a rate. */
export async function ping({ sdk, world }: Asking): Promise<string> {
  const { server_time: serverTime } = await sdk.ping();
  must(Number.isInteger(serverTime) && world.life !== undefined, PROMISES.real, () => `a server time of ${serverTime}`);
  return 'ok';
}

function both(entry: Entry, span: Span, from: number, to: number, named: boolean): { must: boolean; may: boolean } {
  const lives = presence(entry, span);
  const holds = holding(entry, span, from, to, named);
  return { must: lives.must && holds.must, may: lives.may && holds.may };
}
