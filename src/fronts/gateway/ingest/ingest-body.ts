import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { badRequest } from '../../../base/errors.ts';
import type { LoopTurns } from '../../../base/loop-turns.ts';
import { readJsonBodyInTurns } from '../../../protocol/json-body.ts';
import { bytesInTurns } from '../request-json.ts';
import { FORMATS, type Format } from './document-messages.ts';
import { isMultipart, readMultipart, type Given } from './multipart.ts';

/** A document that is to be stored, and what its contexts are to have. */
export interface Ingest {
  readonly documentId: string;
  readonly bytes: Uint8Array;
  readonly format: Format;
  readonly chunkTokens: number;
  readonly title: string | undefined;
  readonly sessionId: string | undefined;
  readonly tags: readonly unknown[];
  readonly metadata: Readonly<Record<string, unknown>>;
}

type Fields = Readonly<Record<string, unknown>>;

const CHUNK_TOKENS = { least: 32, usual: 400, most: 4_000 };
const ID_UNITS_MAX = 256;
const TITLE_UNITS_MAX = 512;
const FIELDS = ['document_id', 'title', 'format', 'tags', 'metadata', 'session_id', 'chunk_tokens'];
const DOCUMENT_FIELDS = ['text', 'base64'];
const FORMAT_OF_ENDING: Readonly<Record<string, Format>> = {
  md: 'markdown',
  markdown: 'markdown',
  htm: 'html',
  html: 'html',
  xhtml: 'html',
};
const FORMAT_OF_TYPE: Readonly<Record<string, Format>> = { 'text/markdown': 'markdown', 'text/html': 'html' };

/** Rejects with `BAD_REQUEST`. */
export async function readIngest(body: Buffer, contentType: string | undefined, turns: LoopTurns): Promise<Ingest> {
  if (isMultipart(contentType)) {
    const { fields, document } = await readMultipart(body, contentType);
    return ingestOf(fields, document, turns);
  }
  const { text, base64, ...fields } = (await readJsonBodyInTurns(body, turns)) ?? {};
  if ((text === undefined) === (base64 === undefined))
    throw badRequest('/', 'wants either text or base64', 'the body wants either text or base64');
  const bytes = text === undefined ? await fromBase64(base64, turns) : await bytesInTurns(textOf('/text', text), turns);
  return ingestOf(fields, { bytes }, turns);
}

async function ingestOf(fields: Fields, given: Given, turns: LoopTurns): Promise<Ingest> {
  const unknown = Object.keys(fields).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined)
    throw badRequest(`/${unknown}`, `is not a field: they are ${[...FIELDS, ...DOCUMENT_FIELDS].join(', ')}`);
  const { bytes } = given;
  const format = formatOf(fields['format'], given);
  if (format !== 'pdf' && !isUtf8(bytes)) throw badRequest('/document', 'is not UTF-8', 'the document is not UTF-8');
  return {
    documentId: named('document_id', fields, ID_UNITS_MAX) ?? (await hashOf(bytes, turns)),
    bytes,
    format,
    chunkTokens: chunkTokensOf(fields['chunk_tokens']),
    title: named('title', fields, TITLE_UNITS_MAX),
    sessionId: named('session_id', fields, ID_UNITS_MAX),
    tags: tagsOf(fields['tags']),
    metadata: metadataOf(fields['metadata']),
  };
}

function named(field: string, fields: Fields, unitsMax: number): string | undefined {
  const { [field]: value } = fields;
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value.trim() === '' || value.length > unitsMax)
    throw badRequest(`/${field}`, `must be a text of 1 to ${unitsMax} characters`);
  return value;
}

function formatOf(told: unknown, { bytes, name = '', type = '' }: Given): Format {
  if (told !== undefined) {
    const format = FORMATS.find((each) => each === told);
    if (format === undefined) throw badRequest('/format', `must be one of ${FORMATS.join(', ')}`);
    return format;
  }
  if (Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 5)).toString('latin1') === '%PDF-')
    return 'pdf';
  const ending = name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  return FORMAT_OF_ENDING[ending] ?? FORMAT_OF_TYPE[type.toLowerCase()] ?? 'text';
}

function chunkTokensOf(value: unknown): number {
  if (value === undefined) return CHUNK_TOKENS.usual;
  const tokens = typeof value === 'string' && value !== '' ? Number(value) : value;
  const { least, most } = CHUNK_TOKENS;
  if (typeof tokens === 'number' && Number.isInteger(tokens) && tokens >= least && tokens <= most) return tokens;
  throw badRequest('/chunk_tokens', `must be a whole number from ${least} to ${most}`);
}

/** What they may hold is checked where they are stored. */
function tagsOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw badRequest('/tags', 'must be a list');
  return value;
}

function metadataOf(value: unknown): Fields {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badRequest('/metadata', 'must be a map');
  if ('document' in value) throw badRequest('/metadata/document', 'is what the document itself is told in');
  return value as Fields;
}

function textOf(field: string, value: unknown): string {
  if (typeof value !== 'string') throw badRequest(field, 'must be a text');
  return value;
}

/** Whole groups of four characters, and what is hashed at once, in about a millisecond. */
const PIECE = 262_144;

async function fromBase64(value: unknown, turns: LoopTurns): Promise<Buffer> {
  const text = textOf('/base64', value);
  const pieces: Buffer[] = [];
  for (let from = 0; from < text.length; from += PIECE) {
    if (from > 0) await turns.next();
    const piece = text.slice(from, from + PIECE);
    const bytes = Buffer.from(piece, 'base64');
    const isEnd = from + PIECE >= text.length;
    // Padding ends a text: in the middle it would leave a piece too short.
    if (bytes.toString('base64') !== piece || (!isEnd && piece.endsWith('=')))
      throw badRequest('/base64', 'must be base64');
    pieces.push(bytes);
  }
  return Buffer.concat(pieces);
}

async function hashOf(bytes: Uint8Array, turns: LoopTurns): Promise<string> {
  const hash = createHash('sha256');
  for (let from = 0; from < bytes.length; from += PIECE) {
    if (from > 0) await turns.next();
    hash.update(bytes.subarray(from, from + PIECE));
  }
  return hash.digest('hex');
}
