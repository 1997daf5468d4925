import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { chartSvg } from './retrieval/chart.ts';
import { loadConversations } from './retrieval/conversations.ts';
import { answerableLines } from './retrieval/answerable.ts';
import { evaluate, evaluateAnswerable } from './retrieval/evaluate.ts';
import { reportTable } from './retrieval/table.ts';

const USAGE = `Usage: npm run bench:retrieval -- <folder> [options]

Stores every conversation of the folder in a real server, asks its questions over the SDK, and prints how
much of the evidence the answers hold, beside BM25 alone, dense alone and reciprocal-rank fusion.

  --json              print one JSON object instead of the table
  --chart <file>      also write an SVG chart
  --answerable        only whether the memory knows which questions it can answer
  --ablation          also run once without each part of the ranking
  --qdrant            keep the contexts in the Qdrant server at QDRANT_URL (QDRANT_API_KEY)
  --provider <name>   local (default) or http
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
      ablation: { type: 'boolean', default: false },
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
  if (values.help || folder === undefined || positionals.length > 1) {
    process.stdout.write(USAGE);
    if (!values.help) process.exitCode = 2;
    return;
  }
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

async function embeddingSettings(values: {
  provider: string;
  url?: string | undefined;
  model?: string | undefined;
  dimension?: string | undefined;
}): Promise<Record<string, string>> {
  if (values.provider === 'local') return {};
  if (values.provider !== 'http') throw new Error('--provider is local or http');
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
