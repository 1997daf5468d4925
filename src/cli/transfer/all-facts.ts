import type { Client } from '../../../clients/typescript/src/index.ts';
import { EVERY_AGENT } from '../../base/wire-names.ts';
import { WHENEVER } from './times.ts';
import type { Fact } from '../../protocol/messages.generated.ts';

export interface WhichFacts {
  readonly namespace?: string | undefined;
  readonly agent?: string | undefined;
}

const PAGE = 500;
/** Facts that began in the same millisecond, put in order; of more, some may come before one that was recorded earlier. */
const RUN_MAX = 10_000;

/** Every fact, past and future, those that began last first, of the same moment those recorded last. */
export async function* allFacts(client: Client, { namespace, agent = EVERY_AGENT }: WhichFacts): AsyncGenerator<Fact> {
  const request = { namespace, agent_id: agent, ...WHENEVER, limit: PAGE };
  let run: Fact[] = [];
  for await (const fact of client.facts.list(request)) {
    if (run.length === RUN_MAX || (run.length > 0 && run[0]?.valid_from !== fact.valid_from)) {
      yield* lastRecordedFirst(run);
      run = [];
    }
    run.push(fact);
  }
  yield* lastRecordedFirst(run);
}

function lastRecordedFirst(facts: readonly Fact[]): Fact[] {
  return facts.toSorted((a, b) => b.recorded_at - a.recorded_at);
}
