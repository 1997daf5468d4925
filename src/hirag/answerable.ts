/** Whether a question can be answered from what is stored. */
export interface Answerable {
  readonly verdict: 'yes' | 'weak' | 'no';
  /** Share of the question's terms, by their idf, that the answer holds, 0..1. */
  readonly coverage: number;
  readonly reason: string;
}
