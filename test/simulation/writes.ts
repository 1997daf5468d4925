import { ContextManagerError } from '../../clients/typescript/src/index.ts';
import { must, presence, PROMISES, type Span } from './promises.ts';
import type { Entry } from './model.ts';
import { mustBeRefused, newEntry, refusalOf, settle, textOf, uuidOf, type Asking } from './operations.ts';

const TTL_MS_MAX = 60_000;
const PAST_MS_MAX = 3_600_000;
const TIMEOUTS_MS = [400, 3_000, 30_000];
const BATCH_MAX = 5;
const TEXT_CHARS_MAX = 262_144;

/** Stores a context: with or without an id of its own, a lifetime, a beginning, something that it supersedes. */
export async function store(asking: Asking): Promise<string> {
  const { sdk, model, random, world, namespace } = asking;
  const ttlMs = random.chance(0.25) ? 1_000 + random.below(TTL_MS_MAX) : null;
  const older = ttlMs === null && random.chance(0.4) ? supersedable(asking) : [];
  const validFromMs = random.chance(0.2) ? world.clock.nowMs() - random.below(PAST_MS_MAX) : null;
  const given = random.chance(0.7) ? {} : { id: null };
  const entry = newEntry(asking, { ttlMs, supersedes: older, validFromMs, ...given });
  // Whether it is superseded is not to change while nobody can tell.
  for (const one of older) one.isTaken = true;
  const reply = await sdk.store(
    {
      text: entry.texts[0] ?? '',
      ...(entry.id !== null && { id: entry.id }),
      ...(ttlMs !== null && { ttl_ms: ttlMs }),
      ...(validFromMs !== null && { valid_from: validFromMs }),
      ...(older.length > 0 && { supersedes: older.map(({ id }) => id ?? '') }),
      ...(random.chance(0.3) && { namespace }),
      ...(random.chance(0.2) && { level: random.pick(['immediate', 'short_term', 'long_term'] as const) }),
      ...(random.chance(0.3) && { tags: ['red', 'blue'].slice(random.below(2)) }),
    },
    { timeoutMs: random.pick(TIMEOUTS_MS) },
  );
  must(entry.id === null || entry.id === reply.id, PROMISES.real, () => `${entry.id} was stored as ${reply.id}`);
  entry.id = reply.id;
  entry.createdAtMs = reply.created_at;
  settle(model, entry, 0);
  for (const one of older) one.isTaken = false;
  return 'ok';
}

/** Stores several, one of which cannot be: its id is another's. */
export async function storeBatch(asking: Asking): Promise<string> {
  const { sdk, model, random, namespace } = asking;
  const entries = Array.from({ length: 1 + random.below(BATCH_MAX) }, () => newEntry(asking));
  const contexts = entries.map(({ id, texts }) => ({ id: id ?? '', text: texts[0] ?? '' }));
  const [taken] = model.free(namespace).filter(({ ttlMs }) => ttlMs === null);
  if (taken !== undefined) {
    // Deleted meanwhile it would make room for the other text.
    taken.isTaken = true;
    contexts.push({ id: taken.id ?? '', text: `${taken.mark} another text` });
  }
  const { results } = await sdk.storeBatch({ contexts }, { timeoutMs: random.pick(TIMEOUTS_MS) });
  must(results.length === contexts.length, PROMISES.order, () => `${results.length} outcomes of ${contexts.length}`);
  for (const [i, entry] of entries.entries()) {
    const result = results[i]!;
    must(!('error' in result), PROMISES.codes, () => `${entry.mark} of a batch: ${JSON.stringify(result)}`);
    must('id' in result && result.id === entry.id, PROMISES.order, () => `in place ${i}: ${JSON.stringify(result)}`);
    settle(model, entry, 0);
  }
  if (taken === undefined) return 'ok';
  taken.isTaken = false;
  must('error' in results.at(-1)!, PROMISES.one, () => `another text under ${taken.id} was stored`);
  return 'ok';
}

