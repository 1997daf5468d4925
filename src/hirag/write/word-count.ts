// Words of a text: what stands between blanks. Of scripts that are written without spaces, each character.

const SPACE = /\s/;
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

const INSIDE_WORD = 0;
const BETWEEN_WORDS = 1;
const WORD_BY_ITSELF = 2;

let unitKinds: Uint8Array | undefined;

function kindsByUnit(): Uint8Array {
  if (unitKinds !== undefined) return unitKinds;
  const kinds = new Uint8Array(0x10000);
  for (let unit = 0; unit < kinds.length; unit++) kinds[unit] = kindOf(String.fromCharCode(unit));
  unitKinds = kinds;
  return kinds;
}

function kindOf(character: string): number {
  if (SPACE.test(character)) return BETWEEN_WORDS;
  return UNSPACED.test(character) ? WORD_BY_ITSELF : INSIDE_WORD;
}

export function wordCount(text: string): number {
  const kinds = kindsByUnit();
  let words = 0;
  let isInWord = false;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    const isPair = (unit & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00;
    const kind = isPair ? kindOf(text.slice(at, at + 2)) : (kinds[unit] as number);
    if (isPair) at++;
    if (kind === WORD_BY_ITSELF || (kind === INSIDE_WORD && !isInWord)) words++;
    isInWord = kind === INSIDE_WORD;
  }
  return words;
}
