import type { Command } from 'commander';
import { systemClock } from '../base/clock.ts';
import { LEVELS } from '../base/context.ts';
import { withClient, withScopeOptions, withServerOptions, type ClientOptions } from './connection.ts';
import { writeJson, type Io } from './io.ts';
import { countOf, formatDuration, renderRows } from './render.ts';

/** `stats` and `ping` */
export function addStatus(program: Command, io: Io): void {
  withScopeOptions(program.command('stats').description('Show how much is stored, by level, and what the caches hold.'))
    .addHelpText('after', '\nExample:\n  context-manager stats --namespace shop --json')
    .action((options: ClientOptions) => stats(options, io));

  withServerOptions(
    program.command('ping').description('Ask the server whether it is well, and how long the answer takes.'),
  )
    .addHelpText('after', '\nExample:\n  context-manager ping --host memory.internal --port 7420')
    .action((options: ClientOptions) => ping(options, io));
}

async function stats(options: ClientOptions, io: Io): Promise<void> {
  const reply = await withClient(options, io, (client) => client.stats({ namespace: options.namespace }));
  if (options.json) return writeJson(io.stdout, reply);
  const { counts, cache, store, uptime_ms: uptimeMs } = reply;
  const rows = [
    ...LEVELS.map((level) => [level, countOf(counts[level], 'context')]),
    ...Object.entries(cache).map(([name, value]) => [`cache ${name}`, String(value)]),
    ...Object.entries(store).map(([name, value]) => [
      `store ${name}`,
      typeof value === 'object' ? JSON.stringify(value) : String(value),
    ]),
    ['uptime', formatDuration(uptimeMs)],
  ];
  return io.stdout.write(renderRows(rows));
}

async function ping(options: ClientOptions, io: Io): Promise<void> {
  const { reply, roundTripMs } = await withClient(options, io, async (client) => {
    const startedMs = systemClock.monotonicMs();
    const answer = await client.ping();
    return { reply: answer, roundTripMs: systemClock.monotonicMs() - startedMs };
  });
  if (options.json) return writeJson(io.stdout, { ...reply, round_trip_ms: Number(roundTripMs.toFixed(3)) });
  const state = reply.healthy ? 'healthy' : 'not healthy: its store does not answer';
  return io.stdout.write(
    `${state}, up ${formatDuration(reply.uptime_ms)}, ${countOf(reply.active_connections, 'connection')}, answered in ${roundTripMs.toFixed(1)} ms\n`,
  );
}
