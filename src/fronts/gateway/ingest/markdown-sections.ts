import type { Section, Sections } from './document-messages.ts';
import { HeadingPath } from './heading-path.ts';

const FENCES = ['```', '~~~'];
const INDENT_MAX = 3;

/** The sections under the headings of a Markdown text; those in fenced code are none. Each line is looked at once. */
export function markdownSections(text: string): Sections {
  return { sections: sectionsOf(text) };
}

function* sectionsOf(text: string): Generator<Section> {
  const path = new HeadingPath();
  let lines: string[] = [];
  let fence: string | null = null;
  for (const line of text.split(/\r\n|\n|\r/)) {
    const begin = line.trimStart();
    const mark = line.length - begin.length > INDENT_MAX ? undefined : FENCES.find((each) => begin.startsWith(each));
    if (mark !== undefined && (fence === null || fence === mark)) fence = fence === null ? mark : null;
    const heading = fence === null ? headingOf(line, lines.at(-1) ?? '') : null;
    if (heading === null) {
      lines.push(line);
      continue;
    }
    if (heading.isUnderlined) lines.pop();
    yield { headings: path.headings, text: lines.join('\n') };
    path.enter(heading.depth, heading.text);
    lines = [];
  }
  yield { headings: path.headings, text: lines.join('\n') };
}

interface Heading {
  readonly depth: number;
  readonly text: string;
  /** It is the line before. */
  readonly isUnderlined: boolean;
}

function headingOf(line: string, before: string): Heading | null {
  const begin = line.trimStart();
  if (line.length - begin.length > INDENT_MAX) return null;
  let depth = 0;
  while (begin.charAt(depth) === '#') depth++;
  if (depth >= 1 && depth <= 6 && [' ', '\t', ''].includes(begin.charAt(depth)))
    return { depth, text: withoutClosing(begin.slice(depth).trim()), isUnderlined: false };
  const underlined = underlineDepth(begin.trimEnd());
  if (underlined === null || !isParagraph(before)) return null;
  return { depth: underlined, text: before, isUnderlined: true };
}

/** `## Like this ##`. */
function withoutClosing(text: string): string {
  let end = text.length;
  while (end > 0 && text.charAt(end - 1) === '#') end--;
  const isClosing = end === 0 || text.charAt(end - 1) === ' ';
  return isClosing ? text.slice(0, end).trimEnd() : text;
}

function underlineDepth(line: string): number | null {
  const mark = line.charAt(0);
  if (line.length < 2 || (mark !== '=' && mark !== '-')) return null;
  for (let at = 1; at < line.length; at++) if (line.charAt(at) !== mark) return null;
  return mark === '=' ? 1 : 2;
}

/** What is a list, a quotation, a row of a table or code is no heading. */
function isParagraph(line: string): boolean {
  const begin = line.trimStart();
  return begin !== '' && line.length - begin.length <= INDENT_MAX && !'-*+>|`~'.includes(begin.charAt(0));
}
