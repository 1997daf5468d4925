// A card without a model: the sentences that say most, as they were said.

import type { LoopTurns } from '../../base/loop-turns.ts';
import { analyze } from '../../base/text/analyzer.ts';
import { findDates } from '../../base/text/dates.ts';

/** A message that a card stands for. */
export interface Original {
  /** The name that the message gives, or the role. */
  readonly speaker: string;
  readonly text: string;
  readonly atMs: number;
}

export interface CardDeps {
  /** How much a term says in its namespace, in the order of `terms`. */
  readonly weights: (terms: readonly string[]) => Promise<readonly number[]>;
  /** Tokens of each text. */
  readonly count: (texts: readonly string[]) => Promise<number[]>;
  readonly turns: LoopTurns;
}

interface Sentence {
  readonly message: number;
  /** Among the sentences of its message. */
  readonly place: number;
  readonly text: string;
  readonly terms: readonly string[];
  /** For what it has of names, numbers, dates and decisions. */
  readonly factor: number;
  score: number;
}

/** What is read of one message, and of all of a card. */
const READ_CHARS_MAX = 16_384;
const CARD_CHARS_MAX = 262_144;
/** However many there are, something is read of each. */
const READ_CHARS_MIN = 256;
/** Sentences of a card that are weighed, and of these what is looked at. */
const WEIGHED_MAX = 4_096;
const SENTENCES_MAX = 400;
/** Sentences that are weighed at a stretch. */
const SLICE = 512;
const SENTENCE_CHARS_MAX = 400;
const TERMS_MAX = 512;
/** Sentences that share more of their terms with a chosen one add too little. */
const REPEATED_SHARE = 0.6;
/** Between two sentences. */
export const SENTENCE_END = /(?<=[.!?。！？…])\s+|\n+/u;
const DECISION =
  /\b(?:decid|agree|prefer|choos|chose|choice|want|need|must|plan|promis|deadline|book|order|allerg|confirm|cancel|remember|important)/i;
const NAME = /\S\s+\p{Lu}\p{L}+/u;
const NUMBER = /\p{Nd}/u;
/** Times that only the day of the message makes dates of; the card's title has it. */
const WHEN =
  /\b(?:yesterday|today|tonight|tomorrow|ago|(?:last|this|next) (?:week|month|year|night|weekend|spring|summer|autumn|fall|winter|(?:mon|tues|wednes|thurs|fri|satur|sun)day))\b/i;
/** What somebody says of themselves is asked for later more often than what they say of the world. */
const OWN = /\b(?:I|my|mine|we|our)\b/;

/** What is read of a text that is one of so many: a copy, which does not hold all of it. */
export function readableOf(text: string, messages: number): string {
  const chars = Math.min(READ_CHARS_MAX, Math.max(READ_CHARS_MIN, Math.floor(CARD_CHARS_MAX / messages)));
  return text.length <= chars ? text : Buffer.from(text.slice(0, chars), 'utf16le').toString('utf16le');
}

/** Deterministic: the same messages and weights give the same card. At most `maxTokens`, as `count` counts. */
export async function extractiveSummary(
  messages: readonly Original[],
  maxTokens: number,
  deps: CardDeps,
): Promise<string> {
  const sentences: Sentence[] = [];
  const each = Math.max(1, Math.floor(WEIGHED_MAX / messages.length));
  for (const [place, message] of messages.entries()) {
    sentences.push(...sentencesOf(message, place, each));
    await deps.turns.next();
  }
  await weigh(sentences, deps);
  // The sort is stable: of equals the first said comes first.
  const best = sentences.toSorted((a, b) => b.score - a.score);
  const chosen = await choose(best.slice(0, SENTENCES_MAX), messages, maxTokens, deps);
  return chosen.length > 0 ? chosen : cut(best[0]?.text ?? '', maxTokens, deps);
}