/** Changes the text of one, or two clients at once that of one version. */
export async function update(asking: Asking, span: Span, entry: Entry): Promise<string> {
  const { sdk, model, random } = asking;
  const before = entry.certain!;
  const version = entry.versions[before]!;
  entry.isTaken = true;
  const states = [before];
  const attempts = Array.from({ length: random.chance(0.3) ? 2 : 1 }, () => {
    const number = entry.texts.length;
    const after = entry.addText(textOf(entry.mark, number, random), version + 1);
    states.push(after);
    return { after, text: entry.texts[after]! };
  });
  model.set(entry, states);
  const timeoutMs = random.pick(TIMEOUTS_MS);
  const conditional = attempts.length > 1 || random.chance(0.5);
  const outcomes = await Promise.allSettled(
    attempts.map(({ text }) =>
      sdk.update({ id: entry.id ?? '', text, ...(conditional && { if_version: version }) }, { timeoutMs }),
    ),
  );
  const done = attempts.filter((_, i) => outcomes[i]?.status === 'fulfilled');
  must(done.length <= 1, PROMISES.one, () => `${done.length} changes of version ${version} of ${entry.mark} were made`);
  const [first] = done;
  if (first !== undefined) {
    settle(model, entry, first.after);
    return 'ok';
  }
  const errors = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as Error] : []));
  const codes = errors.map((error) => (error instanceof ContextManagerError ? error.code : ''));
  // One whose lifetime ends meanwhile is not found; of two, one may have been done though nobody knows.
  if (codes.every((code) => code === 'NOT_FOUND')) {
    must(!presence(entry, span).must, PROMISES.kept, () => `an update does not find ${entry.mark} (${entry.id})`);
    return 'NOT_FOUND';
  }
  throw errors.find((_, i) => codes[i] !== 'CONFLICT' && codes[i] !== 'NOT_FOUND') ?? errors[0]!;
}

export async function remove(asking: Asking, _span: Span, entry: Entry): Promise<string> {
  const { sdk, model, random } = asking;
  entry.isTaken = true;
  model.set(entry, [...entry.states, null]);
  await sdk.delete({ id: entry.id ?? '' }, { timeoutMs: random.pick(TIMEOUTS_MS) });
  settle(model, entry, null);
  return 'ok';
}

/** Stores again what is there: with the same text nothing happens, with another one it is refused. */
export async function storeAgain(asking: Asking, _span: Span, entry: Entry): Promise<string> {
  const { sdk, model, random } = asking;
  const state = entry.certain!;
  entry.isTaken = true;
  const changed = random.chance(0.5);
  const text = changed ? `${entry.mark} another text` : entry.texts[state]!;
  // A lifetime that ends meanwhile would make room for it.
  const call = sdk.store({ id: entry.id ?? '', text }, { timeoutMs: 30_000 });
  if (changed) {
    const code = mustBeRefused(await refusalOf(call), ['CONFLICT'], PROMISES.one, `another text under ${entry.id}`);
    settle(model, entry, state);
    return code;
  }
  const { created } = await call;
  must(!created, PROMISES.once, () => `${entry.mark} was stored anew, though it was there`);
  settle(model, entry, state);
  return 'ok';
}

/** Messages of a conversation, all or none. */
export async function append(asking: Asking): Promise<string> {
  const { sdk, model, random, namespace, agent } = asking;
  const session = `s${random.below(2)}`;
  let conversation = model.conversations.find((one) => one.agent === agent && one.session === session);
  if (conversation === undefined) {
    conversation = { namespace, agent, session, batches: [], isTaken: false };
    model.conversations.push(conversation);
  }
  if (conversation.isTaken) return 'busy';
  conversation.isTaken = true;
  const entries = Array.from({ length: 1 + random.below(3) }, () => newEntry(asking, { session }));
  const batch = { entries, isCertain: false };
  conversation.batches.push(batch);
  const roles = ['user', 'assistant'] as const;
  const messages = entries.map(({ id, texts }, i) => ({
    id: id ?? '',
    role: roles[i % 2] ?? 'user',
    content: texts[0] ?? '',
  }));
  const reply = await sdk.session(session).append(messages, { timeoutMs: random.pick(TIMEOUTS_MS) });
  const ids = reply.messages.map(({ id }) => id);
  must(ids.join() === messages.map(({ id }) => id).join(), PROMISES.order, () => `appended as ${ids.join()}`);
  for (const entry of entries) {
    model.set(entry, [0]);
    // Messages stay as they are: what a window shows of them is checked.
    entry.isTaken = true;
  }
  batch.isCertain = true;
  conversation.isTaken = false;
  return 'ok';
}

