import type { FactPutReply, FactPutRequest } from '../../protocol/messages.generated.ts';
import type { LineFact } from './fact-line.ts';
import { isBlamedOnOne, type Counts } from './uploader.ts';

export interface PlacedFact extends LineFact {
  /** Where it stands in the input, for people. */
  readonly place: string;
}

export interface FactUploadOptions {
  readonly putFacts: (request: FactPutRequest) => Promise<FactPutReply>;
  readonly counts: Pick<Counts, 'stored' | 'alreadyThere' | 'failed'>;
  readonly onRefused: (place: string, code: string, message: string) => void;
}

const BATCH_FACTS = 100;

/** Sends facts in batches, one after the other: of facts that began together the order of recording counts. */
export class FactUploader {
  readonly #options: FactUploadOptions;
  #batch: PlacedFact[] = [];

  constructor(options: FactUploadOptions) {
    this.#options = options;
  }

  async add(fact: PlacedFact): Promise<void> {
    const [first] = this.#batch;
    const isOther = first !== undefined && (first.agentId !== fact.agentId || first.namespace !== fact.namespace);
    if (isOther || this.#batch.length === BATCH_FACTS) await this.finish();
    this.#batch.push(fact);
  }

  async finish(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    await this.#send(batch);
  }

  /** Where the whole is refused it goes again in halves, so that what is wrong with one takes no other with it. */
  async #send(batch: readonly PlacedFact[]): Promise<void> {
    const [first] = batch;
    if (first === undefined) return;
    const { counts, putFacts, onRefused } = this.#options;
    const { agentId, namespace } = first;
    try {
      const facts = batch.map(({ fact }) => fact);
      const reply = await putFacts({ facts, agent_id: agentId, ...(namespace !== undefined && { namespace }) });
      for (const { created } of reply.facts) counts[created ? 'stored' : 'alreadyThere']++;
    } catch (error) {
      if (!isBlamedOnOne(error)) throw error;
      if (batch.length === 1) {
        counts.failed += 1;
        onRefused(first.place, error.code, error.message);
        return;
      }
      const middle = Math.ceil(batch.length / 2);
      await this.#send(batch.slice(0, middle));
      await this.#send(batch.slice(middle));
    }
  }
}
