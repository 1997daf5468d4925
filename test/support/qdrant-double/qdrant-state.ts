import { CollectionSnapshots } from './collection-snapshots.ts';
import type { CreateCollection } from './collection-config.ts';
import { PointQueries } from './point-queries.ts';
import { applyUpdate } from './point-updates.ts';
import { QdrantCollection } from './qdrant-collection.ts';
import { invalid, notFound, QdrantError } from './qdrant-error.ts';
import type { Payload, UpdateOperation } from './requests.ts';

/** How long updates that nobody waits for stay unseen: a client that forgot to wait is found out. */
const UNSEEN_MS = 500;
const NAME_MAX = 255;

/** All collections of one double. */
export class QdrantState {
  readonly #collections = new Map<string, QdrantCollection>();
  readonly snapshots = new CollectionSnapshots();
  /** Shards of each collection that another node has. */
  remoteShards = 0;
  readonly #random: () => number;
  /** In the order in which they came; each applies one. */
  #unseen: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(random: () => number) {
    this.#random = random;
  }

  names(): string[] {
    return [...this.#collections.keys()].sort();
  }

  has(name: string): boolean {
    return this.#collections.has(name);
  }

  get(name: string): QdrantCollection {
    const collection = this.#collections.get(name);
    if (collection === undefined) throw notFound(`Collection \`${name}\` doesn't exist!`);
    return collection;
  }

  put(name: string, collection: QdrantCollection): void {
    this.#collections.set(name, collection);
  }

  queries(name: string): PointQueries {
    return new PointQueries(this.get(name), this.#random);
  }

  create(name: string, request: CreateCollection): true {
    const wrong = [...name].find((char) => '<>:"/\\|?*\0\u001f'.includes(char));
    if (wrong !== undefined) {
      throw invalid('collection_name', `collection name cannot contain "${wrong}" char`, 'path parameters');
    }
    if (name.length > NAME_MAX) {
      throw invalid(
        'collection_name',
        `value "${name}" invalid, must be from 1 to ${NAME_MAX} characters`,
        'path parameters',
      );
    }
    if (this.has(name)) throw new QdrantError(409, `Wrong input: Collection \`${name}\` already exists!`);
    this.#collections.set(name, new QdrantCollection(request));
    return true;
  }

  delete(name: string): boolean {
    this.applyUnseen();
    return this.#collections.delete(name);
  }

  /** One after the other: what an operation refuses leaves those before it done. */
  update(name: string, operations: readonly UpdateOperation[], wait: boolean): Payload[] {
    return operations.map((operation) => this.change(name, wait, (collection) => applyUpdate(collection, operation)));
  }

  /** `apply` returns the number of the operation. */
  change(name: string, wait: boolean, apply: (collection: QdrantCollection) => number): Payload {
    const collection = this.get(name);
    if (wait) {
      this.applyUnseen();
      return { operation_id: apply(collection), status: 'completed' };
    }
    this.#unseen.push(() => {
      try {
        apply(collection);
      } catch (error) {
        // Whoever does not wait does not hear of it.
        if (!(error instanceof QdrantError)) throw error;
      }
    });
    this.#timer ??= setTimeout(() => this.applyUnseen(), UNSEEN_MS);
    return { operation_id: this.#unseen.length, status: 'acknowledged' };
  }

  applyUnseen(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const unseen = this.#unseen;
    this.#unseen = [];
    for (const apply of unseen) apply();
  }
}
