// eslint-disable-next-line no-control-regex -- all of ASCII, control characters with it
const ASCII_ONLY = /^[\x00-\x7f]*$/;

/** It has no other form but that in capitals: no marks, no widths, no compositions. */
export function isAscii(text: string): boolean {
  return ASCII_ONLY.test(text);
}
