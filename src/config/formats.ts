import { DATE_TIME_FORM, parseDateTime } from '../base/date-time.ts';

/** Texts that must be more than a text, by the `format` of their schema. */
export const FORMATS = {
  'date-time': {
    isValid: (text: string) => parseDateTime(text) !== null,
    meaning: DATE_TIME_FORM,
  },
  // Of an address or a header that it refuses, fetch says what it was, and that is logged with every failure.
  'http-url': {
    isValid: isPlainHttpUrl,
    meaning: 'an http:// or https:// address without a user name or password in it',
  },
  token: {
    isValid: (text: string) => /^[\x21-\x7e]+$/.test(text),
    meaning: 'letters, digits and signs of ASCII without blanks and line ends, as a header takes them',
  },
} as const;

export type Format = keyof typeof FORMATS;

function isPlainHttpUrl(text: string): boolean {
  const url = /^https?:\/\//i.test(text) ? URL.parse(text) : null;
  return url !== null && url.username === '' && url.password === '';
}
