/** What the double answers with another status than 200; `message` is what stands in `status.error`. */
export class QdrantError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export const wrongInput = (text: string): QdrantError => new QdrantError(400, `Wrong input: ${text}`);
export const notFound = (text: string): QdrantError => new QdrantError(404, `Not found: ${text}`);

/** Of a body that cannot be read as the request that it should be. */
export const formatError = (text: string): QdrantError => new QdrantError(400, `Format error in JSON body: ${text}`);

/** Of a field that can be read, and holds what is not allowed. */
export const invalid = (field: string, text: string, where = 'JSON body'): QdrantError =>
  new QdrantError(422, `Validation error in ${where}: [${field}: ${text}]`);

/** For what a Qdrant server can do, and the double cannot: a test must not take it for an answer of Qdrant. */
export const notInDouble = (what: string): QdrantError =>
  new QdrantError(501, `The double of Qdrant does not have ${what}`);
