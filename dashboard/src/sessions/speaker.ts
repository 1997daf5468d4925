import type { Context } from '../../../src/protocol/messages.generated.ts';

/** Who said it, where its metadata tells. */
export function speakerOf({ metadata }: Pick<Context, 'metadata'>): string | null {
  for (const name of ['speaker', 'name', 'role']) {
    const value = metadata[name];
    if (typeof value === 'string' && value !== '') return value;
  }
  return null;
}