/** A fact that ends the one before it. */
export async function putFact(asking: Asking): Promise<string> {
  const { sdk, model, random, world, namespace, agent } = asking;
  const subject = `person ${random.below(3)}`;
  let succession = model.successions.find((one) => one.agent === agent && one.subject === subject);
  if (succession === undefined) {
    succession = { namespace, agent, subject, facts: [], isTaken: false };
    model.successions.push(succession);
  }
  if (succession.isTaken) return 'busy';
  succession.isTaken = true;
  const begins = succession.facts.at(-1)?.validFromMs ?? world.clock.nowMs() - PAST_MS_MAX;
  const fact = {
    id: uuidOf(random),
    object: `town ${succession.facts.length}`,
    validFromMs: begins + 1_000 + random.below(5_000),
    isCertain: false,
  };
  succession.facts.push(fact);
  const { facts } = await sdk.putFacts(
    {
      facts: [
        {
          id: fact.id,
          subject,
          predicate: 'lives in',
          object: fact.object,
          single_valued: true,
          valid_from: fact.validFromMs,
        },
      ],
    },
    { timeoutMs: random.pick(TIMEOUTS_MS) },
  );
  must(facts[0]?.id === fact.id, PROMISES.real, () => `fact ${fact.id} was put as ${facts[0]?.id}`);
  fact.isCertain = true;
  succession.isTaken = false;
  return 'ok';
}

/** What no limit lets through. */
export async function pastLimit({ sdk, random }: Asking): Promise<string> {
  const cases: readonly (readonly [string, string, () => Promise<unknown>])[] = [
    ['a text that is too long', 'PAYLOAD_TOO_LARGE', () => sdk.store({ text: 'x'.repeat(TEXT_CHARS_MAX + 1) })],
    ['a text of blanks', 'BAD_REQUEST', () => sdk.store({ text: '   ' })],
    ['a limit of none', 'BAD_REQUEST', () => sdk.query({ query: 'walrus', limit: 0 })],
    ['a lifetime without end', 'BAD_REQUEST', () => sdk.store({ text: 'walrus', ttl_ms: 1e15 })],
    ['a filter that all pass', 'BAD_REQUEST', () => sdk.delete({ filter: {} })],
  ];
  const [what, code, call] = random.pick(cases);
  return mustBeRefused(await refusalOf(call()), [code], PROMISES.limits, what);
}

/** What is another's: by the name of its namespace, and by an id. */
export async function trespass(asking: Asking, _span: Span, foreign: Entry): Promise<string> {
  const { sdk, random } = asking;
  const { namespace, mark } = foreign;
  const id = foreign.id ?? uuidOf(random);
  const cases: readonly (readonly [string, string, () => Promise<unknown>])[] = [
    ['FORBIDDEN', 'read', () => sdk.get({ id, namespace })],
    ['FORBIDDEN', 'searched', () => sdk.query({ query: foreign.texts[0] ?? '', namespace })],
    ['FORBIDDEN', 'listed', () => sdk.list({ namespace }).page()],
    ['FORBIDDEN', 'deleted', () => sdk.delete({ id, namespace })],
    ['FORBIDDEN', 'stored to', () => sdk.store({ text: `${mark} of another`, namespace })],
    ['NOT_FOUND', 'read by its id', () => sdk.get({ id })],
    ['NOT_FOUND', 'changed by its id', () => sdk.update({ id, text: `${mark} of another` })],
  ];
  const [code, done, call] = random.pick(cases);
  return mustBeRefused(await refusalOf(call()), [code], PROMISES.apart, `what is of ${namespace} was ${done}`);
}

function supersedable({ model, random, namespace }: Asking): Entry[] {
  const free = model
    .free(namespace)
    .filter(({ ttlMs, session, id }) => ttlMs === null && session === null && id !== null);
  return free.length === 0 ? [] : [random.pick(free)];
}
