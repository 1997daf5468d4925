// Whether saved segments are what was written, looked at before they are searched, in steps: they may be large. A damaged graph
// would lead a search out of its memory, so no byte of it is used unchecked. Full vectors only order what the graph has
// found: where they are many they are checked behind, in slices, and who asks meanwhile does not wait for them.

import type { Clock } from '../../../base/clock.ts';
import type { Quantization } from '../border/messages.ts';
import type { Steps } from '../border/steps.ts';
import {
  checksumSteps,
  dataExtensions,
  type DataExtension,
  GRAPH,
  type SegmentFile,
  segmentBytes,
} from './index-files.ts';

/** A smaller segment is checked whole before it is used. */
const CHECKED_WHOLE_BYTES = 128 * 1024 * 1024;
/** Between two slices of what is checked behind. */
const REST_MS = 10;

export interface CheckedSegment {
  readonly path: string;
  readonly file: SegmentFile;
  isVerified: boolean;
}

export class SegmentChecks {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #quantization: Quantization;
  readonly #running = new Set<Steps<boolean>>();

  constructor(clock: Pick<Clock, 'after'>, quantization: Quantization) {
    this.#clock = clock;
    this.#quantization = quantization;
  }

  /** False: it is not what was written. In one go. */
  isWhole(segment: CheckedSegment): boolean {
    if (segment.isVerified) return true;
    const check = this.#whole(segment.file);
    for (;;) {
      const { done, value } = check.next();
      if (done === true) return (segment.isVerified = value);
    }
  }

  /** Until the segment may be searched. `onDamage`: it may not, as was found out then or later. */
  *check(segment: CheckedSegment, isOver: () => boolean, onDamage: () => void): Steps<void> {
    if (segment.isVerified) return;
    const { file } = segment;
    const isLater = this.#quantization !== 'f32' && segmentBytes(file) > CHECKED_WHOLE_BYTES;
    const wanted = isLater ? file.graphCrc32 : undefined;
    const check = wanted === undefined ? this.#whole(file) : part(file, GRAPH, 0, wanted);
    try {
      let step = check.next();
      for (; step.done !== true; step = check.next()) if (isOver()) yield;
      segment.isVerified = step.value;
    } catch {
      segment.isVerified = false;
    } finally {
      check.return(false);
    }
    if (!segment.isVerified) return onDamage();
    if (wanted !== undefined) this.#checkLater(part(file, ['vectors'], wanted, file.crc32), onDamage);
  }

  close(): void {
    for (const check of this.#running) check.return(false);
    this.#running.clear();
  }

  #whole(file: SegmentFile): Steps<boolean> {
    return part(file, dataExtensions(this.#quantization), 0, file.crc32);
  }

  #checkLater(check: Steps<boolean>, onDamage: () => void): void {
    this.#running.add(check);
    const goOn = (): void => {
      if (!this.#running.has(check)) return;
      const isWhole = nextOf(check);
      if (isWhole === null) return void this.#clock.after(REST_MS, goOn);
      this.#running.delete(check);
      if (!isWhole) onDamage();
    };
    this.#clock.after(REST_MS, goOn);
  }
}

function* part(
  { path }: SegmentFile,
  extensions: readonly DataExtension[],
  before: number,
  wanted: number,
): Steps<boolean> {
  return (yield* checksumSteps(path, extensions, before)) === wanted;
}

/** null: there is more to do. */
function nextOf(check: Steps<boolean>): boolean | null {
  try {
    const { done, value } = check.next();
    return done === true ? value : null;
  } catch {
    return false;
  }
}
