import type { Duplex } from 'node:stream';
import type { Clock } from '../../../src/base/clock.ts';
import type { Random } from '../../../src/base/random.ts';
import { type Address, parseAddress } from './addresses.ts';
import { checkConnectOptions } from './arguments.ts';
import { Client } from './client.ts';
import { withoutUrl } from './connection-url.ts';
import { atCallSite, captureCallSite, ContextManagerError, toClientError, type CallSite } from './errors.ts';
import { ListenerBook } from './events.ts';
import { Payloads } from './payloads.ts';
import { Requester, type RequesterOptions } from './requester.ts';
import type { BesideUrl, ConnectOptions, NamedServers } from './types.ts';
import { CLIENT_NAME } from './version.ts';

/** What a test hands in instead of the machine's. */
export interface ConnectDeps {
  readonly openStream: (address: Address) => Duplex;
  readonly clock: Clock;
  readonly random: Random;
}

/** The same over any stream, with a clock and randomness of the caller's. */
export async function connectWith(
  given: ConnectOptions | string,
  deps: ConnectDeps,
  site: CallSite = captureCallSite(),
  besideUrl?: BesideUrl,
): Promise<Client> {
  try {
    const options = withoutUrl(given, besideUrl);
    checkConnectOptions(options);
    const { signal } = options;
    if (signal?.aborted) throw new ContextManagerError('ABORTED', 'the call was aborted', { cause: signal.reason });
    const listeners = new ListenerBook();
    const requester = new Requester(requesterOptions(options), { ...deps, announce: listeners.announce });
    await started(requester, signal);
    return new Client(requester, new Payloads(deps.clock, deps.random, options.namespace), listeners);
  } catch (error) {
    throw atCallSite(toClientError(error), site);
  }
}

async function started(requester: Requester, signal: AbortSignal | undefined): Promise<void> {
  const onAbort = (): void =>
    requester.destroy(new ContextManagerError('ABORTED', 'the call was aborted', { cause: signal?.reason }));
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await requester.start();
  } catch (error) {
    const failure = toClientError(error);
    requester.destroy(failure);
    throw failure;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

function addressesOf(options: NamedServers): readonly Address[] {
  if (options.addresses === undefined) return [{ host: options.host, port: options.port }];
  return options.addresses.map((text) => parseAddress(text) as Address);
}

function requesterOptions(options: NamedServers): RequesterOptions {
  const secret = typeof options.secret === 'string' ? Buffer.from(options.secret) : new Uint8Array(options.secret);
  const timeoutMs = options.timeoutMs ?? 30_000;
  const backoff = options.backoff ?? { minMs: 100, maxMs: 10_000 };
  return {
    addresses: addressesOf(options),
    identity: {
      keyId: options.keyId,
      secret,
      sender: options.sender ?? options.keyId,
      client: options.client ?? CLIENT_NAME,
    },
    size: options.pool ?? 1,
    timeoutMs,
    connectTimeoutMs: options.connectTimeoutMs ?? Math.min(10_000, timeoutMs),
    maxInFlight: options.maxInFlight ?? 256,
    maxQueued: options.maxQueued ?? 10_000,
    reconnect: backoff,
    retry: backoff,
  };
}
