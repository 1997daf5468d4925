import { setTimeout as sleep } from 'node:timers/promises';
import { startChild } from '../support/child-calls.ts';
import { connectTo, type Client } from '../support/client.ts';
import type { IdleClients } from '../support/idle-clients.ts';
import { detailsOf, measureLoad, type Measured } from '../support/measured.ts';
import { openFilesMax, readUsage } from '../support/process-usage.ts';
import { row } from '../support/report.ts';
import { sized, type Bench, type Scenario } from '../support/scenario.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';

const WANTED = 10_000;
/** Files that a process needs beside the connections. */
const OTHER_FILES = 200;

export const idleConnections: Scenario = {
  name: 'idle',
  about: '10,000 idle authenticated connections: memory of each, heartbeats, ping on another connection',
  fullDuration: '3 min',
  async run(bench) {
    const count = connectionsPossible(bench);
    // As many heartbeats a second in either size.
    const heartbeatMs = bench.quick ? 1_500 : 30_000;
    const server = await startServerProcess({ settings: { PROTOCOL__HEARTBEAT_MS: String(heartbeatMs) } });
    bench.defer(() => server.stop());
    const client = await connectTo(server);
    bench.defer(() => client.close());
    const idle = startChild<IdleClients>(new URL('../support/idle-clients.ts', import.meta.url));
    bench.defer(() => idle.stop());

    await pingRounds(bench, server, client);
    const before = await pingRounds(bench, server, client);
    const rssBefore = readUsage(server.pid).rssMib;
    bench.note(`opening ${count} connections`);
    await idle.call('open', { count, host: server.host, port: server.port, secret: server.secret });
    bench.note('waiting for more than three heartbeats');
    await sleep(heartbeatMs * 3.5);
    const rssAfter = readUsage(server.pid).rssMib;
    const kept = (await client.ping()).active_connections - 1;
    const beside = await pingRounds(bench, server, client);

    const quickSize = `${count} connections`;
    return [
      row({
        name: sized(bench, 'idle.memory_per_connection', quickSize),
        value: ((rssAfter - rssBefore) * 1_024) / count,
        unit: 'KiB',
        better: 'lower',
        target: 20,
        details: { rssMib: rssAfter },
      }),
      row({
        name: sized(bench, 'idle.kept_after_3_heartbeats', quickSize),
        value: kept / count,
        unit: 'share',
        better: 'higher',
        target: 1,
      }),
      row({
        name: sized(bench, 'idle.ping_p99', quickSize),
        value: detailsOf(beside).p99Ms,
        unit: 'ms',
        better: 'lower',
        floor: detailsOf(before).p99Ms,
        target: 3,
        details: detailsOf(beside),
      }),
    ];
  },
};

function connectionsPossible(bench: Bench): number {
  const wanted = bench.quick ? 500 : WANTED;
  const possible = openFilesMax() - OTHER_FILES;
  if (possible < wanted)
    bench.note(`the limit of open files (ulimit -n) allows only ${possible} connections of ${wanted}`);
  return Math.min(wanted, possible);
}

async function pingRounds(bench: Bench, server: ServerProcess, client: Client): Promise<Measured[]> {
  const [rounds, durationMs] = bench.quick ? [3, 250] : [9, 2_000];
  const results: Measured[] = [];
  for (let round = 0; round < rounds; round++) {
    results.push(await measureLoad(server.pid, { inFlight: 1, durationMs, call: () => client.ping() }));
  }
  return results;
}
