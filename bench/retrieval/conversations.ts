import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A question with the ids of the turns that hold its answer. */
export interface Question {
  readonly question: string;
  readonly category: number;
  readonly evidence: readonly string[];
}

export interface Turn {
  readonly id: string;
  /** Absent: it is stored without one. */
  readonly session?: number | string;
  readonly date_time: string;
  /** Empty: nobody's. */
  readonly speaker: string;
  readonly text: string;
  readonly image_caption?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** In place of `date_time`, in ms. */
  readonly atMs?: number;
}

export interface Conversation {
  readonly name: string;
  readonly turns: readonly Turn[];
  readonly questions: readonly Question[];
}

/** LoCoMo's names of its question categories. */
export const CATEGORY_NAMES: Readonly<Record<number, string>> = {
  1: 'multi-hop',
  2: 'temporal',
  3: 'open-domain',
  4: 'single-hop',
};

/** Every `*.json` of the folder as a conversation, sorted by name; questions without evidence are left out. */
export async function loadConversations(folder: string): Promise<Conversation[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json')).sort();
  if (files.length === 0) throw new Error(`no conversation (*.json) in ${folder}`);
  return Promise.all(files.map(async (file) => parseConversation(file, await readFile(join(folder, file), 'utf8'))));
}

function parseConversation(file: string, json: string): Conversation {
  const document = JSON.parse(json) as { turns?: Turn[]; questions?: Question[] };
  if (!Array.isArray(document.turns) || !Array.isArray(document.questions)) {
    throw new Error(`${file}: expected {turns: [], questions: []}`);
  }
  return {
    name: file.replace(/\.json$/, ''),
    turns: document.turns,
    questions: document.questions.filter((question) => question.evidence.length > 0),
  };
}

/** The text that a turn is stored as. */
export function turnText(turn: Turn): string {
  const caption = turn.image_caption === undefined ? '' : ` [shares ${turn.image_caption}]`;
  return `${turn.speaker === '' ? '' : `${turn.speaker}: `}${turn.text}${caption}`;
}

/** When a turn was said, in ms: `1:56 pm on 8 May, 2023` read as UTC, plus one second for each turn before it. */
export function turnTimeMs(turn: Turn, indexInSession: number): number {
  if (turn.atMs !== undefined) return turn.atMs;
  const match = /^(\d{1,2}):(\d{2}) (am|pm) on (\d{1,2}) (\w+), (\d{4})$/.exec(turn.date_time);
  if (match === null) throw new Error(`turn ${turn.id}: cannot read the date ${turn.date_time}`);
  const [, hour = '', minute = '', half = '', day = '', month = '', year = ''] = match;
  const dayStartMs = Date.parse(`${day} ${month} ${year} 00:00:00 UTC`);
  const minutes = ((Number(hour) % 12) + (half === 'pm' ? 12 : 0)) * 60 + Number(minute);
  return dayStartMs + minutes * 60_000 + indexInSession * 1_000;
}
