import type { SideOptions } from './sides.ts';

/** As the command line gives them. */
export interface MigrateOptions {
  readonly from: SideOptions['driver'];
  readonly fromDataDir?: string;
  readonly fromUrl?: string;
  readonly fromPrefix?: string;
  readonly fromConfig?: string;
  readonly to: SideOptions['driver'];
  readonly toDataDir?: string;
  readonly toUrl?: string;
  readonly toPrefix?: string;
  readonly toConfig?: string;
  /** Absent: every one. */
  readonly namespace?: readonly string[];
  /** Questions. */
  readonly sample: number;
  readonly seed: string;
  /** In seconds. */
  readonly patience: number;
  readonly json?: boolean;
}
