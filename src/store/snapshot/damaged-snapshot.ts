import { StartupError } from '../../base/errors.ts';

/** What is there is not what was written: nothing of it may be used. */
export class DamagedSnapshot extends StartupError {
  constructor(path: string, what: string, cause?: unknown) {
    super(
      `the snapshot ${path} cannot be used: ${what}`,
      'Nothing was changed. Take another one: `context-manager snapshot list` shows what there is.',
      cause,
    );
    this.name = 'DamagedSnapshot';
  }
}
