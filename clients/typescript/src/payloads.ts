import type { Clock } from '../../../src/base/clock.ts';
import { uuidV7, type Random } from '../../../src/base/random.ts';
import { vectorToBytes } from '../../../src/protocol/vector.ts';
import type { QueryRequest, StoreBatchRequest, StoreRequest } from './types.ts';

/** Makes what goes on the wire of what the methods are given. Nothing given is changed. */
export class Payloads {
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly namespace: string | undefined;

  constructor(clock: Clock, random: Random, namespace: string | undefined) {
    this.clock = clock;
    this.random = random;
    this.namespace = namespace;
  }

  /** With an id, so that it may be sent twice. */
  store(context: StoreRequest): object {
    return this.newContext(context, undefined);
  }

  storeBatch({ contexts, namespace }: StoreBatchRequest): object {
    return { contexts: contexts.map((context) => this.newContext(context, namespace)) };
  }

  query(request: QueryRequest): object {
    return this.scoped(
      request.embedding instanceof Float32Array ? { ...request, embedding: vectorToBytes(request.embedding) } : request,
    );
  }

  /** With the client's namespace where it names none. */
  scoped(request: { readonly namespace?: string | undefined }): object {
    return this.namespace === undefined || request.namespace !== undefined
      ? request
      : { ...request, namespace: this.namespace };
  }

  private newContext(context: StoreRequest, namespace: string | undefined): object {
    const { embedding } = context;
    return {
      ...context,
      id: context.id ?? uuidV7(this.clock.nowMs(), this.random),
      namespace: context.namespace ?? namespace ?? this.namespace,
      embedding: embedding instanceof Float32Array ? vectorToBytes(embedding) : embedding,
    };
  }
}
