import { CodedError } from '../base/errors.ts';
import type { EmbeddingProvider } from './provider.ts';

/** Far more than what the doors let in at a time; each is held a few times on its way. */
const CHARS_MAX = 64 * 1024 * 1024;
const RETRY_MS = 250;

/**
 * A provider that takes only so many characters at a time: past it a call is refused with `OVERLOADED`. Below it one more
 * gets in, however long its texts are.
 */
export function withTextBound(provider: EmbeddingProvider, charsMax: number = CHARS_MAX): EmbeddingProvider {
  let chars = 0;
  return {
    id: provider.id,
    dimension: provider.dimension,
    kind: provider.kind,
    textTokensMax: provider.textTokensMax,
    async embed(texts, kind, signal) {
      if (chars >= charsMax)
        throw new CodedError('OVERLOADED', 'too many texts wait to be embedded', { retryAfterMs: RETRY_MS });
      const added = texts.reduce((total, text) => total + text.length, 0);
      chars += added;
      try {
        return await provider.embed(texts, kind, signal);
      } finally {
        chars -= added;
      }
    },
  };
}
