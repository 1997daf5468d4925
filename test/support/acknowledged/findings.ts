import type { Client } from '../../../clients/typescript/src/index.ts';

/** `torn`: neither what it was before nor what it is after. */
export type Fault = 'lost' | 'doubled' | 'resurrected' | 'torn';

export type EffectKind = 'store' | 'update' | 'delete' | 'append' | 'reset' | 'fact_put' | 'fact_delete';

/** What was acknowledged, by kind, and what is wrong with what a server says of it. */
export class Findings {
  readonly acknowledged: Record<EffectKind, number> = {
    store: 0,
    update: 0,
    delete: 0,
    append: 0,
    reset: 0,
    fact_put: 0,
    fact_delete: 0,
  };
  readonly faults: { readonly fault: Fault; readonly what: string }[] = [];

  /** Effects that were acknowledged. */
  get total(): number {
    return Object.values(this.acknowledged).reduce((sum, count) => sum + count, 0);
  }

  count(kind: EffectKind, by = 1): void {
    this.acknowledged[kind] += by;
  }

  add(fault: Fault, what: string): void {
    this.faults.push({ fault, what });
  }

  countOf(fault: Fault): number {
    return this.faults.filter((found) => found.fault === fault).length;
  }
}

/** What calls without end and keeps book of what was acknowledged. */
export interface Acknowledger {
  /** Until its server is gone: then it rejects, and what was under way is `unanswered`. */
  work(client: Client, findings: Findings): Promise<void>;
  /** Compares the book with what the server says; what was unanswered may have happened, whole, or not. */
  check(client: Client, findings: Findings): Promise<void>;
}
