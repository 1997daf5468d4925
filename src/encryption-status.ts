import { encryptionKeyId } from './base/encryption-key-id.ts';
import { resolveEncryptionKeys } from './config/encryption-keys.ts';
import type { Settings } from './config/settings.ts';
import type { EncryptionState } from './fronts/http/components.ts';

/** null: nothing is being sealed. */
export type ResealingState = EncryptionState['resealing'];

/** Whether what is stored is sealed, as `/health` tells it. */
export class EncryptionStatus {
  readonly #keyId: string | null;
  #resealing: ResealingState = null;

  /** Throws `StartupError` where the key cannot be read or is none. */
  constructor(settings: Settings['vectorDb']) {
    const { key } = resolveEncryptionKeys(settings);
    this.#keyId = key === null ? null : encryptionKeyId(key);
  }

  get state(): EncryptionState {
    return { keyId: this.#keyId, resealing: this.#resealing };
  }

  resealing(progress: ResealingState): void {
    this.#resealing = progress;
  }
}
