const K1 = 1.2;
const B = 0.75;

interface Postings {
  documents: number[] | Uint32Array;
  /** BM25's share of a hit that depends on the document, ready to be weighted with the term's idf. */
  weights: number[] | Float32Array;
}

/** BM25 over plain arrays in memory, a term at a time: about the least that ranks texts by their words. */
export class InvertedIndex {
  private readonly postings = new Map<string, Postings>();
  private readonly lengths: number[] = [];
  private scores = new Float32Array();

  add(terms: readonly string[]): void {
    const document = this.lengths.push(terms.length) - 1;
    const counts = new Map<string, number>();
    for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
    for (const [term, count] of counts) {
      const list = this.postings.get(term) ?? { documents: [], weights: [] };
      (list.documents as number[]).push(document);
      (list.weights as number[]).push(count);
      this.postings.set(term, list);
    }
  }

  /** Call once, after the last `add`. */
  seal(): void {
    const average = this.lengths.reduce((sum, length) => sum + length, 0) / this.lengths.length;
    for (const list of this.postings.values()) {
      const documents = Uint32Array.from(list.documents);
      list.weights = Float32Array.from(list.weights, (count, position) => {
        const length = this.lengths[documents[position] ?? 0] ?? 0;
        return (count * (K1 + 1)) / (count + K1 * (1 - B + (B * length) / average));
      });
      list.documents = documents;
    }
    this.scores = new Float32Array(this.lengths.length);
  }

  /** The best documents, best first. */
  search(terms: readonly string[], top: number): number[] {
    const { scores } = this;
    const touched: number[] = [];
    for (const term of new Set(terms)) {
      const list = this.postings.get(term);
      if (list === undefined) continue;
      const { documents, weights } = list;
      const idf = Math.log(1 + (this.lengths.length - documents.length + 0.5) / (documents.length + 0.5));
      for (let i = 0; i < documents.length; i++) {
        const document = documents[i] ?? 0;
        if (scores[document] === 0) touched.push(document);
        scores[document] = (scores[document] ?? 0) + idf * (weights[i] ?? 0);
      }
    }
    const best = takeBest(touched, scores, top);
    for (const document of touched) scores[document] = 0;
    return best;
  }
}

function takeBest(documents: readonly number[], scores: Float32Array, top: number): number[] {
  const best: number[] = [];
  let worst = 0;
  for (const document of documents) {
    const score = scores[document] ?? 0;
    if (best.length === top && score <= worst) continue;
    let at = best.length;
    while (at > 0 && (scores[best[at - 1] ?? 0] ?? 0) < score) at--;
    best.splice(at, 0, document);
    if (best.length > top) best.pop();
    worst = scores[best[best.length - 1] ?? 0] ?? 0;
  }
  return best;
}
