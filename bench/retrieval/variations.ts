// The same conversations and questions as other people would have stored and asked them.

import { createCorpus } from '../support/corpus.ts';
import { seededRandom } from '../../src/base/seeded-random.ts';
import { type Conversation, type Question, type Turn, turnTimeMs } from './conversations.ts';

const HOUR_MS = 3_600_000;
const DISTRACTORS = 11_000;
const SECONDS_BETWEEN_FACTS = 2;
const DISTRACTORS_OF_A_SESSION = 20;

type Variation = (conversation: Conversation, nowMs: number) => Conversation;

export const VARIATIONS: Readonly<Record<string, Variation>> = {
  'last 48 h': (conversation, nowMs) => within(conversation, nowMs - 48 * HOUR_MS, nowMs - HOUR_MS / 60),
  'polite question': asked(
    (text) => `Could you please tell me, if you happen to remember: ${text} Thank you very much!`,
  ),
  'no prefix': told((turn) => ({ ...turn, speaker: '' })),
  'speaker in metadata': told((turn) => ({ ...turn, speaker: '', metadata: { speaker: turn.speaker } })),
  'no session': told(withoutSession),
  'no prefix and no session': told((turn) => ({ ...withoutSession(turn), speaker: '' })),
  'unrelated facts': shuffled,
  'one typing error': asked(withTypingError),
  '11,000 distractors': among(DISTRACTORS),
};

function asked(change: (text: string) => string): Variation {
  return (conversation) => ({
    ...conversation,
    questions: conversation.questions.map((each): Question => ({ ...each, question: change(each.question) })),
  });
}

function told(change: (turn: Turn) => Turn): Variation {
  return (conversation) => ({ ...conversation, turns: conversation.turns.map(change) });
}

function withoutSession({ session: _, ...turn }: Turn): Turn {
  return turn;
}

/** Each turn is a note of its own: nobody says it, and what stands beside it is about something else. */
function shuffled({ turns, ...rest }: Conversation): Conversation {
  const random = seededRandom(11);
  const [first] = turns;
  const fromMs = first === undefined ? 0 : turnTimeMs(first, 0);
  const order = turns.map((turn) => ({ turn, at: random() })).sort((one, other) => one.at - other.at);
  return {
    ...rest,
    turns: order.map(({ turn }, place) => ({
      ...withoutSession(turn),
      speaker: '',
      atMs: fromMs + place * SECONDS_BETWEEN_FACTS * 1_000,
    })),
  };
}

/** Two neighbouring letters of the longest word change places, those in its middle. */
function withTypingError(text: string): string {
  const word = text.match(/\p{L}{4,}/gu)?.reduce((longest, each) => (each.length > longest.length ? each : longest));
  if (word === undefined) return text;
  const at = word.length >> 1;
  const wrong = word.slice(0, at - 1) + word.charAt(at) + word.charAt(at - 1) + word.slice(at + 1);
  return text.replace(word, wrong);
}

/** Their order and proportions stay. */
function within({ turns, ...rest }: Conversation, fromMs: number, toMs: number): Conversation {
  const positions = new Map<Turn['session'], number>();
  const times = turns.map((turn) => {
    const position = positions.get(turn.session) ?? 0;
    positions.set(turn.session, position + 1);
    return turnTimeMs(turn, position);
  });
  const first = Math.min(...times);
  const span = Math.max(1, Math.max(...times) - first);
  const scaled = times.map((time) => Math.round(fromMs + ((time - first) / span) * (toMs - fromMs)));
  return { ...rest, turns: turns.map((turn, place) => ({ ...turn, atMs: scaled[place] as number })) };
}

/** Others' conversations in the same namespace, in sessions of their own. */
function among(count: number): Variation {
  const corpus = createCorpus(7);
  return (conversation) => {
    const [first] = conversation.turns;
    const others = Array.from({ length: count }, (_, place): Turn => {
      const [speaker = '', ...text] = corpus.text(place).split(': ');
      const session = `other-${Math.floor(place / DISTRACTORS_OF_A_SESSION)}`;
      return { id: `other-${place}`, session, date_time: first?.date_time ?? '', speaker, text: text.join(': ') };
    });
    return { ...conversation, turns: [...conversation.turns, ...others] };
  };
}
