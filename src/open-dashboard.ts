import type { Settings } from './config/settings.ts';
import { Dashboard, type DashboardOptions } from './fronts/http/dashboard/dashboard.ts';

/** Undefined: it is switched off. */
export function openDashboard(
  { dashboard: { enabled, allowedHosts }, server, hirag }: Settings,
  parts: Omit<DashboardOptions, 'allowedHosts' | 'capacities' | 'queryDefaults'>,
): Dashboard | undefined {
  if (!enabled) return undefined;
  const capacities = {
    immediate: { of: 'session', contexts: hirag.l1Size },
    short_term: { of: 'agent', contexts: hirag.l2Size },
    long_term: null,
  } as const;
  // An address that stands for all is none that anybody asks for.
  const named = ['0.0.0.0', '::'].includes(server.httpHost) ? [] : [server.httpHost];
  const queryDefaults = queryDefaultsOf(hirag);
  return new Dashboard({ ...parts, capacities, queryDefaults, allowedHosts: [...named, ...allowedHosts] });
}

function queryDefaultsOf(hirag: Settings['hirag']): DashboardOptions['queryDefaults'] {
  const { similarity, recency, level, frequency } = hirag.weights;
  const sum = similarity + recency + level + frequency;
  const scaled = (weight: number): number => (sum > 0 ? weight / sum : 0);
  return {
    weights: {
      similarity: scaled(similarity),
      recency: scaled(recency),
      level: scaled(level),
      frequency: scaled(frequency),
    },
    ranking: hirag.ranking,
    maxTokens: hirag.maxContextTokens,
    limit: hirag.queryLimit,
    relevanceThreshold: hirag.relevanceThreshold,
    minSimilarity: hirag.minSimilarity,
  };
}
