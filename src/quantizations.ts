import { StartupError } from './base/errors.ts';
import type { Settings } from './config/settings.ts';

type StoreSettings = Settings['vectorDb'];
type Quantizations<T> = Readonly<Partial<Record<StoreSettings['quantization'], T>>>;
export const EMBEDDED_QUANTIZATION = { f32: 'f32', bf16: 'bf16', i8: 'i8' } as const;
export const QDRANT_QUANTIZATION = { f32: 'none', i8: 'scalar', binary: 'binary', product: 'product' } as const;

/** What the driver calls it. Throws `StartupError`. */
export function quantizationIn<T>(known: Quantizations<T>, { driver, quantization }: StoreSettings): T {
  const name = known[quantization];
  if (name !== undefined) return name;
  throw new StartupError(
    `\`vector_db.quantization\` is "${quantization}", which the ${driver} store does not know`,
    `Set it to one of ${Object.keys(known).join(', ')}.`,
  );
}
