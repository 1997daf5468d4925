import type { Promotion } from '../../store.ts';
import type { LevelNumber, PackedRows } from './rows.ts';

export interface WireExpiry {
  readonly nowMs: number;
  readonly limit: number;
  /** null: what would be promoted is deleted. */
  readonly promoted: Promotion | null;
}

export interface WireSweep {
  readonly promoted: readonly (readonly [namespace: string, row: PackedRows])[];
  readonly deleted: readonly (readonly [namespace: string, id: string, level: LevelNumber])[];
  readonly more: boolean;
}
