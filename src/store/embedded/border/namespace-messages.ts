export interface WireNamespacesRequest {
  /** null: every namespace that holds contexts. */
  readonly names: readonly string[] | null;
  /** Of those, what a key with these may see; null: all. */
  readonly among: readonly string[] | null;
  /** Goes on behind the namespace of this number. */
  readonly after: number;
  readonly limit: number;
}

export interface WireNamespaces {
  readonly rows: readonly (readonly [namespace: string, immediate: number, shortTerm: number, longTerm: number])[];
  /** null: there are no more. */
  readonly next: number | null;
}
