import { randomBytes } from 'node:crypto';
import { connectTo, loadTexts, type Client } from '../support/client.ts';
import { createCorpus } from '../support/corpus.ts';
import { interleave } from '../support/load.ts';
import { detailsOf, measureLoad, type Measured } from '../support/measured.ts';
import { row, type Row } from '../support/report.ts';
import { sized, type Scenario } from '../support/scenario.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';
import { median, pairedRatio } from '../support/statistics.ts';

const SEED = 13;
const TOP = 10;
const STORES_IN_FLIGHT = 64;

/** A server, and the connection that measures it. */
interface Subject {
  readonly settings: Readonly<Record<string, string>>;
  server: ServerProcess;
  client: Client;
}

export const encryption: Scenario = {
  name: 'encryption',
  about: 'stores, queries and a start with everything sealed on the disk, against the same without a key',
  fullDuration: '2 min',
  async run(bench) {
    const [count, rounds, durationMs] = bench.quick ? [1_000, 2, 500] : [10_000, 6, 4_000];
    const corpus = createCorpus(SEED);
    const open = async (settings: Readonly<Record<string, string>>): Promise<Subject> => {
      const server = await startServerProcess({ settings });
      const subject: Subject = { settings, server, client: await connectTo(server) };
      bench.defer(() => subject.server.stop());
      bench.defer(() => subject.client.close());
      await loadTexts(subject.client, { count, text: (position) => corpus.text(position) });
      return subject;
    };
    const plain = await open({});
    const sealed = await open({ VECTOR_DB__ENCRYPTION_KEY: randomBytes(32).toString('hex') });
    const subjects = [plain, sealed] as const;
    let position = count;
    const stores = ({ server, client }: Subject): Promise<Measured> =>
      measureLoad(server.pid, {
        inFlight: STORES_IN_FLIGHT,
        durationMs,
        call: () => client.store({ text: corpus.text(position++) }),
      });
    const queries = ({ server, client }: Subject): Promise<Measured> =>
      measureLoad(server.pid, {
        inFlight: 1,
        durationMs,
        call: () => client.query({ query: corpus.query(position++, count), limit: TOP }),
      });
    for (const subject of subjects) await queries(subject);
    const size = `${count} contexts`;
    const compared = async (name: string, run: typeof stores, isRate: boolean): Promise<Row> => {
      const [floors = [], ours = []] = await interleave(
        rounds,
        subjects.map((subject) => () => run(subject)),
      );
      const of = (round: Measured): number => (isRate ? round.perSec : round.p50);
      return row({
        name: sized(bench, name, size),
        value: median(ours.map(of)),
        unit: isRate ? 'contexts/s' : 'ms',
        better: isRate ? 'higher' : 'lower',
        floor: median(floors.map(of)),
        ratio: pairedRatio(ours.map(of), floors.map(of)),
        details: detailsOf(ours),
      });
    };
    const rows = [
      await compared('encryption.query_p50', queries, false),
      await compared('encryption.store', stores, true),
    ];
    const [floors = [], ours = []] = await interleave(
      rounds,
      subjects.map((subject) => () => restarted(subject, corpus.query(1, count))),
    );
    const start = { name: sized(bench, 'encryption.start', size), unit: 'ms', better: 'lower' } as const;
    rows.push(row({ ...start, value: median(ours), floor: median(floors), ratio: pairedRatio(ours, floors) }));
    return rows;
  },
};

/** Milliseconds from the start of the process to the first answer, for which all is read that is searched. */
async function restarted(subject: Subject, question: string): Promise<number> {
  const { dataDir } = subject.server;
  await subject.client.close();
  await subject.server.stop({ keepData: true });
  const startedMs = performance.now();
  subject.server = await startServerProcess({ settings: subject.settings, dataDir });
  subject.client = await connectTo(subject.server);
  await subject.client.query({ query: question, limit: TOP });
  return performance.now() - startedMs;
}
