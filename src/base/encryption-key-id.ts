import { createHmac } from 'node:crypto';

export const ENCRYPTION_KEY_ID_BYTES = 4;

/** Tells keys apart without telling anything about them: 8 hexadecimal digits. */
export function encryptionKeyId(key: Uint8Array): string {
  const digest = createHmac('sha256', key).update('context-manager key id').digest('hex');
  return digest.slice(0, ENCRYPTION_KEY_ID_BYTES * 2);
}
