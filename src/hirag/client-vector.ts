import { badRequest, type CodedError } from '../base/errors.ts';
import { norm, normalized } from '../embedding/vectors.ts';

/** An embedding that the client sent, normalised; `BAD_REQUEST` where it cannot be one of this model. */
export function clientVector(vector: Float32Array, dimension: number): Float32Array {
  if (vector.length !== dimension) throw bad(`has ${vector.length} numbers, this server's model ${dimension}`);
  const length = norm(vector);
  if (!Number.isFinite(length)) throw bad('has numbers that are not finite');
  const unit = normalized(vector, length);
  if (unit === null) throw bad('is zero');
  return unit;
}

function bad(reason: string): CodedError {
  return badRequest('/embedding', reason, `the embedding ${reason}`);
}
