// What a search asks of the contexts around those that it finds.

export interface NeighboursAsked {
  /**
   * How many contexts before and after each candidate, in its session, come along as further candidates. They may
   * lie in other levels, also in those not asked for, but the scope and its filter hold for them too.
   */
  readonly neighbours: number;
  /** So many of each side of each level bring theirs, the best (`hostsAmong`). Absent: all. */
  readonly neighbourHosts?: number;
  /**
   * Whether candidates that only the dense side found bring neighbours, too; absent: yes, and so without words. Vectors that
   * compare spellings find little that is worth its surroundings: a neighbour's cosine is then true to the second decimal.
   */
  readonly denseNeighbours?: boolean;
  /**
   * Whether `previousId` and `nextId` must also name contexts that are no candidates: where the candidates of several searches
   * are joined, these may be among the others'. Absent: a driver may leave them out.
   */
  readonly namesNeighbours?: boolean;
}
