import type { Measures } from './measures.ts';
import type { RetrievalReport, StrategyReport } from './evaluate.ts';

const COLUMNS: readonly [keyof Measures, string][] = [
  ['recall_at_5', 'R@5'],
  ['recall_at_10', 'R@10'],
  ['recall_at_20', 'R@20'],
  ['recall_in_500_tokens', 'R 500 tok'],
  ['recall_in_1000_tokens', 'R 1,000 tok'],
  ['recall_in_2000_tokens', 'R 2,000 tok'],
  ['mrr', 'MRR'],
];

/** The report as Markdown tables: overall, by category, ablation. */
export function reportTable(report: RetrievalReport): string {
  const strategies: [string, StrategyReport][] = [
    ['context-manager', { ...report.overall, by_category: report.by_category, latency_ms: report.latency_ms }],
    ['BM25 alone', report.baselines.bm25],
    ['dense alone', report.baselines.dense],
    ['reciprocal-rank fusion', report.baselines.rrf],
  ];
  const sections = [section(`Overall (${report.overall.questions} questions)`, strategies)];
  for (const [category, { questions }] of Object.entries(report.by_category)) {
    const rows = strategies.map(([name, strategy]) => [name, strategy.by_category[category] ?? strategy] as const);
    sections.push(section(`${category} (${questions} questions)`, rows));
  }
  if (report.ablation !== undefined) sections.push(section('Ablation', Object.entries(report.ablation)));
  return sections.join('\n');
}

/** Several sets of questions side by side: what answers hold of the evidence, by strategy. */
export function sideBySide(sets: readonly (readonly [string, Readonly<Record<string, Measures>>])[]): string {
  const strategies = [...new Set(sets.flatMap(([, reports]) => Object.keys(reports)))];
  const tables = COLUMNS.map(([key, label]) => {
    const rows = sets.map(([name, reports]) => [
      name,
      ...strategies.map((strategy) => reports[strategy]?.[key].toFixed(3) ?? ''),
    ]);
    return table(label, ['', ...strategies], rows);
  });
  return tables.join('\n');
}

function section(title: string, rows: readonly (readonly [string, Measures & Partial<StrategyReport>])[]): string {
  const timed = rows.some(([, row]) => row.latency_ms !== undefined);
  const head = ['', ...COLUMNS.map(([, label]) => label), ...(timed ? ['p50 ms', 'p99 ms'] : [])];
  const body = rows.map(([name, row]) => [
    name,
    ...COLUMNS.map(([key]) => row[key].toFixed(3)),
    ...(timed ? [row.latency_ms?.p50.toFixed(2) ?? '', row.latency_ms?.p99.toFixed(2) ?? ''] : []),
  ]);
  return table(title, head, body);
}

function table(title: string, head: readonly string[], body: readonly (readonly string[])[]): string {
  const widths = head.map((label, column) => Math.max(label.length, ...body.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [`${title}`, '', line(head), rule, ...body.map(line), ''].join('\n');
}