/** The first of them, `max` at most. */
function sentencesOf({ text }: Original, message: number, max: number): Sentence[] {
  return text.split(SENTENCE_END, max).flatMap((part, place) => {
    const said = part.replace(/\s+/gu, ' ').trim().slice(0, SENTENCE_CHARS_MAX).toWellFormed();
    if (said === '') return [];
    return [{ message, place, text: said, terms: [...new Set(analyze(said))], factor: factorOf(said), score: 0 }];
  });
}

/** The numbers are those that keep most of what is asked for later (`bench:windows`). */
function factorOf(text: string): number {
  let factor = 1;
  if (DECISION.test(text)) factor += 0.3;
  if (NUMBER.test(text)) factor += 0.4;
  if (NAME.test(text)) factor += 0.4;
  if (OWN.test(text)) factor += 0.4;
  if (WHEN.test(text) || findDates(text).length > 0) factor += 0.8;
  return text.endsWith('?') ? factor * 0.4 : factor;
}

async function weigh(sentences: readonly Sentence[], { weights, turns }: CardDeps): Promise<void> {
  const terms = firstTerms(sentences);
  const found = terms.length === 0 ? [] : await weights(terms);
  const weightOf = new Map(terms.map((term, i) => [term, found[i] ?? 0]));
  for (const [place, sentence] of sentences.entries()) {
    if (place % SLICE === SLICE - 1) await turns.next();
    const sum = sentence.terms.reduce((total, term) => total + (weightOf.get(term) ?? 0), 0);
    // By what it costs, nearly: a long sentence says more, but takes the room of others.
    sentence.score = (sum / (sentence.terms.length + 8) ** 0.9) * sentence.factor;
  }
}

function firstTerms(sentences: readonly Sentence[]): string[] {
  const terms = new Set<string>();
  for (const sentence of sentences)
    for (const term of sentence.terms) {
      terms.add(term);
      if (terms.size === TERMS_MAX) return [...terms];
    }
  return [...terms];
}

/** Greedily the best that fit; they stand in the order in which they were said. */
async function choose(
  best: readonly Sentence[],
  messages: readonly Original[],
  maxTokens: number,
  { count }: CardDeps,
): Promise<string> {
  const costs = await count(best.map((sentence) => sentence.text));
  const chosen: Sentence[] = [];
  let tokens = 0;
  best.forEach((sentence, i) => {
    const cost = (costs[i] ?? 1) + 1;
    if (tokens + cost > maxTokens || isRepeated(sentence, chosen)) return;
    chosen.push(sentence);
    tokens += cost;
  });
  for (;;) {
    const summary = told(chosen, messages);
    const [total = 0] = await count([summary]);
    if (total <= maxTokens || chosen.length === 0) return summary;
    chosen.pop();
  }
}

/** In the order in which they were said, each speaker named once for what stands together. */
function told(chosen: readonly Sentence[], messages: readonly Original[]): string {
  const lines: string[] = [];
  let speaker: string | undefined;
  for (const { message, text } of chosen.toSorted((a, b) => a.message - b.message || a.place - b.place)) {
    const { speaker: next = '' } = messages[message] ?? {};
    if (next === speaker) lines.push(`${lines.pop() ?? ''} ${text}`);
    else lines.push(`${next}: ${text}`);
    speaker = next;
  }
  return lines.join('\n');
}

function isRepeated({ terms }: Sentence, chosen: readonly Sentence[]): boolean {
  if (terms.length === 0) return chosen.length > 0;
  return chosen.some((other) => {
    const shared = terms.filter((term) => other.terms.includes(term)).length;
    return shared / Math.min(terms.length, other.terms.length || 1) > REPEATED_SHARE;
  });
}

/** The beginning of a sentence that is too long as a whole. */
async function cut(text: string, maxTokens: number, { count }: CardDeps): Promise<string> {
  let part = text;
  while (part.length > 0 && ((await count([part]))[0] ?? 0) > maxTokens) part = part.slice(0, part.length >> 1);
  return part.toWellFormed();
}
