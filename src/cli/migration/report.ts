import { oneLine } from '../../base/control-characters.ts';
import { type ContextRecord, LEVELS } from '../../base/context.ts';
import { countOf, renderRows } from '../terminal/render.ts';
import type { NamespaceCopy } from './copy.ts';
import type { DocumentTally } from './copy-documents.ts';
import { ANSWERS, type Agreement } from './replay.ts';
import type { Side } from './sides.ts';
import { Tally } from './tally.ts';

/** What a migration did. */
export interface Report {
  readonly source: Side;
  readonly destination: Side;
  readonly copies: readonly NamespaceCopy[];
  /** Of sessions: what their windows are made of. */
  readonly documents: DocumentTally;
  readonly problems: Problems;
  /** Absent: nothing was asked. */
  readonly agreement?: Agreement;
  /** Why nothing could be asked, or not all. */
  readonly failure?: Error;
}

const PROBLEMS_SHOWN = 20;

/** Contexts that are not at the destination as they should be: all are counted, some are named. */
export class Problems {
  count = 0;
  readonly shown: { readonly namespace: string; readonly id: string; readonly reason: string }[] = [];

  add({ namespace, id }: ContextRecord, reason: string): void {
    this.count++;
    if (this.shown.length < PROBLEMS_SHOWN) this.shown.push({ namespace, id, reason });
  }
}

export function totalOf(copies: readonly NamespaceCopy[]): Tally {
  const total = new Tally();
  for (const { tally } of copies) total.add(tally);
  return total;
}

/** `1,200 copied, 34 already there, ...`; what there is none of is left out. */
export function describeTally({ outcomes, expired, refused }: Tally): string {
  const { created, replaced, same, newer, conflict } = outcomes;
  const parts: readonly [count: number, what: string][] = [
    [created, 'copied'],
    [same, 'already there'],
    [replaced, 'were older there and brought up to date'],
    [newer, 'are newer there and stay'],
    [expired, 'left out as their lifetime is over'],
    [conflict, 'have an id that another context has there'],
    [refused, 'refused'],
  ];
  const said = parts.filter(([count]) => count > 0).map(([count, what]) => `${count.toLocaleString('en')} ${what}`);
  return said.length === 0 ? '0 copied' : said.join(', ');
}

/** For people. */
export function renderReport({ source, destination, copies, documents, agreement }: Report): string {
  const rows = copies.flatMap(({ namespace, source: there, destination: here }) =>
    LEVELS.filter((level) => there[level] > 0 || here[level] > 0).map((level) => {
      return [oneLine(namespace), level, there[level].toLocaleString('en'), here[level].toLocaleString('en')];
    }),
  );
  const others = copies.reduce((sum, copy) => sum + copy.others, 0);
  return [
    `from ${source.place}\nto   ${destination.place}\n`,
    renderRows([['namespace', 'level', 'source', 'destination'], ...rows]),
    `${describeTally(totalOf(copies))}\n`,
    describeDocuments(documents),
    others === 0 ? '' : `the destination holds ${countOf(others, 'context')} that the source does not have\n`,
    agreement === undefined ? '' : `${describeAgreement(agreement)}\n`,
  ].join('');
}

function describeDocuments({ copied, kept }: DocumentTally): string {
  if (copied + kept === 0) return '';
  const already = kept === 0 ? '' : `, ${kept.toLocaleString('en')} already there`;
  return `${countOf(copied, 'document')} of sessions copied${already}\n`;
}

function describeAgreement({ queries, meanOverlap, worstOverlap, sameFirst, incomplete }: Agreement): string {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const left =
    incomplete === 0
      ? ''
      : `\n${countOf(incomplete, 'question')} not compared: a side could not search all of its levels`;
  if (queries === 0) return `no question could be compared${left}`;
  return (
    `${countOf(queries, 'question')} asked of both: of the first ${ANSWERS} answers ${percent(meanOverlap)} are the same ` +
    `(at worst ${percent(worstOverlap)}), the best one is the same in ${sameFirst.toLocaleString('en')}${left}`
  );
}

/** For programs. */
export function summarize({ source, destination, copies, documents, problems, agreement }: Report): object {
  const { outcomes, expired, refused } = totalOf(copies);
  return {
    from: source.place,
    to: destination.place,
    contexts: { ...outcomes, expired, refused },
    documents,
    namespaces: copies.map((copy) => ({
      namespace: copy.namespace,
      source: copy.source,
      destination: copy.destination,
      others: copy.others,
      ...(copy.differences.length === 0 ? {} : { differences: copy.differences }),
    })),
    ...(problems.count === 0 ? {} : { problems: problems.shown }),
    ...(agreement === undefined
      ? {}
      : {
          replay: {
            queries: agreement.queries,
            answers: ANSWERS,
            mean_overlap: agreement.meanOverlap,
            worst_overlap: agreement.worstOverlap,
            same_first: agreement.sameFirst,
            incomplete: agreement.incomplete,
          },
        }),
  };
}

/** What keeps the migration from being whole; undefined where nothing does. */
export function faultOf({ copies, problems }: Report): { message: string; remedy: string } | undefined {
  const different = copies.filter(({ differences }) => differences.length > 0);
  if (problems.count > 0) {
    return {
      message: `${countOf(problems.count, 'context')} could not be copied`,
      remedy: 'Change or delete them on one side, and run the same command again.',
    };
  }
  if (different.length === 0) return undefined;
  return {
    message: `the counts of ${countOf(different.length, 'namespace')} are not what they should be`,
    remedy: 'Somebody writes to one of the stores, or sweeps it. Stop the servers, and run the same command again.',
  };
}

/** What is wrong, a line each. */
export function renderFaults({ copies, problems }: Pick<Report, 'copies' | 'problems'>): string {
  const more = problems.count - problems.shown.length;
  const lines = [
    ...problems.shown.map(({ namespace, id, reason }) => `${namespace} ${id}: ${reason}`),
    ...(more > 0 ? [`... and ${more.toLocaleString('en')} more`] : []),
    ...copies.flatMap(({ namespace, differences }) => differences.map((one) => `${namespace}, ${one}`)),
  ];
  return lines.map((line) => `${oneLine(line)}\n`).join('');
}
