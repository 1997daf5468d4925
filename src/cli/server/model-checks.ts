import { systemClock } from '../../base/clock.ts';
import { silentLog } from '../../base/log.ts';
import { noMetrics } from '../../base/metrics.ts';
import { systemRandom } from '../../base/random.ts';
import { Circuits } from '../../base/resilience/circuits.ts';
import type { Settings } from '../../config/settings.ts';
import { formatDuration } from '../terminal/render.ts';

/** Of what a check opens in this process. */
export const PARTS = {
  clock: systemClock,
  random: systemRandom,
  log: silentLog,
  metrics: noMetrics,
  circuits: new Circuits(),
  fetch,
};

export async function tryEmbedder(settings: Settings): Promise<string> {
  const { openEmbedding } = await import('../../drivers.ts');
  const { onlyVectors } = await import('../../embedding/provider.ts');
  const provider = await openEmbedding(settings, PARTS);
  const startedMs = systemClock.monotonicMs();
  try {
    onlyVectors(await provider.embed(['Is this text embedded?'], 'query'));
  } finally {
    await provider.close();
  }
  return `${provider.id}, ${provider.dimension} dimensions, ${formatDuration(systemClock.monotonicMs() - startedMs)} for one text`;
}

export async function trySummaries({ summary }: Settings): Promise<string> {
  const { openSummaryModel } = await import('../../drivers.ts');
  const model = openSummaryModel(summary, PARTS);
  const startedMs = systemClock.monotonicMs();
  const question = { system: 'Answer with one word.', user: 'Are you there?', maxTokens: 8 };
  await model?.complete(question, AbortSignal.timeout(summary.timeoutSecs * 1000));
  return `${model?.id} answers after ${formatDuration(systemClock.monotonicMs() - startedMs)}`;
}
