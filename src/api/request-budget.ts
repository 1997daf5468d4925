import type { Settings } from '../config/settings.ts';
import type { Metrics } from '../base/metrics.ts';
import { ByteBudget } from './byte-budget.ts';
import { FrameBudget } from './frame-budget.ts';

/** Above all that a request with one context may weigh. */
const SHORT_BYTES_MAX = 2 * 1024 * 1024;

/** What the requests of all doors, and their replies, may hold in memory. */
export interface RequestBudget {
  /** Requests that are being worked on, from the end of their bytes to the reply. */
  readonly running: ByteBudget;
  /** A place for one: what takes more than a slice to decode has its size known, and counted, before the next one begins. */
  readonly decoding: ByteBudget;
  /** Where a request counts that is still coming, or waits until it may be worked on: short ones never wait for long ones. */
  coming(requestBytes: number): FrameBudget;
  /** Replies that are unread, and those expected of the requests that are being worked on. */
  readonly replies: ByteBudget;
}

type BudgetSettings = Pick<Settings['protocol'], 'maxRequestBytesTotal' | 'maxBufferedBytesTotal'>;

/**
 * Half of `maxRequestBytesTotal` for what is being worked on and half for what is still coming, so that requests which never come to
 * their end keep nothing back that has.
 */
export function createRequestBudget(limits: BudgetSettings, metrics: Metrics): RequestBudget {
  const bytesMax = limits.maxRequestBytesTotal;
  const running = new ByteBudget(bytesMax / 2);
  const decoding = new ByteBudget(1);
  const short = new FrameBudget(bytesMax / 4);
  const long = new FrameBudget(bytesMax / 4);
  const replies = new ByteBudget(limits.maxBufferedBytesTotal);
  metrics.gauge('reply_bytes', () => replies.bytes);
  metrics.gauge('request_bytes_running', () => running.bytes);
  metrics.gauge('request_bytes_coming', () => short.bytes + long.bytes);
  return { running, decoding, coming: (requestBytes) => (requestBytes <= SHORT_BYTES_MAX ? short : long), replies };
}
