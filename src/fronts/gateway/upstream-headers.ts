import type { IncomingHttpHeaders } from 'node:http';
import type { Dialect } from './dialect.ts';
import type { UpstreamTarget } from './upstream.ts';

/** What of a client's headers concerns the model service; the rest, and above all his token, stays here. */
const PASSED_ON: ReadonlySet<string> = new Set([
  'accept',
  'content-type',
  'idempotency-key',
  'traceparent',
  'tracestate',
  'user-agent',
  'x-request-id',
]);
const PASSED_ON_PREFIXES = ['anthropic-', 'openai-', 'x-stainless-'];

export function upstreamHeaders(
  headers: IncomingHttpHeaders,
  { token }: UpstreamTarget,
  dialect: Dialect,
): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string') continue;
    if (PASSED_ON.has(name) || PASSED_ON_PREFIXES.some((prefix) => name.startsWith(prefix))) passed[name] = value;
  }
  if (token !== undefined && dialect === 'anthropic') passed['x-api-key'] = token;
  else if (token !== undefined) passed['authorization'] = `Bearer ${token}`;
  return passed;
}
