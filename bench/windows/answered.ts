import type { Client, Session } from '../../clients/typescript/src/index.ts';
import { analyze } from '../../src/base/text/analyzer.ts';
import { turnText, turnTimeMs, type Conversation, type Turn } from '../retrieval/conversations.ts';
import { connectTo } from '../support/client.ts';
import { startServerProcess } from '../support/server-process.ts';

/** Where what answers a question can stand. */
const PLACES = ['messages', 'cards', 'memory'] as const;
type Place = (typeof PLACES)[number];

/** One question: for each of its evidence turns, where in the window it stands. */
interface Asked {
  readonly evidence: readonly (readonly Place[])[];
  /** Evidence turns whose card, shown or not, has the sentence with the answer. */
  readonly inSomeCard: number;
  /** Evidence turns among the last `max_tokens` tokens of the conversation. */
  readonly inLast: number;
}

/** Questions by where all of their evidence stands. */
export interface Answered {
  readonly questions: number;
  readonly window: number;
  readonly last: number;
  /** None of whose evidence is a live message. */
  readonly left: number;
  readonly leftByCards: number;
  readonly leftByMemory: number;
  readonly leftByBoth: number;
  readonly leftByLast: number;
  /** Mean share of the evidence turns of those that left. */
  readonly shareByCards: number;
  readonly shareByMemory: number;
  readonly shareByBoth: number;
  /** Share of these evidence turns whose sentence with the answer stands in a card, shown or not. */
  readonly shareInSomeCard: number;
  readonly tokensPerWindow: number;
}

interface Question {
  readonly question: string;
  readonly answer?: string | number;
  readonly evidence: readonly string[];
}

/** Has each conversation in a window of `maxTokens`, and then asks all of its questions. */
export async function measureWindows(
  conversations: readonly Conversation[],
  maxTokens: number,
  progress: (text: string) => void,
): Promise<Answered> {
  const server = await startServerProcess({ settings: { WINDOW__MAX_TOKENS: String(maxTokens) } });
  try {
    const client = await connectTo(server);
    const asked: Asked[] = [];
    let tokens = 0;
    for (const conversation of conversations) {
      const told = await tell(client, conversation);
      for (const question of conversation.questions) {
        const found = await ask(client, conversation, question, told, maxTokens);
        asked.push(found.asked);
        tokens += found.tokens;
      }
      progress(`${maxTokens} tokens, ${conversation.name}: ${conversation.questions.length} questions`);
    }
    await client.close();
    return summed(asked, tokens);
  } finally {
    await server.stop();
  }
}

interface Told {
  /** All cards, shown or not. */
  readonly summaries: string;
  readonly turnOf: ReadonlyMap<string, string>;
  readonly tokensOf: ReadonlyMap<string, number>;
}

/** By turns, one of the two speakers as the user, as a chat agent would append them. */
async function tell(client: Client, { name, turns }: Conversation): Promise<Told> {
  const session = client.session('talk', { namespace: name });
  const turnOf = new Map<string, string>();
  const tokensOf = new Map<string, number>();
  const [user] = turns.map(({ speaker }) => speaker);
  const positions = new Map<Turn['session'], number>();
  for (const turn of turns) {
    const position = positions.get(turn.session) ?? 0;
    positions.set(turn.session, position + 1);
    const role = turn.speaker === user ? 'user' : 'assistant';
    const { messages } = await session.append({
      role,
      content: turnText(turn),
      created_at: turnTimeMs(turn, position),
    });
    for (const { id, token_count: tokens } of messages) {
      turnOf.set(id, turn.id);
      tokensOf.set(turn.id, tokens);
    }
  }
  return { turnOf, tokensOf, summaries: await summariesOf(session) };
}

async function summariesOf(session: Session): Promise<string> {
  const summaries: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await session.get({ cursor });
    summaries.push(...page.session.cards.map(({ summary }) => summary));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return summaries.join('\n');
}

