import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Audit, AuditEntry } from '../../api/audit.ts';
import { escapeControls } from '../../base/control-characters.ts';
import type { Clock } from '../../base/clock.ts';
import { LineRate } from '../../base/line-rate.ts';
import type { Log } from '../../base/log.ts';
import type { Metrics } from '../../base/metrics.ts';
import { appendLines, type LineFile } from './line-file.ts';

export interface AuditFileOptions {
  readonly folder: string;
  readonly requests: 'admin' | 'write' | 'read' | 'all';
  readonly keepDays: number;
  /** What comes after that is counted and lost: nobody fills the disk by what he does. */
  readonly dayBytesMax: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

const WANTED = {
  admin: ['admin'],
  write: ['admin', 'write'],
  read: ['admin', 'write', 'read'],
  all: ['admin', 'write', 'read', 'any'],
} as const;
const NAME = /^audit-(\d{4}-\d\d-\d\d)\.jsonl$/;
const DAY_MS = 86_400_000;

/** One JSON object a line, appended to a file for each day (UTC); files are deleted when they are too old. */
export class AuditFile implements Audit {
  readonly #options: AuditFileOptions;
  readonly #wanted: ReadonlySet<string>;
  readonly #rate: LineRate;
  readonly #lines: LineFile;
  #day: string;
  #bytes: number;

  /** Throws `StartupError` where the folder cannot be written. */
  constructor(options: AuditFileOptions) {
    const { clock, requests } = options;
    this.#options = options;
    this.#wanted = new Set(WANTED[requests]);
    this.#rate = new LineRate(clock);
    this.#day = dayOf(clock.nowMs());
    this.#lines = appendLines(this.#path, 'audit.folder', (error) => this.#lose(error));
    this.#bytes = sizeOf(this.#path);
    this.#deleteOld();
  }

  wants(scope: string): boolean {
    return this.#wanted.has(scope);
  }

  note({ key, type, namespaces, outcome, from }: AuditEntry): void {
    const nowMs = this.#options.clock.nowMs();
    const day = dayOf(nowMs);
    if (day !== this.#day) this.#begin(day);
    const named = namespaces === undefined || namespaces.length === 0 ? {} : { namespaces };
    const entry = { time: new Date(nowMs).toISOString(), key, type, ...named, outcome, ...from };
    const line = `${escapeControls(JSON.stringify(entry))}\n`;
    const bytes = Buffer.byteLength(line);
    if (this.#bytes + bytes > this.#options.dayBytesMax) return this.#lose(null);
    this.#bytes += bytes;
    this.#options.metrics.count('audit_entries_total');
    this.#lines.write(line);
  }

  close(): void {
    this.#lines.flush();
    this.#lines.end();
  }

  get #path(): string {
    return join(this.#options.folder, `audit-${this.#day}.jsonl`);
  }

  #begin(day: string): void {
    this.#day = day;
    this.#lines.reopen(this.#path);
    this.#bytes = sizeOf(this.#path);
    this.#deleteOld();
  }

  #deleteOld(): void {
    const { folder, keepDays, clock, log } = this.#options;
    const oldest = dayOf(clock.nowMs() - keepDays * DAY_MS);
    try {
      for (const name of readdirSync(folder)) {
        const day = NAME.exec(name)?.[1];
        if (day !== undefined && day < oldest) rmSync(join(folder, name));
      }
    } catch (error) {
      log.warn({ error }, 'old files of the audit log could not be deleted');
    }
  }

  #lose(error: Error | null): void {
    const { log, metrics } = this.#options;
    metrics.count('audit_lost_total');
    const passed = this.#rate.pass('lost');
    if (passed !== null) log.error({ ...passed, ...(error && { error }) }, 'the audit log does not take an entry');
  }
}

function dayOf(nowMs: number): string {
  return new Date(nowMs).toISOString().slice(0, 10);
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
