// What the server and the thread that makes vectors anew tell each other.

import type { Settings } from './config/settings.ts';

export interface UpgradeWorkerData {
  readonly settings: Pick<Settings, 'embedding' | 'vectorDb'>;
}

export interface UpgradeProgress {
  /** Contexts that were looked at, of so many. */
  readonly looked: number;
  readonly total: number;
  /** All have their new vectors. */
  readonly isDone: boolean;
}
