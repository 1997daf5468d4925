import type { Measures } from './measures.ts';
import type { RetrievalReport } from './evaluate.ts';

const GROUPS: readonly [keyof Measures, string][] = [
  ['recall_at_5', 'at 5'],
  ['recall_at_10', 'at 10'],
  ['recall_at_20', 'at 20'],
  ['recall_in_500_tokens', 'in 500 tokens'],
  ['recall_in_1000_tokens', 'in 1,000 tokens'],
  ['recall_in_2000_tokens', 'in 2,000 tokens'],
];
// Okabe and Ito's palette: told apart with colour-blind eyes too.
const COLOURS = ['#0072B2', '#E69F00', '#009E73', '#999999'];
const WIDTH = 860;
const HEIGHT = 360;
const LEFT = 48;
const TOP = 56;
const BOTTOM = 40;

/** Evidence recall of every strategy as grouped bars. */
export function chartSvg(report: RetrievalReport): string {
  const strategies: [string, Measures][] = [
    ['context-manager', report.overall],
    ['BM25 alone', report.baselines.bm25],
    ['dense alone', report.baselines.dense],
    ['reciprocal-rank fusion', report.baselines.rrf],
  ];
  const plotHeight = HEIGHT - TOP - BOTTOM;
  const groupWidth = (WIDTH - LEFT - 12) / GROUPS.length;
  const barWidth = (groupWidth - 16) / strategies.length;
  const y = (share: number): number => TOP + plotHeight * (1 - share);
  const parts: string[] = [];
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    parts.push(`<line x1="${LEFT}" x2="${WIDTH - 12}" y1="${y(share)}" y2="${y(share)}" stroke="#ddd"/>`);
    parts.push(`<text x="${LEFT - 8}" y="${y(share) + 4}" text-anchor="end">${share.toFixed(2)}</text>`);
  }
  strategies.forEach(([name], index) => {
    const x = LEFT + index * 190;
    parts.push(
      `<rect x="${x}" y="16" width="12" height="12" fill="${COLOURS[index]}"/><text x="${x + 18}" y="26">${name}</text>`,
    );
  });
  GROUPS.forEach(([key, label], group) => {
    const left = LEFT + group * groupWidth + 8;
    strategies.forEach(([name, measures], index) => {
      const share = measures[key];
      const x = (left + index * barWidth).toFixed(1);
      parts.push(
        `<rect x="${x}" y="${y(share).toFixed(1)}" width="${(barWidth - 2).toFixed(1)}" height="${(plotHeight * share).toFixed(1)}" fill="${COLOURS[index]}"><title>${name}, ${label}: ${share.toFixed(3)}</title></rect>`,
      );
    });
    parts.push(`<text x="${left + (groupWidth - 16) / 2}" y="${HEIGHT - 14}" text-anchor="middle">${label}</text>`);
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" role="img" aria-label="Evidence recall by strategy"><rect width="100%" height="100%" fill="#fff"/>${parts.join('')}</svg>\n`;
}
