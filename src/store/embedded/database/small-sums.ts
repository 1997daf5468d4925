// Checksums of small rows that decide answers.

import { crc32 } from 'node:zlib';
import type { Supersession } from '../../../base/context.ts';

export function spaceSum(id: number, name: string): number {
  return crc32(`${id}\0${name}`);
}

export function supersessionSum(
  spaceId: number,
  superseded: string,
  { by, fromMs, recordedAtMs }: Supersession,
): number {
  return crc32(`${spaceId}\0${superseded}\0${fromMs},${recordedAtMs}\0${by}`);
}
