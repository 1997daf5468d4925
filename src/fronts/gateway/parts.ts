import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Audit } from '../../api/audit.ts';
import type { Caller, CallerDoor, CallerDoorDeps } from '../../api/caller.ts';
import type { KeyRing } from '../../api/key-ring.ts';
import type { Certificates } from '../../base/certificates.ts';
import type { Clock } from '../../base/clock.ts';
import type { FailedLogins } from '../../base/failed-logins.ts';
import type { Log } from '../../base/log.ts';
import type { LoopTurns } from '../../base/loop-turns.ts';
import type { Metrics } from '../../base/metrics.ts';
import type { Settings } from '../../config/settings.ts';
import type { Authenticator } from './authenticator.ts';
import type { Bodies } from './bodies.ts';
import type { Upstream } from './upstream.ts';

/** Routes of others on the same listener: whoever comes to them has a token, and `callerOf` says whose. */
export type GatewayMount = (app: FastifyInstance, host: MountHost) => void;

export interface MountHost {
  readonly callerOf: (request: FastifyRequest) => Caller;
  readonly door: CallerDoor;
  /** Counts with all other bodies, up to `bytesMax` or what the gateway takes. Rejects with `PAYLOAD_TOO_LARGE` or `OVERLOADED`. */
  readonly readBody: (request: FastifyRequest, reply: FastifyReply, bytesMax: number) => Promise<Buffer>;
}

export interface GatewayOptions extends CallerDoorDeps {
  readonly settings: Settings['gateway'];
  readonly window: Settings['window'];
  /** Null: nothing is encrypted. */
  readonly certificates: Certificates | null;
  readonly keys: KeyRing;
  readonly audit: Audit;
  /** Of all doors together. */
  readonly failedLogins: FailedLogins;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly mounts?: readonly GatewayMount[];
}

/** What its routes work with. */
export interface GatewayParts extends GatewayOptions {
  readonly door: CallerDoor;
  readonly authenticator: Authenticator;
  readonly bodies: Bodies;
  readonly upstream: Upstream;
  /** For what takes long. */
  readonly turns: LoopTurns;
}
