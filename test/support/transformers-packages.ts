// The packages that tests of ONNX models run on: the stand-in, and `@huggingface/transformers` where it is installed or
// TRANSFORMERS_PACKAGE names its entry file. It is no dependency of this package: it brings half a gigabyte along.

import { pathToFileURL } from 'node:url';

const STAND_IN = new URL('./stand-in-transformers.ts', import.meta.url).href;

export interface Package {
  readonly title: string;
  readonly url: string;
  readonly isReal: boolean;
}

export const STAND_IN_PACKAGE: Package = { title: 'a stand-in for the package', url: STAND_IN, isReal: false };

function realPackage(): Package | null {
  const title = '@huggingface/transformers';
  const given = process.env['TRANSFORMERS_PACKAGE'];
  if (given !== undefined) return { title, url: pathToFileURL(given).href, isReal: true };
  try {
    return { title, url: import.meta.resolve('@huggingface/transformers'), isReal: true };
  } catch {
    return null;
  }
}

const real = realPackage();

export const PACKAGES: readonly Package[] = real === null ? [STAND_IN_PACKAGE] : [STAND_IN_PACKAGE, real];
export const NO_REAL_PACKAGE = real === null;

const RESOLVER = new URL('./resolve-transformers.js', import.meta.url).href;

/** Of a process that runs on the package, wherever it lies. */
export function packageVariables({ url }: Package): Record<string, string> {
  return { NODE_OPTIONS: `--import ${RESOLVER}`, TRANSFORMERS_URL: url };
}
