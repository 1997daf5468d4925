import { readSpecification } from '../../proto-spec/generator/specification.ts';
import type { RequestType } from '../../src/protocol/messages.generated.ts';

/** Requests as proto-spec declares them: what every one must keep is tested for each of these. */
export const DECLARED = readSpecification(new URL('../../proto-spec/', import.meta.url)).messages.map((message) => ({
  ...message,
  type: message.type as RequestType,
}));

export type Declared = (typeof DECLARED)[number];

/** The id in the examples of payloads. */
export const EXAMPLE_ID = '018f0000-0000-7000-8000-00000000000a';

/** Whether a payload of it can name a namespace. */
export function isNamespaced({ namespace }: Declared): boolean {
  return namespace === 'payload' || namespace === 'payload_or_all' || namespace === 'items';
}

/** An example as it reaches for a namespace: the payload names it, or each of its items does. */
export function inNamespace({ items }: Declared, example: object, namespace: string): object {
  if (items === undefined) return { ...example, namespace };
  const list = (example as Record<string, object[]>)[items] ?? [];
  return { ...example, [items]: list.map((item) => ({ ...item, namespace })) };
}
