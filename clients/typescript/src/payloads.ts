import type { Clock } from '../../../src/base/clock.ts';
import { uuidV7, type Random } from '../../../src/base/random.ts';
import { messageRule } from '../../../src/protocol/message-table.ts';
import { vectorToBytes } from '../../../src/protocol/vector.ts';
import type { RequestType } from './types.ts';

/** What is not that goes as it is: whoever looks at it next says what is wrong with it. */
function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

interface Fields {
  readonly [field: string]: unknown;
}

/** Makes what goes on the wire of what the methods are given, as the table of messages says. Nothing given is changed. */
export class Payloads {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #namespace: string | undefined;

  constructor(clock: Clock, random: Random, namespace: string | undefined) {
    this.#clock = clock;
    this.#random = random;
    this.#namespace = namespace;
  }

  /** With the client's namespace where it may name one and names none, with ids where it must have them, vectors as bytes. */
  payload(type: RequestType, request: object): object {
    const { namespace: reach, items, ids_in: idsIn, repeat } = messageRule(type)!;
    const makesIds = repeat === 'with_made_id';
    if (!isFields(request)) return request;
    if (items !== undefined) {
      const { namespace = this.#namespace, [items]: list, ...rest } = request;
      if (!Array.isArray(list)) return request;
      return { ...rest, [items]: list.map((item: unknown) => this.#complete(item, namespace, makesIds)) };
    }
    const takesNamespace = reach === 'payload' || reach === 'payload_or_all';
    if (idsIn !== undefined) {
      const { [idsIn]: list } = request;
      const identified = Array.isArray(list)
        ? list.map((item: unknown) => this.#complete(item, undefined, makesIds))
        : list;
      return this.#complete({ ...request, [idsIn]: identified }, takesNamespace ? this.#namespace : undefined, false);
    }
    return this.#complete(request, takesNamespace ? this.#namespace : undefined, makesIds);
  }

  #complete<T>(fields: T, namespace: unknown, makesIds: boolean): T {
    if (!isFields(fields)) return fields;
    const { embedding } = fields;
    return {
      ...fields,
      ...(makesIds && fields['id'] === undefined && { id: uuidV7(this.#clock.nowMs(), this.#random) }),
      ...(fields['namespace'] === undefined && namespace !== undefined && { namespace }),
      ...asBytes(embedding),
    };
  }
}

/** Embedding services answer with plain numbers; what holds anything else goes as it is, and is told what is wrong with it. */
function asBytes(embedding: unknown): { embedding?: Uint8Array } {
  if (embedding instanceof Float32Array) return { embedding: vectorToBytes(embedding) };
  const isNumbers = Array.isArray(embedding) && embedding.every((value) => typeof value === 'number');
  return isNumbers ? { embedding: vectorToBytes(new Float32Array(embedding)) } : {};
}
