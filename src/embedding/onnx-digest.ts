import { createHash } from 'node:crypto';
import { createReadStream, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

const TOKENIZER = 'tokenizer.json';
const WEIGHTS_FOLDER = 'onnx';
/** `model.onnx`, and what it keeps beside itself where it is large: `model.onnx_data`. */
const WEIGHTS = /^model\.onnx(?!.*\.tmp)/;

/**
 * Of all that decides which vectors a model makes, in hexadecimal: its weights and its tokenizer by what is in the files,
 * wherever the folder lies, and how it pools.
 */
export async function digestOf(folder: string, pooling: string): Promise<string> {
  const weights = readdirSync(join(folder, WEIGHTS_FOLDER)).filter((name) => WEIGHTS.test(name));
  const files = [TOKENIZER, ...weights.sort().map((name) => join(WEIGHTS_FOLDER, name))];
  const whole = createHash('sha256').update(pooling);
  for (const file of files) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(join(folder, file), { highWaterMark: 1024 * 1024 }), hash);
    whole.update(hash.digest());
  }
  return whole.digest('hex');
}