async function ask(
  client: Client,
  { name, turns }: Conversation,
  question: Question,
  { turnOf, tokensOf, summaries }: Told,
  maxTokens: number,
): Promise<{ asked: Asked; tokens: number }> {
  const session = client.session('talk', { namespace: name });
  const { messages, recalled, tokens } = await session.window({ query: question.question });
  const live = new Set(messages.flatMap(({ kind, id }) => (kind === 'message' && id ? [turnOf.get(id)] : [])));
  const cards = messages
    .flatMap(({ kind, content }) => (kind === 'card' && typeof content === 'string' ? [content] : []))
    .join('\n');
  const found = new Set(recalled.map(({ id }) => turnOf.get(id)));
  const last = lastTurns(turns, tokensOf, maxTokens);
  const byId = new Map(turns.map((turn) => [turn.id, turn]));
  const evidence = question.evidence.map((id): Place[] => {
    const turn = byId.get(id);
    return [
      ...(live.has(id) ? ['messages' as const] : []),
      ...(turn !== undefined && cards.includes(tellingSentence(turn, question)) ? ['cards' as const] : []),
      ...(found.has(id) ? ['memory' as const] : []),
    ];
  });
  const inLast = question.evidence.filter((id) => last.has(id)).length;
  const inSomeCard = question.evidence.filter((id) => {
    const turn = byId.get(id);
    return turn !== undefined && summaries.includes(tellingSentence(turn, question));
  }).length;
  return { asked: { evidence, inSomeCard, inLast }, tokens: tokens.total };
}

/** The sentence of a turn that has most of the answer's words, or of the question's where it has none of these. */
function tellingSentence(turn: Turn, { question, answer }: Question): string {
  const sentences = turnText(turn)
    .replace(`${turn.speaker}: `, '')
    .split(/(?<=[.!?])\s+|\n+/u);
  const counted = (words: string): number[] => {
    const sought = new Set(analyze(words));
    return sentences.map((sentence) => new Set(analyze(sentence).filter((term) => sought.has(term))).size);
  };
  const byAnswer = counted(String(answer ?? ''));
  const counts = byAnswer.some((count) => count > 0) ? byAnswer : counted(question);
  return (sentences[counts.indexOf(Math.max(...counts))] ?? '').replace(/\s+/gu, ' ').trim();
}

function lastTurns(turns: readonly Turn[], tokensOf: ReadonlyMap<string, number>, maxTokens: number): Set<string> {
  const last = new Set<string>();
  let left = maxTokens;
  for (const { id } of turns.toReversed()) {
    left -= tokensOf.get(id) ?? 0;
    if (left < 0) break;
    last.add(id);
  }
  return last;
}

function summed(asked: readonly Asked[], tokens: number): Answered {
  const whole = (evidence: Asked['evidence'], places: readonly Place[]): boolean =>
    evidence.every((stands) => stands.some((place) => places.includes(place)));
  const left = asked.filter(({ evidence }) => evidence.every((stands) => !stands.includes('messages')));
  const count = (of: readonly Asked[], places: readonly Place[]): number =>
    of.filter(({ evidence }) => whole(evidence, places)).length;
  const share = (places: readonly Place[]): number => {
    return mean(
      left.map(
        ({ evidence }) =>
          evidence.filter((stands) => stands.some((place) => places.includes(place))).length / evidence.length,
      ),
    );
  };
  const inLast = (of: readonly Asked[]): number => of.filter((one) => one.inLast === one.evidence.length).length;
  return {
    questions: asked.length,
    window: count(asked, PLACES),
    last: inLast(asked),
    left: left.length,
    leftByCards: count(left, ['cards']),
    leftByMemory: count(left, ['memory']),
    leftByBoth: count(left, ['cards', 'memory']),
    leftByLast: inLast(left),
    shareByCards: share(['cards']),
    shareByMemory: share(['memory']),
    shareByBoth: share(['cards', 'memory']),
    shareInSomeCard: mean(left.map(({ inSomeCard, evidence }) => inSomeCard / evidence.length)),
    tokensPerWindow: tokens / Math.max(1, asked.length),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
