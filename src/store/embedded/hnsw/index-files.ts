// Saved HNSW segments: the graph (`.usearch`), the entries of its vectors in their order (`.entries`), the full
// vectors where the graph has shortened ones (`.vectors`), and what it covers and how to tell whether it is
// whole (`.json`). All of it is derived; what does not fit is deleted and built again.

import { closeSync, openSync, readdirSync, readFileSync, readSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Quantization } from '../border/messages.ts';
import type { LevelNumber } from '../border/rows.ts';
import type { Steps } from '../border/steps.ts';
import { type GraphShape, isMeasured, type Measured } from './index-tuning.ts';

/** Raised with every change of what the files hold. */
const FORMAT = 3;
const READ_BYTES = 2 * 1024 * 1024;
const ENTRY_BYTES = 8;
const NUMBER_BYTES = 4;
const NAME = /^\d+-[123]-\d+-\d+$/;

/** What a segment was built for: with other settings it is another index. */
export interface IndexParameters extends GraphShape {
  readonly embeddingId: string;
  readonly dimension: number;
  readonly quantization: Quantization;
}

export interface SegmentDescription {
  readonly format: number;
  readonly spaceId: number;
  readonly level: LevelNumber;
  /** Holds the vectors whose entries lie in (from, to]. */
  readonly from: number;
  readonly to: number;
  /** Vectors. */
  readonly count: number;
  /** Of these, those that are not the first of their context; absent: none. */
  readonly passageCount?: number;
  readonly bytes: number;
  /** Over the files but this one. */
  readonly crc32: number;
  /** The same over the graph and its entries alone; absent: it is from before there was one. */
  readonly graphCrc32?: number;
  readonly parameters: IndexParameters;
  /** null: nothing, as of one without vectors. */
  readonly measured: Measured | null;
}

export interface SegmentFile extends SegmentDescription {
  /** Without the extension. */
  readonly path: string;
}

export type DataExtension = 'usearch' | 'entries' | 'vectors';

/** Files of a segment beside its description. */
export function dataExtensions(quantization: Quantization): readonly DataExtension[] {
  return quantization === 'f32' ? ['usearch', 'entries'] : ['usearch', 'entries', 'vectors'];
}

export function segmentName(spaceId: number, level: LevelNumber, from: number, to: number): string {
  return `${spaceId}-${level}-${from}-${to}`;
}

export function describeSegment(fields: Omit<SegmentDescription, 'format'>): SegmentDescription {
  return { format: FORMAT, ...fields };
}

/** Every whole segment that fits; deletes all else in the folder, but the files of which `isKept` says yes. */
export function listSegments(
  folder: string,
  fits: (segment: SegmentDescription) => boolean,
  isKept: (file: string) => boolean = () => false,
): SegmentFile[] {
  const segments: SegmentFile[] = [];
  const names = new Set(readdirSync(folder).map((file) => file.replace(/\.[^.]*(\.tmp)?$/, '')));
  for (const name of names) {
    const path = join(folder, name);
    const description = NAME.test(name) ? readDescription(path) : null;
    if (description !== null && fits(description)) segments.push({ ...description, path });
  }
  const filesOf = ({ path, parameters }: SegmentFile) =>
    ['json', ...dataExtensions(parameters.quantization)].map((extension) => `${path}.${extension}`);
  const kept = new Set(segments.flatMap(filesOf));
  for (const file of readdirSync(folder))
    if (!kept.has(join(folder, file)) && !isKept(file)) removeQuietly(join(folder, file));
  return segments;
}

/** What its files hold together, but for the description. */
export function segmentBytes(segment: SegmentDescription): number {
  const sizes = dataSizes(segment);
  return dataExtensions(segment.parameters.quantization).reduce((sum, extension) => sum + sizes[extension], 0);
}

function dataSizes({ bytes, count, parameters }: SegmentDescription): Readonly<Record<DataExtension, number>> {
  return { usearch: bytes, entries: count * ENTRY_BYTES, vectors: count * parameters.dimension * NUMBER_BYTES };
}

function readDescription(path: string): SegmentDescription | null {
  try {
    const description = JSON.parse(readFileSync(`${path}.json`, 'utf8')) as SegmentDescription;
    if (description.format !== FORMAT || !isTuned(description)) return null;
    const sizes = dataSizes(description);
    const isWhole = dataExtensions(description.parameters.quantization).every(
      (extension) => statSync(`${path}.${extension}`).size === sizes[extension],
    );
    return isWhole ? description : null;
  } catch {
    return null;
  }
}

function isTuned({ parameters: { m, efConstruction }, measured }: SegmentDescription): boolean {
  return Number.isInteger(m) && m > 1 && Number.isInteger(efConstruction) && isMeasured(measured);
}

export function deleteSegment(path: string): void {
  // The description first: without it the other files count for nothing.
  for (const extension of ['json', 'usearch', 'entries', 'vectors']) removeQuietly(`${path}.${extension}`);
}

/** What builds of a namespace that were stopped have left. None is running. */
export function deleteUnfinished(folder: string, spaceId: number): void {
  for (const file of readdirSync(folder))
    if (file.startsWith(`${spaceId}-`) && file.includes('.tmp')) removeQuietly(join(folder, file));
}

/** A file that is still mapped cannot be deleted everywhere; the next start tries again. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true, recursive: true });
  } catch {
    return;
  }
}

/** Of the graph and what it is made of: the first of a segment's files. */
export const GRAPH: readonly DataExtension[] = ['usearch', 'entries'];

/** CRC-32 over these files of a segment, in their order, behind that of what came before; some megabytes a step. */
export function* checksumSteps(path: string, extensions: readonly DataExtension[], before = 0): Steps<number> {
  const buffer = Buffer.alloc(READ_BYTES);
  let checksum = before;
  for (const extension of extensions) {
    const file = openSync(`${path}.${extension}`, 'r');
    try {
      for (let length = readSync(file, buffer); length > 0; length = readSync(file, buffer)) {
        checksum = crc32(buffer.subarray(0, length), checksum);
        yield;
      }
    } finally {
      closeSync(file);
    }
  }
  return checksum;
}

/** The same in one go. */
export function filesChecksum(path: string, extensions: readonly DataExtension[], before = 0): number {
  const steps = checksumSteps(path, extensions, before);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** CRC-32 over all that a segment holds. */
export function segmentChecksum(path: string, quantization: Quantization): number {
  return filesChecksum(path, dataExtensions(quantization));
}
