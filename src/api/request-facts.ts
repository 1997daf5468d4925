import { copiedText } from '../base/copied-text.ts';
import type { MonitoredRequest, SlowRequest } from '../protocol/messages.generated.ts';
import type { BodyMap } from '../protocol/codec.ts';
import { auditedNamespaces } from './audited-namespaces.ts';
import type { LedgerRequest } from './ledger-request.ts';

/** How a request ended. */
export interface Ending {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** Of the request, as it is counted. */
  readonly type: string;
  /** `ok` or an error code. */
  readonly outcome: string;
  readonly tookMs: number;
  /** How many contexts the reply is about; undefined: none. */
  readonly records: number | undefined;
}

/** Fields that say what is wanted, and nothing of what is remembered. */
const SHOWN = [
  'id',
  'agent_id',
  'session_id',
  'level',
  'levels',
  'limit',
  'max_tokens',
  'relevance_threshold',
  'priority',
  'explain',
  'ttl_ms',
  'if_version',
  'backend',
];
/** Of these only how much there is. */
const COUNTED = ['text', 'query', 'embedding', 'contexts', 'tags', 'metadata', 'filter', 'cursor'];
const VALUE_CHARS_MAX = 64;
const VALUES_MAX = 3;
const SUMMARY_CHARS_MAX = 400;
const TEXT_CHARS_MAX = 80;

/** For the list of requests that took long. */
export function slowRequest(request: LedgerRequest, ending: Ending): SlowRequest {
  const { connection } = request.origin;
  const stages = Object.entries(request.scope?.stagesMs ?? {}).map(([name, ms]) => [name, rounded(ms)] as const);
  return {
    ...facts(request, ending),
    stages_ms: Object.fromEntries(stages),
    ...(connection === undefined ? {} : { connection }),
    ...(request.bytes === undefined ? {} : { request_bytes: request.bytes }),
    ...(ending.records === undefined ? {} : { contexts: ending.records }),
  };
}

/** For whoever watches; `text` is not for every one of them. */
export function monitoredRequest(request: LedgerRequest, ending: Ending): MonitoredRequest {
  const payload = request.payload ?? {};
  const text = payload['text'] ?? payload['query'];
  return {
    ...facts(request, ending),
    summary: summaryOf(payload),
    ...(typeof text === 'string' ? { text: beginning(text) } : {}),
  };
}

function facts(
  { operation, origin, principal, payload }: LedgerRequest,
  { atMs, type, outcome, tookMs }: Ending,
): Omit<MonitoredRequest, 'summary' | 'text'> {
  return {
    at: atMs,
    type,
    outcome,
    duration_ms: rounded(tookMs),
    door: origin.door,
    ...(origin.address === undefined ? {} : { address: origin.address }),
    ...(origin.request === null ? {} : { request_id: copied(origin.request) }),
    ...(principal === undefined ? {} : { key_id: principal.keyId }),
    namespaces: operation === undefined ? [] : [...auditedNamespaces(operation, payload)],
  };
}

/** Of a payload that may be refused: whatever stands where, each part is short, and so is the whole. */
function summaryOf(payload: BodyMap): string {
  const shown = SHOWN.filter((name) => payload[name] !== undefined).map((name) => `${name}=${valueOf(payload[name])}`);
  const counted = COUNTED.filter((name) => payload[name] !== undefined).map((name) => name + sizeOf(payload[name]));
  return copiedText([...shown, ...counted].join(' ').slice(0, SUMMARY_CHARS_MAX));
}

function valueOf(value: unknown): string {
  return Array.isArray(value) ? value.slice(0, VALUES_MAX).map(scalarOf).join(',') : scalarOf(value);
}

/** A list within a list is none of what is asked for. */
function scalarOf(value: unknown): string {
  if (typeof value === 'string') return value.slice(0, VALUE_CHARS_MAX).toWellFormed();
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '?';
}

function sizeOf(value: unknown): string {
  if (typeof value === 'string') return `[${value.length} chars]`;
  if (value instanceof Uint8Array) return `[${value.length} bytes]`;
  if (Array.isArray(value)) return `[${value.length}]`;
  return typeof value === 'object' && value !== null ? `{${Object.keys(value).length}}` : '[?]';
}

/** In characters that stay whole. */
function beginning(text: string): string {
  return copiedText([...text.slice(0, 2 * TEXT_CHARS_MAX)].slice(0, TEXT_CHARS_MAX).join(''));
}

function copied(id: number | string): number | string {
  return typeof id === 'string' ? copiedText(id) : id;
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}
