import type { Clock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { uuidV4, type Random } from '../../base/random.ts';
import { decodeBody, type BodyMap } from '../../protocol/codec.ts';
import type { Frame } from '../../protocol/frame.ts';
import type { Validators } from '../../protocol/messages.ts';
import { authTag, deriveKeys, NONCE_BYTES, PROTOCOL_VERSION, tagsEqual, TagSequence } from '../../protocol/proof.ts';
import type { Candidate, KeyRing } from '../../api/key-ring.ts';
import type { ServerLimits } from './limits.ts';
import type { Principal } from '../../api/principal.ts';
import { checkTimestamp } from './timestamp.ts';

/** What an authenticated connection is, for as long as it lives. */
export interface Session {
  /** UUID, told to the client in `welcome`. */
  readonly id: string;
  readonly principal: Principal;
  /** Default of `agent_id` in every request. */
  readonly sender: string;
  /** `<name>/<version>` as the client calls itself. */
  readonly client: string;
  /** Tags of the client's frames. */
  readonly incoming: TagSequence;
  /** Tags of the server's frames; `welcome` is the first. */
  readonly outgoing: TagSequence;
}

export interface HandshakeDeps {
  readonly keys: KeyRing;
  readonly limits: ServerLimits;
  readonly clock: Clock;
  readonly random: Random;
  readonly validators: Validators;
  /** Of this server, told in `hello`. */
  readonly version: string;
}

/** The server's side of section 2, for one connection. */
export class Handshake {
  readonly #deps: HandshakeDeps;
  readonly #certificateNames: () => readonly string[];
  readonly #serverNonce: Uint8Array;
  /** Whom the peer said that it is, true or not; null: it has not, or not readably. */
  claimedKeyId: string | null = null;

  /** `certificateNames`: of who is at the other end, see `certificateNamesOf`. */
  constructor(deps: HandshakeDeps, certificateNames: () => readonly string[] = () => []) {
    this.#deps = deps;
    this.#certificateNames = certificateNames;
    this.#serverNonce = deps.random.bytes(NONCE_BYTES);
  }

  /** Step 1. */
  hello(): object {
    const { clock, limits, version } = this.#deps;
    return {
      type: 'hello',
      protocol: PROTOCOL_VERSION,
      server: `context-manager/${version}`,
      server_nonce: this.#serverNonce,
      timestamp: clock.nowMs(),
      max_frame_bytes: limits.maxFrameBytes,
    };
  }

  /**
   * Step 2. The body names the key that its tag is made with, so it is looked into for that name first, and judged
   * only when the tag has been verified: a stranger learns nothing from what it sends.
   * Throws `AUTH_FAILED`, `UNSUPPORTED_PROTOCOL`, `TIMESTAMP_OUT_OF_RANGE` or `BAD_REQUEST`; all of them end the connection.
   */
  authenticate(frame: Frame): Session {
    const { clock, keys, limits, random, validators } = this.#deps;
    const claimed = readClaim(frame.body);
    this.claimedKeyId = claimed === null ? null : keyIdOf(claimed);
    const nowMs = clock.nowMs();
    const proven = this.#verify(keys.candidates(keyIdOf(claimed)), frame, nowMs);
    if (claimed === null || proven === null) throw authFailed();
    const auth = validators.control('auth', claimed);
    checkTimestamp(auth.timestamp, nowMs, limits);
    proven.principal.use.entered(nowMs);
    const directions = deriveKeys(proven.secret, this.#serverNonce, auth.client_nonce);
    return {
      id: uuidV4(random),
      principal: proven.principal,
      sender: auth.sender,
      client: auth.client,
      incoming: new TagSequence(directions.clientToServer),
      outgoing: new TagSequence(directions.serverToClient),
    };
  }

  /** Step 4. */
  welcome(session: Session): object {
    const { clock, limits } = this.#deps;
    return {
      type: 'welcome',
      session: session.id,
      scopes: session.principal.scopes,
      namespaces: session.principal.namespaces,
      heartbeat_ms: limits.heartbeatMs,
      timestamp: clock.nowMs(),
    };
  }

  /** Tries every candidate whatever the ones before gave, so that no outcome is quicker than another (section 2). */
  #verify(
    candidates: readonly Candidate[],
    frame: Frame,
    nowMs: number,
  ): { secret: Uint8Array; principal: Principal } | null {
    let proven: { secret: Uint8Array; principal: Principal } | null = null;
    const claimed = frame.tag ?? NO_TAG;
    const certificateNames = this.#certificateNames();
    for (const { secret, principal } of candidates) {
      const matches = tagsEqual(claimed, authTag(secret, this.#serverNonce, frame.body));
      if (!matches || frame.tag === null || principal === null) continue;
      if (principal.endedBecause(nowMs) === null && principal.isProvenBy(certificateNames))
        proven = { secret, principal };
    }
    return proven;
  }
}

/** Stands in for a tag that is nil, so that it is compared like any other. */
const NO_TAG = new Uint8Array(32);

/** The one answer to an unknown key, a wrong tag, a key that has expired and one without its certificate. */
function authFailed(): CodedError {
  return new CodedError('AUTH_FAILED', 'authentication failed');
}

/**
 * What claims to be the message of step 2; null where it cannot be that. What it says of the version comes before
 * its tag, as another version may have other fields and another way to sign them.
 */
function readClaim(body: Uint8Array): BodyMap | null {
  let claimed: BodyMap;
  try {
    claimed = decodeBody(body);
  } catch {
    return null;
  }
  if (claimed['type'] !== 'auth') return null;
  const protocol = claimed['protocol'];
  if (Number.isInteger(protocol) && protocol !== PROTOCOL_VERSION) {
    throw new CodedError('UNSUPPORTED_PROTOCOL', `this server speaks protocol ${PROTOCOL_VERSION}`, {
      details: { supported: [PROTOCOL_VERSION] },
    });
  }
  return claimed;
}

/** No key has this name: whoever claims it fails after the same work as everybody. */
const NO_KEY_ID = '';

function keyIdOf(claimed: BodyMap | null): string {
  const keyId = claimed?.['key_id'];
  return typeof keyId === 'string' ? keyId : NO_KEY_ID;
}
