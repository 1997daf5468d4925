import type { Certificates } from '../../base/certificates.ts';
import type { Settings } from '../../config/settings.ts';
import type { TlsRules } from './tls-acceptor.ts';

/** Bounds that no operator needs to turn. */
const FIXED_LIMITS = {
  /** Unread replies of one connection past which it is not read from. */
  highWaterBytes: 1024 * 1024,
  /** Unread replies of one connection and those expected of its running requests, past which no other is started. */
  replyRoomBytes: 4 * 1024 * 1024,
  /** How long a connection that is being closed may take to read what is left for it. */
  closeGraceMs: 2_000,
  /** What a value adds to the weight of a request: one of two bytes on the wire may take a hundred in memory. */
  valueBytes: 16,
};
/** What each context of a batch adds beside its vector. */
const ITEM_BYTES = 1024;
/** A request takes about five times its weight in memory, and a number of a vector four bytes. */
const VECTOR_BYTES_PER_NUMBER = 1;

/** Bounds of one connection and of the server (wire protocol, sections 1 to 3). */
export type ServerLimits = Omit<Settings['protocol'], 'maxInFlightTotal'> &
  Readonly<typeof FIXED_LIMITS> & {
    /** What an item of a batch adds to the weight of a request. */
    readonly itemBytes: number;
  };

export function socketLimits({
  protocol,
  vectorDb,
}: Pick<Settings, 'protocol' | 'vectorDb'>): ServerLimits & Settings['protocol'] {
  return { ...FIXED_LIMITS, ...protocol, itemBytes: ITEM_BYTES + VECTOR_BYTES_PER_NUMBER * vectorDb.vectorSize };
}

export function tlsRules({ tls, protocol }: Pick<Settings, 'tls' | 'protocol'>, certificates: Certificates): TlsRules {
  const isClientCertificateRequired = tls.clientCertificates === 'required';
  return { certificates, isClientCertificateRequired, handshakeTimeoutMs: protocol.authTimeoutMs };
}
