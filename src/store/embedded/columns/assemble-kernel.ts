// Makes column-kernel.generated.ts of column-kernel.wat, so that nothing is assembled at run time.
// `node src/store/embedded/columns/assemble-kernel.ts` writes; a test compares.

import { readFileSync, writeFileSync } from 'node:fs';
import wabt from 'wabt';

/** Vectors of a block: a column of one is two kibibytes in a row. With less, memory is waited for; with more, nothing is won. */
const BLOCK_ROWS = 2_048;

export async function renderKernel(): Promise<string> {
  const text = readFileSync(new URL('column-kernel.wat', import.meta.url), 'utf8').replaceAll(
    '(i32.const ROWS)',
    `(i32.const ${BLOCK_ROWS})`,
  );
  const assembler = await wabt();
  const assembled = assembler.parseWat('column-kernel.wat', text, { simd: true });
  const { buffer } = assembled.toBinary({});
  assembled.destroy();
  return `// Made by assemble-kernel.ts of column-kernel.wat: not to be changed by hand.

export const BLOCK_ROWS = ${BLOCK_ROWS};

/** A WebAssembly module, base64. */
export const COLUMN_KERNEL =
  '${Buffer.from(buffer).toString('base64')}';
`;
}

if (import.meta.main) {
  writeFileSync(new URL('column-kernel.generated.ts', import.meta.url), await renderKernel());
}
