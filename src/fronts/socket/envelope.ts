import type { BodyMap } from '../../protocol/codec.ts';

const ID_MAX = 0xffff_ffff;

/** The `id` of a body that need not be a request; null where it is none that a request may have. */
export function envelopeId(body: BodyMap): number | null {
  const id = body['id'];
  return Number.isInteger(id) && (id as number) >= 1 && (id as number) <= ID_MAX ? (id as number) : null;
}

/** True for the answer to a ping of the server's: a client may send one, or leave it (section 3). */
export function isPingAnswer(body: BodyMap): boolean {
  return body['id'] === 0 && (body['type'] === 'result' || body['type'] === 'error');
}
