import { parseArgs } from 'node:util';
import { loadConversations } from './retrieval/conversations.ts';
import { measureWindows, type Answered } from './windows/answered.ts';

const USAGE = `Usage: npm run bench:windows -- <folder> [--tokens 2048,4096] [--json]

Has every conversation of the folder in a session of a real server, and asks its questions at the end: how many of those
whose evidence left the window are still answered by what stands in its cards, in its memory block, or in both, and how many
a window of the last messages alone would answer. Answered: all evidence turns stand there, of a card the sentence that has
the answer.
`;

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      tokens: { type: 'string', default: '2048,4096' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const [folder] = positionals;
  if (values.help || folder === undefined || positionals.length > 1) {
    process.stdout.write(USAGE);
    if (!values.help) process.exitCode = 2;
    return;
  }
  const conversations = await loadConversations(folder);
  const rows: [number, Answered][] = [];
  for (const maxTokens of values.tokens.split(',').map(Number)) {
    const progress = (text: string): void => void process.stderr.write(`${text}\n`);
    rows.push([maxTokens, await measureWindows(conversations, maxTokens, progress)]);
  }
  process.stdout.write(values.json ? `${JSON.stringify(Object.fromEntries(rows), null, 2)}\n` : table(rows));
}

function table(rows: readonly (readonly [number, Answered])[]): string {
  const head = [
    '| tokens | questions | left the window | by cards | by recall | by both | in some card | all: window | all: last N tokens |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
  ];
  const body = rows.map(([tokens, found]) => {
    const of = (count: number, all: number, share?: number): string =>
      `${count} (${((100 * count) / Math.max(1, all)).toFixed(1)} %${share === undefined ? '' : `; ${(100 * share).toFixed(1)} % of the turns`})`;
    const { left, questions } = found;
    return `| ${[
      tokens,
      questions,
      left,
      of(found.leftByCards, left, found.shareByCards),
      of(found.leftByMemory, left, found.shareByMemory),
      of(found.leftByBoth, left, found.shareByBoth),
      `${(100 * found.shareInSomeCard).toFixed(1)} % of the turns`,
      of(found.window, questions),
      of(found.last, questions),
    ].join(' | ')} |`;
  });
  return `${[...head, ...body].join('\n')}\n`;
}
