// What no driver need look at again. All throw `BAD_REQUEST`, before anything of the call is done.

import { badRequest } from '../../base/errors.ts';
import { DOCUMENT_TERM_CHARS_MAX, DOCUMENT_TERMS_MAX, type DocumentChange } from '../documents.ts';
import { checkFilter } from '../filter.ts';
import { FURTHER_PASSAGES_MAX, type SearchRequest, type TextVectors, type WriteOp } from '../store.ts';

export function checkOp(op: WriteOp, dimension: number): void {
  if (op.op === 'put' || op.op === 'transfer') checkVectors(op.context, dimension);
  else if (op.op === 'update') {
    if (op.patch.text !== undefined) checkVectors(op.patch.text, dimension);
    if (op.patch.vectors !== undefined) checkVectors(op.patch.vectors, dimension);
  } else if (op.op === 'delete_where' && op.filter !== undefined) checkFilter(op.filter);
}

export function checkSearch({ vector, filter }: SearchRequest, dimension: number): void {
  if (vector !== undefined) checkVector(vector, dimension);
  if (filter !== undefined) checkFilter(filter);
}

export function checkDocument(change: DocumentChange): void {
  const { terms = [] } = change.op === 'put' ? change.document : {};
  const isBounded =
    terms.length <= DOCUMENT_TERMS_MAX && terms.every(({ length }) => length <= DOCUMENT_TERM_CHARS_MAX);
  if (!isBounded || new Set(terms).size < terms.length)
    throw badRequest('/terms', `must be ${DOCUMENT_TERMS_MAX} short ones at most, each once`);
}

function checkVectors({ vector, passages = [] }: TextVectors, dimension: number): void {
  checkVector(vector, dimension);
  for (const passage of passages) checkVector(passage, dimension);
  if (passages.length <= FURTHER_PASSAGES_MAX) return;
  throw badRequest('/text', `has ${passages.length + 1} passages, and ${FURTHER_PASSAGES_MAX + 1} are the most`);
}

function checkVector(vector: Float32Array, dimension: number): void {
  if (vector.length === dimension) return;
  throw badRequest('/embedding', `must have ${dimension} dimensions, not ${vector.length}`);
}
