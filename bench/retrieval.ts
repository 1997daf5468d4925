import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { chartSvg } from './retrieval/chart.ts';
import { loadConversations } from './retrieval/conversations.ts';
import { answerableLines } from './retrieval/answerable.ts';
import { evaluate, evaluateAnswerable, evaluateDefaults, evaluatePairs } from './retrieval/evaluate.ts';
import type { Measures } from './retrieval/measures.ts';
import { loadPairs, pairLines, type PairMeasures } from './retrieval/pairs.ts';
import { reportTable, sideBySide } from './retrieval/table.ts';
import { VARIATIONS } from './retrieval/variations.ts';

const USAGE = `Usage: npm run bench:retrieval -- <folder> [<folder> ...] [options]

Stores every conversation of the folder in a real server, asks its questions over the SDK, and prints how
much of the evidence the answers hold, beside BM25 alone, dense alone and reciprocal-rank fusion.
Several folders are printed side by side.

  --json              print one JSON object instead of the table
  --defaults          nothing beside the defaults
  --variations        also the first folder as others would have stored and asked it, by the defaults alone
  --pairs <file>      only whether facts are found by questions in other words: a fact, a tab and its question on each
                      line, among 2,000 turns of the folder (may be given several times)
  --chart <file>      also write an SVG chart
  --answerable        only whether the memory knows which questions it can answer
  --ablation          also run once without each part of the ranking
  --qdrant            keep the contexts in the Qdrant server at QDRANT_URL (QDRANT_API_KEY)
  --provider <name>   local (default), local-hash or http
  --url <address>     base address of an OpenAI-compatible service (http)
  --model <name>      its model (http)
  --dimension <n>     numbers per vector of that model; default: asked of the service (http)
`;

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      chart: { type: 'string' },
      pairs: { type: 'string', multiple: true },
      ablation: { type: 'boolean', default: false },
      defaults: { type: 'boolean', default: false },
      variations: { type: 'boolean', default: false },
      answerable: { type: 'boolean', default: false },
      qdrant: { type: 'boolean', default: false },
      provider: { type: 'string', default: 'local' },
      url: { type: 'string' },
      model: { type: 'string' },
      dimension: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const [folder] = positionals;
  if (values.help || folder === undefined) {
    process.stdout.write(USAGE);
    if (!values.help) process.exitCode = 2;
    return;
  }
  if (values.pairs !== undefined) return findPairs(folder, values.pairs, values);
  if (positionals.length > 1 || values.defaults || values.variations) return compare(positionals, values);
  const conversations = await loadConversations(folder);
  if (values.answerable) {
    const told = await evaluateAnswerable(conversations, {
      embedding: await embeddingSettings(values),
      overQdrant: values.qdrant,
      progress: (text) => process.stderr.write(`${text}\n`),
    });
    process.stdout.write(values.json ? `${JSON.stringify(told, null, 2)}\n` : answerableLines(told));
    return;
  }
  const report = await evaluate(conversations, {
    embedding: await embeddingSettings(values),
    ablation: values.ablation,
    overQdrant: values.qdrant,
    progress: (text) => process.stderr.write(`${text}\n`),
  });
  process.stdout.write(values.json ? `${JSON.stringify(report, null, 2)}\n` : reportTable(report));
  if (values.chart !== undefined) await writeFile(values.chart, chartSvg(report));
}

interface CompareValues extends ProviderValues {
  readonly json: boolean;
  readonly defaults: boolean;
  readonly variations: boolean;
  readonly qdrant: boolean;
}

/** Every folder by every strategy, and the variations. */
async function compare(folders: readonly string[], values: CompareValues): Promise<void> {
  const options = {
    embedding: await embeddingSettings(values),
    overQdrant: values.qdrant,
    progress: (text: string) => process.stderr.write(`${text}\n`),
  };
  const sets: [string, Record<string, Measures>][] = [];
  for (const folder of folders) {
    const name = basename(folder);
    options.progress(name);
    const conversations = await loadConversations(folder);
    if (values.defaults) sets.push([name, { 'context-manager': await evaluateDefaults(conversations, options) }]);
    else {
      const { overall, baselines } = await evaluate(conversations, { ...options, ablation: false });
      const { bm25, dense, rrf } = baselines;
      sets.push([name, { 'context-manager': overall, 'BM25 alone': bm25, 'dense alone': dense, RRF: rrf }]);
    }
  }
  const [first = ''] = folders;
  for (const [name, vary] of Object.entries(values.variations ? VARIATIONS : {})) {
    options.progress(name);
    const varied = (await loadConversations(first)).map((conversation) => vary(conversation, Date.now()));
    sets.push([`${basename(first)}, ${name}`, { 'context-manager': await evaluateDefaults(varied, options) }]);
  }
  process.stdout.write(values.json ? `${JSON.stringify(Object.fromEntries(sets), null, 2)}\n` : sideBySide(sets));
}

async function findPairs(folder: string, files: readonly string[], values: CompareValues): Promise<void> {
  const options = {
    embedding: await embeddingSettings(values),
    overQdrant: values.qdrant,
    progress: (text: string) => process.stderr.write(`${text}\n`),
  };
  const conversations = await loadConversations(folder);
  const sets: Record<string, Record<string, PairMeasures>> = {};
  for (const file of files) {
    options.progress(file);
    const hidden = await loadPairs(file, conversations);
    sets[hidden.name] = await evaluatePairs(hidden, options, values.defaults);
  }
  process.stdout.write(values.json ? `${JSON.stringify(sets, null, 2)}\n` : pairLines(sets));
}

interface ProviderValues {
  readonly provider: string;
  readonly url?: string | undefined;
  readonly model?: string | undefined;
  readonly dimension?: string | undefined;
}

async function embeddingSettings(values: ProviderValues): Promise<Record<string, string>> {
  if (values.provider === 'local') return {};
  if (values.provider === 'local-hash') return { EMBEDDING__PROVIDER: values.provider };
  if (values.provider !== 'http') throw new Error('--provider is local, local-hash or http');
  if (values.url === undefined || values.model === undefined)
    throw new Error('--provider http needs --url and --model');
  return {
    EMBEDDING__PROVIDER: 'http',
    EMBEDDING__URL: values.url,
    EMBEDDING__MODEL: values.model,
    EMBEDDING__DIMENSION: values.dimension ?? String(await askDimension(values.url, values.model)),
  };
}

async function askDimension(url: string, model: string): Promise<number> {
  const response = await fetch(`${url.replace(/\/+$/, '')}/embeddings`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, input: ['dimension'] }),
  });
  if (!response.ok) throw new Error(`${url} answered with status ${response.status}`);
  const reply = (await response.json()) as { data?: { embedding?: number[] }[] };
  const dimension = reply.data?.[0]?.embedding?.length;
  if (dimension === undefined) throw new Error(`${url} sent no vector`);
  return dimension;
}
