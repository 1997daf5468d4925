import { ContextManagerError } from './errors.ts';
import { isRefusal } from './retry.ts';

/** Where a server listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

const PORT_MAX = 65_535;
/** `host:port`, an IPv6 address in brackets. */
const ADDRESS = /^(?:\[([^\]]+)\]|([^:[\]/\s]+)):(\d{1,5})$/;

/** Null: it is none. */
export function parseAddress(text: string): Address | null {
  const [, bracketed, plain, digits] = ADDRESS.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  return host !== undefined && port >= 1 && port <= PORT_MAX ? { host, port } : null;
}

export function addressText({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Why one address was no good; the error names it. */
export interface Attempt {
  readonly address: string;
  readonly error: ContextManagerError;
}

/** That of several addresses none was any good: it names each, and why. */
export function noneConnected(attempts: readonly Attempt[]): ContextManagerError {
  const [first] = attempts;
  if (first !== undefined && attempts.length === 1) return first.error;
  const reasons = attempts.map(({ error: { code, message } }) =>
    code === 'CONNECTION_FAILED' || code === 'CONNECTION_LOST' ? message : `${message} (${code})`,
  );
  // Whoever is refused everywhere is refused for good.
  const refusal = attempts.every(({ error }) => isRefusal(error)) ? first?.error : undefined;
  return new ContextManagerError(
    refusal?.code ?? 'CONNECTION_FAILED',
    `no server could be used: ${reasons.join('; ')}`,
    {
      retryable: refusal === undefined,
      details: {
        addresses: attempts.map(({ address, error }) => ({ address, code: error.code, reason: error.message })),
      },
      cause: first?.error,
    },
  );
}
