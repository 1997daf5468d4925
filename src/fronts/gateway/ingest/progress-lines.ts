import type { FastifyReply } from 'fastify';

/** What becomes of a document, a line of JSON for each step. The answer begins with the first one. */
export class ProgressLines {
  readonly #reply: FastifyReply;
  readonly #start: { readonly document_id: string; readonly chunks: number };
  #areBegun = false;

  constructor(reply: FastifyReply, start: { readonly document_id: string; readonly chunks: number }) {
    this.#reply = reply;
    this.#start = start;
  }

  get areBegun(): boolean {
    return this.#areBegun;
  }

  progress(stored: number): void {
    if (!this.#areBegun) this.#begin();
    this.#write({ type: 'progress', stored, of: this.#start.chunks });
  }

  end(line: object): void {
    this.#write(line);
    this.#reply.raw.end();
  }

  #begin(): void {
    this.#areBegun = true;
    this.#reply.hijack();
    this.#reply.raw.writeHead(200, { 'content-type': 'application/x-ndjson; charset=utf-8' });
    this.#write({ type: 'start', ...this.#start });
  }

  #write(line: object): void {
    this.#reply.raw.write(`${JSON.stringify(line)}\n`);
  }
}
