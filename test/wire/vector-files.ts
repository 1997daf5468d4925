import { readFileSync } from 'node:fs';

/** The conformance vectors as the tests use them. */

export interface HandshakeCase {
  readonly name: string;
  readonly secret: string;
  readonly server_nonce: string;
  readonly client_nonce: string;
  readonly auth?: object;
  readonly auth_body: string;
  readonly auth_tag: string;
  readonly auth_frame: string;
  readonly c2s_key: string;
  readonly s2c_key: string;
}

export interface RecordedFrame {
  readonly name: string;
  readonly from: 'client' | 'server';
  /** Null: hello and auth, which stand outside the counted frames. */
  readonly counter: number | null;
  readonly tag: string | null;
  readonly body: string;
  readonly frame: string;
  readonly value: { readonly type: string; readonly id?: number; readonly payload?: unknown };
}

export interface Session {
  readonly secret: string;
  readonly server_nonce: string;
  readonly client_nonce: string;
  readonly frames: readonly RecordedFrame[];
}

export interface PayloadCase {
  readonly name: string;
  readonly type: string;
  readonly payload: unknown;
  readonly code?: string;
  readonly field?: string;
}

export interface Malformed {
  readonly frames: readonly { name: string; stage: 'before_auth' | 'after_auth'; bytes: string; code: string }[];
  readonly auths: readonly {
    name: string;
    change: object;
    timestamp_offset_ms?: number;
    secret?: string;
    code: string;
  }[];
  readonly tags: readonly { name: string; frames: readonly string[]; code: string }[];
  readonly bodies: readonly { name: string; body: string; code: string; reply_id: number }[];
  readonly accepted_bodies: readonly { name: string; body: string; n: number }[];
  readonly payloads: readonly PayloadCase[];
  readonly accepted_payloads: readonly PayloadCase[];
}

function read(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../proto-spec/vectors/${name}.json`, import.meta.url), 'utf8'));
}

export const handshakeCases = (read('handshake') as { cases: readonly HandshakeCase[] }).cases;
export const session = read('session') as Session;
export const malformed = read('malformed') as Malformed;

export function hex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}

/** A value of a vector with its notations resolved: `$bin`, `$repeat`, `$list`. */
export function resolve(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(resolve);
  if (typeof value !== 'object' || value === null) return value;
  const { $bin, $repeat, $list } = value as { $bin?: string; $repeat?: [string, number]; $list?: [unknown, number] };
  if ($bin !== undefined) return new Uint8Array(hex($bin));
  if ($repeat !== undefined) return $repeat[0].repeat($repeat[1]);
  if ($list !== undefined) return Array.from({ length: $list[1] }, () => resolve($list[0]));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item)]));
}

/** Views of decoded bytes as plain arrays of bytes, so that they compare equal to what `resolve` makes. */
export function plainBytes(value: unknown): unknown {
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map(plainBytes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainBytes(item)]));
}
