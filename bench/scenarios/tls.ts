import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '../../clients/typescript/src/index.ts';
import { makeAuthority, makeCertificate } from '../../test/support/certificates.ts';
import { loadTexts, type Client } from '../support/client.ts';
import { createCorpus } from '../support/corpus.ts';
import { interleave } from '../support/load.ts';
import { detailsOf, measureLoad, type Measured } from '../support/measured.ts';
import { row, type Row } from '../support/report.ts';
import type { Bench, Scenario } from '../support/scenario.ts';
import { startServerProcess } from '../support/server-process.ts';
import { median, pairedRatio } from '../support/statistics.ts';

const SEED = 17;
const CONTEXTS = 1_000;
const TOP = 10;
const PINGS_IN_FLIGHT = 64;
const CONNECTS_IN_FLIGHT = 8;

/** A server, a connection that measures it, and how another one is made. */
interface Subject {
  readonly pid: number;
  readonly client: Client;
  connect(): Promise<Client>;
}

export const tls: Scenario = {
  name: 'tls',
  about: 'pings, queries and connects over TLS, against the same without',
  fullDuration: '2 min',
  async run(bench) {
    const [rounds, durationMs] = bench.quick ? [3, 400] : [7, 2_000];
    const corpus = createCorpus(SEED);
    const subjects = [await open(bench, false), await open(bench, true)];
    for (const { client } of subjects)
      await loadTexts(client, { count: CONTEXTS, text: (position) => corpus.text(position) });
    let position = 0;
    const pings = (inFlight: number) => (subject: Subject) =>
      measureLoad(subject.pid, { inFlight, durationMs, call: () => subject.client.ping() });
    const queries = (subject: Subject): Promise<Measured> =>
      measureLoad(subject.pid, {
        inFlight: 1,
        durationMs,
        call: () => subject.client.query({ query: corpus.query(position++, CONTEXTS), limit: TOP }),
      });
    const connects = (subject: Subject): Promise<Measured> =>
      measureLoad(subject.pid, {
        inFlight: CONNECTS_IN_FLIGHT,
        durationMs,
        call: async () => (await subject.connect()).close(),
      });
    const compared = async (name: string, run: typeof queries, isRate: boolean): Promise<Row> => {
      for (const subject of subjects) await run(subject);
      const [plain = [], sealed = []] = await interleave(
        rounds,
        subjects.map((subject) => () => run(subject)),
      );
      const of = (round: Measured): number => (isRate ? round.perSec : round.p50);
      const [floors, ours] = [plain.map(of), sealed.map(of)];
      return row({
        name,
        value: median(ours),
        unit: isRate ? '/s' : 'ms',
        better: isRate ? 'higher' : 'lower',
        floor: median(floors),
        ratio: pairedRatio(ours, floors),
        details: detailsOf(sealed),
      });
    };
    return [
      await compared(`tls.ping_throughput, ${PINGS_IN_FLIGHT} in flight`, pings(PINGS_IN_FLIGHT), true),
      await compared('tls.ping_p50', pings(1), false),
      await compared('tls.query_p50', queries, false),
      await compared('tls.connects', connects, true),
    ];
  },
};

async function open(bench: Bench, isTls: boolean): Promise<Subject> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-tls-'));
  bench.defer(() => rm(folder, { recursive: true, force: true }));
  const authority = await makeAuthority();
  const { cert, key } = await makeCertificate(authority, { ip: '127.0.0.1' });
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  await writeFile(certFile, cert);
  await writeFile(keyFile, key, { mode: 0o600 });
  const server = await startServerProcess({
    settings: isTls ? { TLS__CERT: certFile, TLS__KEY: keyFile } : {},
  });
  bench.defer(() => server.stop());
  const connectAgain = (): Promise<Client> =>
    connect({
      ...{ host: server.host, port: server.port, keyId: 'default', secret: server.secret, sender: 'bench' },
      ...(isTls && { tls: { ca: authority.cert } }),
    });
  const client = await connectAgain();
  bench.defer(() => client.close());
  return { pid: server.pid, client, connect: connectAgain };
}
