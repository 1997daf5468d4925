import { connectBare } from '../floors/bare-client.ts';
import type { EchoServer } from '../floors/echo-server.ts';
import { startChild } from '../support/child-calls.ts';
import { connectTo } from '../support/client.ts';
import { interleave } from '../support/load.ts';
import { detailsOf, measureLoad, type Measured } from '../support/measured.ts';
import { row, type Row } from '../support/report.ts';
import { sized, type Bench, type Scenario } from '../support/scenario.ts';
import { startServerProcess } from '../support/server-process.ts';
import { pairedRatio } from '../support/statistics.ts';

/** Ways to ask: the floor on both sides, the product on both, and the floor's client with the product's server. */
interface Subject {
  readonly pid: number;
  ping(): Promise<unknown>;
}

export const ping: Scenario = {
  name: 'ping',
  about: 'ping with 64 and with 1 in flight, against a bare echo of the same bytes',
  fullDuration: '1 min',
  async run(bench) {
    const subjects = await start(bench);
    const [rounds, durationMs] = bench.quick ? [3, 300] : [7, 2_000];
    for (const subject of subjects)
      await measureLoad(subject.pid, { inFlight: 64, durationMs, call: () => subject.ping() });
    const many = await measure(subjects, rounds, durationMs, 64);
    const one = await measure(subjects, rounds, durationMs, 1);
    return [...throughputRows(bench, many), ...latencyRows(bench, one)];
  },
};

async function start(bench: Bench): Promise<Subject[]> {
  const server = await startServerProcess();
  bench.defer(() => server.stop());
  const echo = startChild<EchoServer>(new URL('../floors/echo-server.ts', import.meta.url));
  bench.defer(() => echo.stop());
  const echoPort = await echo.call('listen', { secret: server.secret });
  const identity = { host: server.host, keyId: 'default', secret: server.secret };
  const bare = await connectBare({ ...identity, port: echoPort });
  bench.defer(() => bare.close());
  const bareToServer = await connectBare({ ...identity, port: server.port });
  bench.defer(() => bareToServer.close());
  const client = await connectTo(server);
  bench.defer(() => client.close());
  return [
    { pid: echo.pid, ping: () => bare.ping() },
    { pid: server.pid, ping: () => client.ping() },
    { pid: server.pid, ping: () => bareToServer.ping() },
  ];
}

async function measure(
  subjects: readonly Subject[],
  rounds: number,
  durationMs: number,
  inFlight: number,
): Promise<Measured[][]> {
  return interleave(
    rounds,
    subjects.map((subject) => () => measureLoad(subject.pid, { inFlight, durationMs, call: () => subject.ping() })),
  );
}

function throughputRows(bench: Bench, [floor = [], ours = [], bareClient = []]: Measured[][]): Row[] {
  const perSec = (round: Measured): number => round.perSec;
  return [
    { name: 'ping.64_in_flight', rounds: ours, target: 0.8 },
    { name: 'ping.64_in_flight.bare_client', rounds: bareClient },
  ].map(({ name, rounds, target }) =>
    row({
      name: sized(bench, name, 'short'),
      value: detailsOf(rounds).throughputPerSec,
      unit: 'requests/s',
      better: 'higher',
      floor: detailsOf(floor).throughputPerSec,
      ratio: pairedRatio(rounds.map(perSec), floor.map(perSec)),
      ...(target === undefined ? {} : { target }),
      details: detailsOf(rounds),
    }),
  );
}

function latencyRows(bench: Bench, [floor = [], ours = [], bareClient = []]: Measured[][]): Row[] {
  const p50 = (round: Measured): number => round.p50;
  return [
    { name: 'ping.1_in_flight.p50', rounds: ours, target: 1.4 },
    { name: 'ping.1_in_flight.p50.bare_client', rounds: bareClient },
  ].map(({ name, rounds, target }) =>
    row({
      name: sized(bench, name, 'short'),
      value: detailsOf(rounds).p50Ms,
      unit: 'ms',
      better: 'lower',
      floor: detailsOf(floor).p50Ms,
      ratio: pairedRatio(rounds.map(p50), floor.map(p50)),
      ...(target === undefined ? {} : { target }),
      details: detailsOf(rounds),
    }),
  );
}
