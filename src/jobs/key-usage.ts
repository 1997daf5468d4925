// How much each key is used, kept beside the data: an operator sees who needs a key after a restart, too.

import { readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeyRing } from '../api/key-ring.ts';
import type { Log } from '../base/log.ts';
import { makeFolder } from '../base/make-folder.ts';
import type { JobSpec } from './job.ts';

/** Of a key, with whatever secret. */
export interface KeptUse {
  readonly requests: number;
  /** Milliseconds since the epoch; null: never. */
  readonly lastUsedAtMs: number | null;
}

const FILE = 'contexts.key-usage';
const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;
const EVERY_MS = 5_000;

/** By the key's id. What is no such file, or is damaged, is none: then counts begin anew. */
export function readKeyUsage(dataDir: string): ReadonlyMap<string, KeptUse> {
  try {
    const { keys } = JSON.parse(readFileSync(join(dataDir, FILE), 'utf8')) as { keys: Record<string, unknown> };
    return new Map(Object.entries(keys).flatMap(([id, value]) => (isUse(value) ? [[id, fromFile(value)]] : [])));
  } catch {
    return new Map();
  }
}

/** Takes up what was counted before, and gives the job that writes down what changed. Each turn of it is one file, whole or not at all. */
export function keepKeyUsage(ring: KeyRing, dataDir: string, log: Log): JobSpec<void> {
  for (const [id, { requests, lastUsedAtMs }] of readKeyUsage(dataDir)) ring.recall(id, requests, lastUsedAtMs);
  let written = textOf(ring);
  let hasFailed = false;
  const run = async (): Promise<void> => {
    const text = textOf(ring);
    if (text === written) return;
    try {
      await replace(dataDir, text);
      written = text;
      hasFailed = false;
    } catch (error) {
      // Nothing that is served depends on it: a folder that cannot be written is told of by others.
      if (!hasFailed) log.info({ error }, 'how much keys are used could not be written down');
      hasFailed = true;
    }
  };
  return { name: 'key_usage', schedule: { everyMs: EVERY_MS }, run };
}

function textOf({ uses }: KeyRing): string {
  const keys = [...uses]
    .filter(([, { lastUsedAtMs }]) => lastUsedAtMs !== null)
    .map(([id, { requests, lastUsedAtMs }]) => [id, { requests, last_used_at: lastUsedAtMs }] as const);
  return `${JSON.stringify({ version: 1, keys: Object.fromEntries(keys) })}\n`;
}

async function replace(dataDir: string, text: string): Promise<void> {
  makeFolder(dataDir, PRIVATE_FOLDER);
  const path = join(dataDir, FILE);
  const draft = `${path}.part`;
  const file = await open(draft, 'w', PRIVATE_FILE);
  try {
    await file.writeFile(text);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
}

interface WrittenUse {
  readonly requests: number;
  readonly last_used_at: number;
}

function isUse(value: unknown): value is WrittenUse {
  if (typeof value !== 'object' || value === null) return false;
  const { requests, last_used_at: lastUsedAt } = value as Partial<WrittenUse>;
  return Number.isSafeInteger(requests) && Number(requests) >= 0 && Number.isSafeInteger(lastUsedAt);
}

function fromFile({ requests, last_used_at: lastUsedAtMs }: WrittenUse): KeptUse {
  return { requests, lastUsedAtMs };
}
