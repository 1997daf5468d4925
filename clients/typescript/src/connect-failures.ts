import { ContextManagerError } from './errors.ts';

const OTHER_AUTHORITY = 'its certificate is from an authority that is not known here: tls.ca makes it known';
const NO_TLS = 'what answers there speaks no TLS';

/** What a system's or a TLS library's code says about a server. */
const IN_WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'no host has this name',
  EAI_AGAIN: 'no name server could say where this host is',
  ETIMEDOUT: 'nothing answers there',
  EHOSTUNREACH: 'no way leads there',
  ENETUNREACH: 'no way leads there',
  ECONNRESET: 'the other side broke the connection off',
  EPIPE: 'the other side broke the connection off',
  EACCES: 'this machine does not allow it',
  EPERM: 'this machine does not allow it',
  EMFILE: 'this process has too many files open',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself: tls.ca makes it known',
  SELF_SIGNED_CERT_IN_CHAIN: OTHER_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: OTHER_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: OTHER_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: OTHER_AUTHORITY,
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet by the clock of this machine',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for other names: tls.serverName says which one to expect',
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
};

/** An attempt to connect to one server that failed. `cause` is what the system said, where it said something. */
export function connectFailed(address: string, error: ContextManagerError): ContextManagerError {
  // Before the handshake is done no connection is lost: none was made.
  const isLoss = error.code === 'CONNECTION_LOST';
  const code = isLoss ? 'CONNECTION_FAILED' : error.code;
  const cause = isLoss ? (error.cause ?? error) : error.cause;
  return new ContextManagerError(
    code,
    `cannot connect to ${address}: ${isLoss ? reasonOf(error.cause) : error.message}`,
    {
      retryable: isLoss || error.retryable,
      ...(error.retryAfterMs !== undefined && { retryAfterMs: error.retryAfterMs }),
      details: { ...error.details, address },
      ...(cause !== undefined && { cause }),
    },
  );
}

/** How far an attempt had come when its time was over. */
export type Progress = 'no_answer' | 'no_tls' | 'no_greeting' | 'no_welcome';

const WITHIN: Readonly<Record<Progress, (timeoutMs: string) => string>> = {
  no_answer: (timeoutMs) => `nothing answered within ${timeoutMs} ms`,
  no_tls: (timeoutMs) => `what listens there did not begin TLS within ${timeoutMs} ms: perhaps it speaks none`,
  no_greeting: (timeoutMs) =>
    `what listens there did not greet within ${timeoutMs} ms, as a server does at once: perhaps it is behind TLS (the option tls), or this is the port of something else`,
  no_welcome: (timeoutMs) => `the server did not finish the handshake within ${timeoutMs} ms`,
};

/** That an attempt took longer than it may. */
export function notInTime(progress: Progress, timeoutMs: number): ContextManagerError {
  return new ContextManagerError('CONNECTION_FAILED', WITHIN[progress](timeoutMs.toLocaleString('en')), {
    retryable: true,
  });
}

/** What a stream failed with, in words; its code stands behind them. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return 'the server closed the connection before it let this client in';
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  const words = IN_WORDS[code] ?? wordsOfTls(code, cause);
  if (words === null) return cause.message === '' ? code : cause.message;
  return `${words} (${code})`;
}

/** Null: it is not about TLS. */
function wordsOfTls(code: string, cause: Error): string | null {
  if (/^ERR_SSL_.*(CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE)$/.test(code))
    return 'it refuses TLS without a certificate of the client that it trusts: tls.cert and tls.key';
  if (!/^(ERR_SSL_|ERR_TLS_|ERR_OSSL_)/.test(code)) return null;
  return `TLS failed: ${'reason' in cause && typeof cause.reason === 'string' ? cause.reason : cause.message}`;
}
