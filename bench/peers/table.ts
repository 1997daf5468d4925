import type { PeerFigures, SearchFigures } from './measure.ts';

const HEADINGS = [
  'peer',
  'ingest /s',
  'index ready after s',
  'recall',
  'dense p50 ms',
  'dense /s, 16 in flight',
  'first to this',
  'hybrid p50 ms',
  'hybrid /s, 16 in flight',
  'first to this',
  'RSS MiB',
];

/** In GitHub's Markdown, with what each was run with below. */
export function peersTable(contexts: number, namespaces: number, figures: readonly PeerFigures[]): string {
  const lines = [
    `${contexts.toLocaleString('en-US')} contexts, ${namespaces === 1 ? 'one namespace' : `${namespaces} namespaces`}`,
    '',
    `| ${HEADINGS.join(' | ')} |`,
    `| --- |${' ---: |'.repeat(HEADINGS.length - 1)}`,
    ...figures.map((each) => `| ${cells(each).join(' | ')} |`),
    '',
    ...figures.map(({ peer, settings }) => `- ${peer}: ${settings}`),
  ];
  return lines.join('\n');
}

function cells({ peer, ingestPerSec, indexedAfterSecs, recall, dense, hybrid, rssMib }: PeerFigures): string[] {
  return [
    peer,
    whole(ingestPerSec),
    indexedAfterSecs.toFixed(1),
    recall.toFixed(3),
    ...searchCells(dense),
    ...(hybrid === null ? ['', '', ''] : searchCells(hybrid)),
    Number.isFinite(rssMib) ? whole(rssMib) : '',
  ];
}

function searchCells({ p50Ms, perSec, firstToThis }: SearchFigures): string[] {
  return [p50Ms.toFixed(2), whole(perSec), firstToThis.toFixed(2)];
}

function whole(number: number): string {
  return Math.round(number).toLocaleString('en-US');
}
