import type { Command } from 'commander';
import { systemClock } from '../base/clock.ts';
import { withClient, withServerOptions, type ClientOptions } from './server/connection.ts';
import { writeJson, type Io } from './terminal/io.ts';
import { countOf, formatDuration } from './terminal/render.ts';

/** `ping` */
export function addPing(program: Command, io: Io): void {
  withServerOptions(
    program.command('ping').description('Ask the server whether it is well, and how long the answer takes.'),
  )
    .addHelpText('after', '\nExample:\n  context-manager ping --host memory.internal --port 7420')
    .action((options: ClientOptions) => ping(options, io));
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
