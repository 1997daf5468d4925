import type { Snapshots } from '../../src/api/handlers/handler.ts';
import type { Snapshot } from '../../src/store/snapshot/snapshot.ts';

/** What a handler tells of a snapshot. */
export function snapshotOf(
  id: string,
  fields: Partial<Omit<Snapshot, 'manifest'>> & { label?: string } = {},
): Snapshot {
  const { label, ...rest } = fields;
  return {
    path: `/snapshots/${id}`,
    manifest: {
      format: 1,
      id,
      ...(label === undefined ? {} : { label }),
      created_at: '2023-11-14T22:13:20.000Z',
      server: 'context-manager/0.0.0',
      store: 'embedded',
      schema: 5,
      embedder: 'model',
      dimension: 4,
      distance: 'Cosine',
      contexts: 3,
      counts: { immediate: 1, short_term: 0, long_term: 2 },
      namespaces: 1,
      last_commit: 9,
      files: [],
    },
    createdAtMs: 1_700_000_000_000,
    bytes: 512,
    sha256: 'ab'.repeat(32),
    ...rest,
  };
}

/** Snapshots in memory, behind what handlers call. */
export class SnapshotsDouble implements Snapshots {
  readonly made: Snapshot[] = [];

  create(label?: string): Promise<Snapshot> {
    const snapshot = snapshotOf(`20231114T221320Z-00000${this.made.length}`, label === undefined ? {} : { label });
    this.made.push(snapshot);
    return Promise.resolve(snapshot);
  }

  list(): readonly Snapshot[] {
    return this.made;
  }

  idle(): Promise<void> {
    return Promise.resolve();
  }

  holding(): readonly Snapshot[] {
    return [...this.made];
  }

  remove({ manifest: { id } }: Snapshot): void {
    this.made.splice(
      this.made.findIndex(({ manifest }) => manifest.id === id),
      1,
    );
  }

  rewrite(snapshot: Snapshot): Promise<Snapshot> {
    this.remove(snapshot);
    return this.create(snapshot.manifest.label);
  }
}
