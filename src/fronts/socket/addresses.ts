import { LRUCache } from 'lru-cache';
import type { Clock } from '../../base/clock.ts';
import { TokenBucket, type RateLimit } from '../../base/token-bucket.ts';

export interface AddressLimits {
  /** Connections of one address that are open at a time. */
  readonly maxConnections: number;
  /** Requests of one address, over all its connections; null: no limit. */
  readonly requests: RateLimit | null;
}

/** One connection of an address. */
export interface Visit {
  /** Of the address; null: no limit. */
  readonly bucket: TokenBucket | null;
  /** The connection is closed. */
  leave(): void;
}

interface Known {
  connections: number;
  readonly bucket: TokenBucket | null;
}

/** Addresses that are remembered, so that none gets a new burst by connecting anew. */
const KNOWN_MAX = 100_000;

/** Where clients connect from, and what each address may do. */
export class Addresses {
  readonly #limits: AddressLimits;
  readonly #clock: Clock;
  readonly #known = new LRUCache<string, Known>({ max: KNOWN_MAX });

  constructor(limits: AddressLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** null: the address has as many connections as it may. `address` as the system tells it. */
  enter(address: string): Visit | null {
    const known = this.#of(networkOf(address));
    if (known.connections >= this.#limits.maxConnections) return null;
    known.connections++;
    let isOpen = true;
    return {
      bucket: known.bucket,
      leave: () => {
        if (isOpen) known.connections--;
        isOpen = false;
      },
    };
  }

  #of(network: string): Known {
    const { requests } = this.#limits;
    let known = this.#known.get(network);
    if (known === undefined) {
      known = { connections: 0, bucket: requests === null ? null : new TokenBucket(requests, this.#clock) };
      this.#known.set(network, known);
    }
    return known;
  }
}

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
const GROUPS = 8;
/** Who has one address of version 6 has the 2^64 of its network. */
const NETWORK_GROUPS = 4;

/** What counts as one address: of version 6 the network of 64 bits, without a zone. */
export function networkOf(address: string): string {
  const mapped = MAPPED.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(':')) return address;
  const [plain = ''] = address.split('%');
  const [before = '', after] = plain.split('::');
  const left = before === '' ? [] : before.split(':');
  const right = after === undefined || after === '' ? [] : after.split(':');
  const zeros = new Array<string>(Math.max(0, GROUPS - left.length - right.length)).fill('0');
  return `${[...left, ...zeros, ...right].slice(0, NETWORK_GROUPS).join(':').toLowerCase()}::/64`;
}
