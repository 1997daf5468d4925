import { join } from 'node:path';
import type { Clock } from '../../../base/clock.ts';
import { CodedError } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import type { WholeCheck } from '../../whole-check.ts';
import type { SealKeys } from '../border/opening-settings.ts';
import { damageRemedy, writeDamageMark } from '../database/damage-mark.ts';
import { DATABASE_FILE } from '../database/data-folder.ts';
import { checkInThread } from './check-in-thread.ts';

export interface EmbeddedCheckParts {
  readonly dataDir: string;
  readonly seal: SealKeys;
  /** When it was opened each row was looked for in each index. */
  readonly wasCompared: boolean;
  /** From now on all calls are to be refused so. */
  readonly condemn: (refusal: () => CodedError) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Somebody has to put another database there. */
const RETRY_AFTER_MS = 30_000;

export class EmbeddedCheck implements WholeCheck {
  readonly #parts: EmbeddedCheckParts;
  #isDue: boolean;
  #isDamaged = false;

  constructor(parts: EmbeddedCheckParts) {
    this.#parts = parts;
    this.#isDue = !parts.wasCompared;
  }

  get isDue(): boolean {
    return this.#isDue;
  }

  async run(signal?: AbortSignal): Promise<void> {
    if (this.#isDamaged) throw refusal();
    const { dataDir, seal, log } = this.#parts;
    const { fault, passing } = await checkInThread({ databasePath: join(dataDir, DATABASE_FILE), seal }, signal);
    this.#isDue = false;
    if (passing.length > 0)
      log.warn(
        { passing },
        'the database looked damaged at a first look, and not at a second: look at disk and memory',
      );
    if (fault === null) return;
    this.#tell(fault);
    throw refusal();
  }

  /** Reads, too, are refused: what is damaged here hides rows, and nothing in an answer would say so. */
  #tell(fault: string): void {
    const { dataDir, condemn, clock, log } = this.#parts;
    this.#isDamaged = true;
    condemn(refusal);
    const remedy = damageRemedy(dataDir);
    log.error(
      { fault, path: join(dataDir, DATABASE_FILE), remedy },
      'the database is damaged: nothing is answered from it',
    );
    try {
      writeDamageMark(dataDir, fault, clock.nowMs());
    } catch (error) {
      log.error({ error }, 'the next start does not know that the database is damaged: no note of it could be written');
    }
  }
}

function refusal(): CodedError {
  const message = 'the store cannot answer: the database is damaged';
  return new CodedError('STORE_UNAVAILABLE', message, { retryAfterMs: RETRY_AFTER_MS });
}
