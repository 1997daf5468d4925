// Runs of combining marks, bounded before anything normalises them.

/** Unicode's Stream-Safe Text Format (UAX #15, section 13) allows as many; no writing system needs more behind one letter. */
const MARKS_MAX = 30;
const MARK = /\p{M}/u;
/** Marks only once they are normalised: the half-width sound marks of Japanese. */
const LATE_MARKS = [0xff9e, 0xff9f];
const FIRST_MARK = 0x300;

let markUnits: Uint8Array | undefined;

/** 1 for each UTF-16 unit that is a mark by itself. */
function marksByUnit(): Uint8Array {
  if (markUnits !== undefined) return markUnits;
  const marks = new Uint8Array(0x10000);
  for (let unit = FIRST_MARK; unit < marks.length; unit++) if (MARK.test(String.fromCharCode(unit))) marks[unit] = 1;
  for (const unit of LATE_MARKS) marks[unit] = 1;
  markUnits = marks;
  return marks;
}

/**
 * `text` with at most 30 combining marks in a row. To bring a run of them into canonical order costs the square of its
 * length, so that one text of marks alone would keep a thread busy for minutes.
 */
export function boundMarks(text: string): string {
  const marks = marksByUnit();
  let bounded = '';
  let copiedTo = 0;
  let run = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    const units = isHighSurrogate(unit) ? pairLength(text, at) : 1;
    const isMark = units === 1 ? marks[unit] === 1 : MARK.test(text.slice(at, at + units));
    run = isMark ? run + 1 : 0;
    if (run > MARKS_MAX) {
      bounded += text.slice(copiedTo, at);
      copiedTo = at + units;
    }
    at += units - 1;
  }
  return copiedTo === 0 ? text : bounded + text.slice(copiedTo);
}

function isHighSurrogate(unit: number): boolean {
  return (unit & 0xfc00) === 0xd800;
}

function pairLength(text: string, at: number): 1 | 2 {
  return (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00 ? 2 : 1;
}
