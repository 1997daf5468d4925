import { parseArgs } from 'node:util';
import { installPeers } from './peers/install.ts';
import { measurePeers, PEER_NAMES, type PeerFigures } from './peers/measure.ts';
import { peersTable } from './peers/table.ts';
import type { PeerName } from './peers/peer-process.ts';

const USAGE = `Usage: npm run bench:peers -- [options]

Stores the same texts and vectors in this server and in others, asks them the same questions by turns, and prints what each
took: all on this machine, each driven from JavaScript, each as its own pages advise.

  --sizes 20000,100000      contexts
  --namespaces 1,100        over so many namespaces
  --peers a,b               of ${PEER_NAMES.join(', ')}; default: all
  --dimension 384           numbers per vector
  --rounds 5                rounds of each kind of question, by turns
  --seconds 3               each
  --quick                   2,000 contexts, short rounds
  --json                    [{contexts, namespaces, peer, ...}] instead of tables

Qdrant is the program that QDRANT_BIN names, or the server at QDRANT_URL (QDRANT_API_KEY); Chroma's server is that of its
package, or the program that CHROMA_BIN names. What is not here is left out, and said.
`;

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '20000,100000' },
    namespaces: { type: 'string', default: '1,100' },
    peers: { type: 'string', default: PEER_NAMES.join(',') },
    dimension: { type: 'string', default: '384' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const note = (message: string): void => void process.stderr.write(`${message}\n`);

async function main(): Promise<void> {
  const names = values.peers.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !(PEER_NAMES as readonly string[]).includes(name));
  if (unknown.length > 0) throw new Error(`no such peer: ${unknown.join(', ')}; there are ${PEER_NAMES.join(', ')}`);
  installPeers(note);
  const figures: PeerFigures[] = [];
  for (const contexts of values.quick ? [2_000] : numbers('sizes')) {
    for (const namespaces of numbers('namespaces')) {
      const measured = await measurePeers({
        peers: names as PeerName[],
        contexts,
        namespaces,
        dimension: Number(values.dimension),
        rounds: values.quick ? 2 : Number(values.rounds),
        roundMs: values.quick ? 500 : Number(values.seconds) * 1_000,
        note,
      });
      figures.push(...measured);
      if (!values.json) process.stdout.write(`${peersTable(contexts, namespaces, measured)}\n\n`);
    }
  }
  if (values.json) process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
}

function numbers(name: 'sizes' | 'namespaces'): number[] {
  const listed = values[name].split(',').map(Number);
  if (listed.some((number) => !Number.isInteger(number) || number < 1))
    throw new Error(`--${name} takes whole numbers, with commas between`);
  return listed;
}

if (values.help) process.stdout.write(USAGE);
else await main();
