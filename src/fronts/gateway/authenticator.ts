import type { FastifyRequest } from 'fastify';
import type { LoginReports } from '../../api/login-reports.ts';
import { certificateNamesOf } from '../../base/certificates.ts';
import type { Clock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { LateRefusals } from '../../base/late-refusals.ts';
import type { GatewayTokens, TokenCaller } from './tokens.ts';

/** What a failure is told under: nobody knows whose token it was meant to be. */
const NO_KEY = '';

/** Who asks: by the token of a request. */
export class Authenticator {
  readonly #tokens: GatewayTokens;
  readonly #reports: LoginReports;
  readonly #refusals: LateRefusals;
  readonly #callers = new WeakMap<object, TokenCaller>();

  constructor(tokens: GatewayTokens, reports: LoginReports, clock: Clock) {
    this.#tokens = tokens;
    this.#reports = reports;
    this.#refusals = new LateRefusals(clock);
  }

  /** Rejects with `AUTH_FAILED`, the later the more often an address has failed, or `RATE_LIMITED`. */
  async admit(request: FastifyRequest): Promise<void> {
    const address = request.socket.remoteAddress ?? '';
    const token = tokenOf(request);
    const caller = token === null ? null : this.#find(token, request);
    // Many may come from one address, as from a proxy: whoever has a right token waits for nobody's wrong one.
    if (caller !== null) return void this.#callers.set(request.raw, caller);
    this.#refusals.admit(address);
    const error = new CodedError(
      'AUTH_FAILED',
      token === null ? 'a bearer token is missing' : 'the token is not valid',
    );
    // Whoever sends none guesses nothing.
    if (token !== null) await this.#refusals.wait(address, this.#reports.failed(NO_KEY, address, error));
    throw error;
  }

  /** Null: there is no such token, or its key asks for a client certificate that was not shown. */
  #find(token: string, { socket }: FastifyRequest): TokenCaller | null {
    const caller = this.#tokens.find(token);
    return caller?.principal.isProvenBy(certificateNamesOf(socket)) === true ? caller : null;
  }

  /** Whether it was admitted by a token that counts no more. */
  isRevoked({ raw }: Pick<FastifyRequest, 'raw'>): boolean {
    return this.#callers.get(raw)?.principal.isRevoked === true;
  }

  /** Of a request that was admitted. */
  callerOf({ raw }: Pick<FastifyRequest, 'raw'>): TokenCaller {
    const caller = this.#callers.get(raw);
    if (caller === undefined) throw new CodedError('AUTH_FAILED', 'a bearer token is missing');
    return caller;
  }
}

/** As OpenAI's clients send it, or as Anthropic's. */
function tokenOf({ headers }: FastifyRequest): string | null {
  const bearer = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
  const key = headers['x-api-key'];
  return bearer ?? (typeof key === 'string' && key !== '' ? key : null);
}
