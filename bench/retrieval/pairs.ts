// Facts and questions in other words: each fact is one context among other people's turns, and is asked for by its question.

import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Conversation, Question, Turn } from './conversations.ts';
import type { Answer } from './measures.ts';

/** Turns that the facts are hidden among. */
const TURNS = 2_000;

export interface PairMeasures {
  questions: number;
  recall_at_1: number;
  recall_at_5: number;
}

/** Each line of the file is a fact and its question, with a tab between them. */
export async function loadPairs(file: string, conversations: readonly Conversation[]): Promise<Conversation> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line.trim() !== '');
  const others = conversations
    .flatMap(({ name, turns }) => turns.map((turn): Turn => ({ ...turn, session: `${name}-${turn.session ?? ''}` })))
    .slice(0, TURNS);
  if (others.length === 0) throw new Error('the folder has no turns to hide the facts among');
  const turns: Turn[] = [];
  const questions: Question[] = [];
  for (const [i, line] of lines.entries()) {
    const [text, question] = line.split('\t');
    if (text === undefined || question === undefined) throw new Error(`${file}: line ${i + 1} has no tab`);
    const id = `fact-${i}`;
    // No newer than the others: what is new ranks higher.
    const { date_time: date } = others[Math.floor((i / lines.length) * others.length)] as Turn;
    turns.push({ id, date_time: date, speaker: '', text });
    questions.push({ question, category: 0, evidence: [id] });
  }
  return { name: basename(file, '.tsv'), turns: [...others, ...turns], questions };
}

export function measurePairs(answers: readonly Answer[]): PairMeasures {
  const within = (places: number): number =>
    answers.filter(({ ranked, evidence }) => ranked.slice(0, places).includes(evidence[0] as string)).length /
    answers.length;
  return { questions: answers.length, recall_at_1: within(1), recall_at_5: within(5) };
}

export function pairLines(sets: Readonly<Record<string, Readonly<Record<string, PairMeasures>>>>): string {
  const lines = Object.entries(sets).flatMap(([name, reports]) => [
    `${name}: found at 1 and within 5`,
    ...Object.entries(reports).map(
      ([strategy, { recall_at_1: first, recall_at_5: five }]) =>
        `  ${strategy.padEnd(16)} ${first.toFixed(3)} ${five.toFixed(3)}`,
    ),
  ]);
  return `${lines.join('\n')}\n`;
}
