import { Busboy, type BusboyFileStream } from '@fastify/busboy';
import { badRequest } from '../../../base/errors.ts';
import { readJsonBody } from '../../../protocol/json-body.ts';

/** A document as it was sent. */
export interface Given {
  readonly bytes: Uint8Array;
  /** As whoever sends it calls it. */
  readonly name?: string;
  readonly type?: string;
}

export interface Form {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly document: Given;
}

/** The tags may be as many as a context has, and each of the other fields stands there once. */
const LIMITS = { files: 1, fields: 80, parts: 81, fieldNameSize: 64, fieldSize: 128 * 1024, headerPairs: 16 };
const FORM = 'multipart/form-data';

export function isMultipart(contentType: string | undefined): contentType is string {
  return contentType?.trimStart().toLowerCase().startsWith(FORM) === true;
}

/** A form with one file; `tags` may be there several times, `metadata` is JSON. Rejects with `BAD_REQUEST`. */
export async function readMultipart(body: Buffer, contentType: string): Promise<Form> {
  const fields: Record<string, unknown> = {};
  const tags: string[] = [];
  let document: Given | null = null;
  const done = Promise.withResolvers<void>();
  const fail = (reason: string): void => done.reject(badRequest('/', reason, `the form ${reason}`));
  const parser = parserOf(contentType);
  parser.on('file', (_field: string, stream: BusboyFileStream, name: string, _encoding: string, type: string) => {
    const pieces: Buffer[] = [];
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    stream.on('error', () => fail('is cut off'));
    stream.on('end', () => (document = { bytes: Buffer.concat(pieces), name, type }));
  });
  parser.on('field', (field: string, value: string, isNameCut: boolean, isCut: boolean) => {
    if (isNameCut || isCut) fail('has a field that is too long');
    else if (field === 'tags') tags.push(value);
    else if (Object.hasOwn(fields, field)) fail('has a field twice');
    else fields[field] = value;
  });
  parser.on('partsLimit', () => fail('has too many parts'));
  parser.on('filesLimit', () => fail('has more than one file'));
  parser.on('fieldsLimit', () => fail('has too many fields'));
  parser.on('error', () => fail('cannot be read'));
  parser.on('finish', () => done.resolve());
  parser.end(body);
  await done.promise;
  if (document === null) throw badRequest('/', 'has no file', 'the form has no file');
  const { metadata } = fields;
  return {
    fields: {
      ...fields,
      ...(tags.length > 0 && { tags }),
      ...(typeof metadata === 'string' && { metadata: readJsonBody(Buffer.from(metadata)) }),
    },
    document,
  };
}

function parserOf(contentType: string) {
  try {
    return new Busboy({ headers: { 'content-type': contentType }, limits: LIMITS });
  } catch {
    throw badRequest('/', 'names no boundary', 'the form names no boundary');
  }
}
