import type { Clock } from '../../base/clock.ts';
import { networkOf } from '../../base/network.ts';
import { recentEntries } from '../../base/recent-entries.ts';
import { ofThisServer, type NewBucket, type RateLimit, type TokenBucket } from '../../base/token-bucket.ts';

export interface AddressLimits {
  /** Connections of one address that are open at a time. */
  readonly maxConnections: number;
  /** Requests of one address, over all its connections; null: no limit. */
  readonly requests: RateLimit | null;
}

/** One connection of an address. */
export interface Visit {
  /** Of the address; null: no limit. */
  readonly bucket: () => TokenBucket | null;
  /** The connection is closed. */
  leave(): void;
}

interface Known {
  connections: number;
  bucket: TokenBucket | null;
}

/** Addresses that are remembered, so that none gets a new burst by connecting anew. */
const KNOWN_MAX = 100_000;

/** Where clients connect from, and what each address may do. */
export class Addresses {
  #limits: AddressLimits;
  readonly #newBucket: NewBucket;
  readonly #known = recentEntries<Known>(KNOWN_MAX);

  constructor(limits: AddressLimits, clock: Clock, newBucket: NewBucket = ofThisServer(clock)) {
    this.#limits = limits;
    this.#newBucket = newBucket;
  }

  /** null: the address has as many connections as it may. `address` as the system tells it. */
  enter(address: string): Visit | null {
    const known = this.#of(networkOf(address));
    if (known.connections >= this.#limits.maxConnections) return null;
    known.connections++;
    let isOpen = true;
    return {
      bucket: () => known.bucket,
      leave: () => {
        if (isOpen) known.connections--;
        isOpen = false;
      },
    };
  }

  /** Of an address that comes by another door, where it has no connection to count; null: no limit. */
  bucketOf(address: string): TokenBucket | null {
    return this.#of(networkOf(address)).bucket;
  }

  /** From the next connection and request on; what an address has asked for counts on. */
  change(limits: AddressLimits): void {
    this.#limits = limits;
    for (const [network, known] of this.#known.entries()) {
      if (limits.requests === null || known.bucket === null) known.bucket = this.#bucketOf(network);
      else known.bucket.change(limits.requests);
    }
  }

  #bucketOf(network: string): TokenBucket | null {
    const { requests } = this.#limits;
    return requests === null ? null : this.#newBucket(`address ${network}`, requests);
  }

  #of(network: string): Known {
    let known = this.#known.get(network);
    if (known === undefined) {
      known = { connections: 0, bucket: this.#bucketOf(network) };
      this.#known.set(network, known);
    }
    return known;
  }
}
