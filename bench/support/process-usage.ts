import { readFileSync } from 'node:fs';

/** The kernel counts CPU time in 1/100 s on every Linux that Node runs on. */
const TICKS_PER_SEC = 100;

export interface Usage {
  readonly rssMib: number;
  readonly cpuSecs: number;
  readonly atMs: number;
}

/** Resident memory and CPU time of a process so far; NaN where there is no /proc. */
export function readUsage(pid: number): Usage {
  const atMs = performance.now();
  try {
    const rssKib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The fields after the command's name, which may itself hold spaces; utime and stime are fields 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    return { rssMib: Number(rssKib) / 1_024, cpuSecs: ticks / TICKS_PER_SEC, atMs };
  } catch {
    return { rssMib: Number.NaN, cpuSecs: Number.NaN, atMs };
  }
}

/** CPU between two readings in percent of one core. */
export function cpuPercentBetween(before: Usage, after: Usage): number {
  return ((after.cpuSecs - before.cpuSecs) / ((after.atMs - before.atMs) / 1_000)) * 100;
}

/** How many files and sockets this process and its children may open. */
export function openFilesMax(): number {
  try {
    const hard = /^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return hard === undefined ? Number.POSITIVE_INFINITY : Number(hard);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
