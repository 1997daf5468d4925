import { expect, it } from 'vitest';
import type { Embedded, EmbeddingProvider } from '../../../src/embedding/provider.ts';
import { withTextBound } from '../../../src/embedding/text-bound.ts';

/** A model whose calls wait until they are answered by hand. */
function slowModel(): { provider: EmbeddingProvider; calls: PromiseWithResolvers<Embedded[]>[] } {
  const calls: PromiseWithResolvers<Embedded[]>[] = [];
  const embed = (): Promise<Embedded[]> => {
    const call = Promise.withResolvers<Embedded[]>();
    calls.push(call);
    return call.promise;
  };
  return { provider: { id: 'slow', dimension: 1, kind: 'semantic', embed }, calls };
}

it('refuses texts past its bound until others are answered, and lets a longer one in alone', async () => {
  const { provider, calls } = slowModel();
  const bounded = withTextBound(provider, 100);
  const vector = [Float32Array.of(1)];
  const first = bounded.embed(['x'.repeat(60)], 'passage');
  const second = bounded.embed(['x'.repeat(30), 'x'.repeat(30)], 'passage');
  await expect(bounded.embed(['x'], 'passage')).rejects.toMatchObject({
    code: 'OVERLOADED',
    retryable: true,
    retryAfterMs: 250,
  });
  expect(calls).toHaveLength(2);
  calls[0]!.resolve(vector);
  await first;
  const large = bounded.embed(['x'.repeat(5_000)], 'passage');
  await expect(bounded.embed(['x'], 'query')).rejects.toMatchObject({ code: 'OVERLOADED' });
  calls[1]!.reject(new Error('it failed'));
  await expect(second).rejects.toThrow('it failed');
  calls[2]!.resolve(vector);
  await large;
  const after = bounded.embed(['x'], 'query');
  calls[3]!.resolve(vector);
  expect(await after).toEqual(vector);
});
