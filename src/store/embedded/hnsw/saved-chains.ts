// What the folder of indexes holds, by level and namespace.

import { SAVED_EXTENSION } from '../database/data-folder.ts';
import { EXACT_EXTENSION } from './exact-levels.ts';
import { deleteSegment, listSegments, type SegmentDescription, type SegmentFile } from './index-files.ts';
import type { LevelNumber } from '../border/rows.ts';

/**
 * At most two segments of each level, the large one first. Deletes all else in the folder, but saved namespaces and the notes on
 * levels of which `isExact` says yes.
 */
export function savedChains(
  folder: string,
  fits: (segment: SegmentDescription) => boolean,
  isExact: (key: string) => boolean,
): Map<string, readonly SegmentFile[]> {
  const isNote = (file: string) =>
    file.includes(SAVED_EXTENSION) ||
    (file.endsWith(EXACT_EXTENSION) && isExact(file.slice(0, -EXACT_EXTENSION.length)));
  const found = new Map<string, SegmentFile[]>();
  for (const file of listSegments(folder, fits, isNote)) {
    const key = levelKey(file.spaceId, file.level);
    found.set(key, [...(found.get(key) ?? []), file]);
  }
  const chains = new Map<string, readonly SegmentFile[]>();
  for (const [key, files] of found) {
    const chain = newestChain(files);
    for (const file of files) if (!chain.includes(file)) deleteSegment(file.path);
    if (chain.length > 0) chains.set(key, chain);
  }
  return chains;
}

function newestChain(files: readonly SegmentFile[]): SegmentFile[] {
  const newest = (from: number) => files.filter((file) => file.from === from).sort((a, b) => b.to - a.to)[0];
  const large = newest(0);
  const small = large === undefined ? undefined : newest(large.to);
  return [large, small].filter((file) => file !== undefined);
}

export function levelKey(spaceId: number, level: LevelNumber): string {
  return `${spaceId}-${level}`;
}

export function parseLevelKey(key: string): { spaceId: number; level: LevelNumber } {
  const [spaceId, level] = key.split('-').map(Number);
  return { spaceId: spaceId as number, level: level as LevelNumber };
}
