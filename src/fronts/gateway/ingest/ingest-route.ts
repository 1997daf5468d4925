import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { throwIfAborted } from '../../../base/abort.ts';
import { badRequest, toCodedError } from '../../../base/errors.ts';
import { KeyedTurns } from '../../../base/keyed-turns.ts';
import type { GatewayParts } from '../parts.ts';
import type { TokenCaller } from '../tokens.ts';
import { DocumentReader } from './document-reader.ts';
import { DocumentReplacement } from './document-replacement.ts';
import { readIngest } from './ingest-body.ts';
import { ProgressLines } from './progress-lines.ts';
import { goneSignal } from '../gone-signal.ts';

export const INGEST_PATH = '/ingest';
/** Of each request to the memory. */
const TIMEOUT_MS = 60_000;
const DOCUMENT_WAITING_MAX = 64;
const SCOPES = ['read', 'write'] as const;

/** `POST /ingest`: documents as contexts of long-term memory. */
export function addIngestRoute(app: FastifyInstance, parts: GatewayParts): void {
  const reader = new DocumentReader(parts.clock);
  // One after the other for each document: two at once would each keep what the other one replaces.
  const turns = new KeyedTurns('this document', DOCUMENT_WAITING_MAX);
  app.post(INGEST_PATH, (request, reply) => ingest(request, reply, { parts, reader, turns }));
}

interface IngestDeps {
  readonly parts: GatewayParts;
  readonly reader: DocumentReader;
  readonly turns: KeyedTurns;
}

async function ingest(request: FastifyRequest, reply: FastifyReply, deps: IngestDeps): Promise<void> {
  const { authenticator, bodies, door } = deps.parts;
  const caller = authenticator.callerOf(request);
  const address = request.socket.remoteAddress;
  door.enter(caller, { door: 'gateway', address, type: 'context.store_batch', scopes: SCOPES });
  const signal = goneSignal(reply.raw);
  const sent = await bodies.read(request.raw, reply.raw);
  const given = await readIngest(sent, request.headers['content-type'], deps.parts.turns);
  const document = await deps.reader.read(given, signal);
  if (document.chunks.length === 0) throw badRequest('/document', 'has no text', 'the document has no text');
  const ask = askOf(request, caller, deps.parts, signal);
  const replacement = await DocumentReplacement.of(given, document, caller.agent, ask, {
    signal,
    turns: deps.parts.turns,
  });
  const lines = new ProgressLines(reply, { document_id: given.documentId, chunks: replacement.size });
  try {
    const place = JSON.stringify([caller.namespace, caller.agent, given.documentId]);
    const replaced = await deps.turns.run(place, () => {
      throwIfAborted(signal);
      return replacement.run((stored) => lines.progress(stored));
    });
    lines.end({ type: 'done', document_id: given.documentId, ...replaced });
  } catch (error) {
    // Before anything is stored an error is an answer of its own.
    if (!lines.areBegun) throw error;
    const { code, message, retryable } = toCodedError(error);
    if (code === 'INTERNAL') deps.parts.log.error({ error }, 'a document could not be stored');
    lines.end({ type: 'error', code, message, retryable });
  }
}

function askOf(request: FastifyRequest, caller: TokenCaller, { door }: GatewayParts, signal: AbortSignal) {
  const address = request.socket.remoteAddress;
  return (type: string, payload: Record<string, unknown>): Promise<object> =>
    door.ask(
      caller,
      type,
      { ...payload, ...(type !== 'context.store_batch' && { namespace: caller.namespace }) },
      { door: 'gateway', address, timeoutMs: TIMEOUT_MS, signal, isCounted: true },
    );
}
