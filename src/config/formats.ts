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
  'redis-url': {
    isValid: isRedisUrl,
    meaning:
      'an address as redis://host:6379/0, or rediss:// for TLS, with a user and a password where Redis asks for them',
  },
  sha256: {
    isValid: (text: string) => /^sha256:[0-9a-f]{64}$/.test(text),
    meaning: 'sha256: and 64 hexadecimal digits, in lower case',
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

/** What the client takes: a path is the number of a database, and what is escaped can be read. */
function isRedisUrl(text: string): boolean {
  const url = /^rediss?:\/\//i.test(text) ? URL.parse(text) : null;
  if (url === null || url.hostname === '' || url.search !== '' || url.hash !== '') return false;
  return /^(\/\d{0,9})?$/.test(url.pathname) && isReadable(url.username) && isReadable(url.password);
}

function isReadable(escaped: string): boolean {
  try {
    decodeURIComponent(escaped);
    return true;
  } catch {
    return false;
  }
}
