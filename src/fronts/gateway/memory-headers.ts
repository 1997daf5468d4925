import type { Prepared } from './conversation-memory.ts';
import type { Plan, Strip } from './prompt-plan.ts';
import { encodedSession } from './session-identity.ts';

const RECALLED_TOLD_MAX = 32;
const OPAQUE_TOLD_MAX = 16;

/** What memory did for a request, in headers of its answer. */
export function memoryHeaders(
  { place, recalled, pressure }: Prepared,
  plan: Plan | null,
  opaque: readonly string[],
): Record<string, string> {
  const shown = (plan?.prompt.memory ?? null) === null ? [] : recalled.slice(0, RECALLED_TOLD_MAX);
  return {
    'x-memory': plan === null ? 'degraded' : 'on',
    ...(place.sessionId !== null && { 'x-session-id': encodedSession(place.sessionId) }),
    ...(plan !== null && {
      'x-memory-history': plan.isReplaced ? 'window' : 'client',
      'x-memory-tokens': String(plan.tokens),
      'x-memory-recalled': shown.join(','),
    }),
    ...(opaque.length > 0 && { 'x-memory-opaque': opaque.slice(0, OPAQUE_TOLD_MAX).join(',') }),
    ...(pressure !== null && { 'x-memory-pressure': pressure.toFixed(3) }),
  };
}

/** What was found odd about the answers. */
export interface GuardReport {
  readonly echoRun: number;
  readonly boredomRun: number;
  /** What was left out in turn. */
  readonly strips: readonly Strip[];
}

/** Empty: nothing was. */
export function guardHeader({ echoRun, boredomRun, strips }: GuardReport): string {
  return [
    ...(echoRun > 0 ? [`echo;run=${echoRun}`] : []),
    ...(boredomRun > 0 ? [`boredom;run=${boredomRun}`] : []),
    ...(strips.length > 0 ? [`strips;tried=${strips.join('+')}`] : []),
  ].join(', ');
}
