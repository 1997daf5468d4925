import { DATE_TIME_FORM, parseDateTime } from '../base/date-time.ts';

/** Texts that must be more than a text, by the `format` of their schema. */
export const FORMATS = {
  'date-time': {
    isValid: (text: string) => parseDateTime(text) !== null,
    meaning: DATE_TIME_FORM,
  },
  // Whatever fetch refuses it quotes, and what is quoted is logged.
  'http-url': {
    isValid: isPlainHttpUrl,
    meaning: 'an http:// or https:// address without a user name or password in it',
  },
} as const;

export type Format = keyof typeof FORMATS;

function isPlainHttpUrl(text: string): boolean {
  const url = /^https?:\/\//i.test(text) ? URL.parse(text) : null;
  return url !== null && url.username === '' && url.password === '';
}
