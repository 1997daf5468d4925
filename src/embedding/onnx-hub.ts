// The Hugging Face hub, from which models come that lie in no folder.

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Clock } from '../base/clock.ts';

export interface HubOptions {
  readonly host: string;
  /** Sent to the host alone. */
  readonly token: string | undefined;
  /** Given up when nothing comes for so long. */
  readonly silenceMs: number;
  readonly clock: Clock;
}

/** `fetch`, with the token where it belongs, that ends with an error where the hub falls silent. */
export function hubFetch({ host, token, silenceMs, clock }: HubOptions): typeof fetch {
  const { origin } = new URL(host);
  return async (input, init) => {
    const headers = new Headers(init?.headers);
    if (token !== undefined && new URL(input instanceof Request ? input.url : input).origin === origin)
      headers.set('authorization', `Bearer ${token}`);
    const controller = new AbortController();
    const silent = (): void => controller.abort(new Error(`the hub has sent nothing for ${silenceMs / 1000} s`));
    let cancel = clock.after(silenceMs, silent);
    const heard = (): void => {
      cancel();
      cancel = clock.after(silenceMs, silent);
    };
    try {
      const response = await fetch(input, { ...init, headers, signal: controller.signal });
      if (response.body === null) {
        cancel();
        return response;
      }
      heard();
      const body = response.body.pipeThrough(
        new TransformStream({
          transform(chunk, output) {
            heard();
            output.enqueue(chunk);
          },
          flush: () => cancel(),
        }),
      );
      return new Response(body, { status: response.status, headers: response.headers });
    } catch (error) {
      cancel();
      throw error;
    }
  };
}

/**
 * The JSON files of a model that the package does not ask for. What it downloads lies in `folder`, and so will they, also
 * that a file is missing: a start without a way to the hub must not make other vectors than the one before.
 */
export class HubJson {
  readonly #model: string;
  readonly #folder: string;
  readonly #host: string;
  readonly #fetch: typeof fetch;
  readonly #read = new Map<string, string>();

  constructor(model: string, folder: string, host: string, fetchIt: typeof fetch) {
    this.#model = model;
    this.#folder = folder;
    this.#host = host;
    this.#fetch = fetchIt;
  }

  /** null: the model has no such file. */
  async read(file: string): Promise<unknown> {
    const path = join(this.#folder, file);
    if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as unknown;
    const response = await this.#fetch(new URL(`${this.#model}/resolve/main/${file}`, this.#host));
    const text = await response.text();
    if (!response.ok && response.status !== 404)
      throw new Error(`the hub answered ${file} with status ${response.status}`);
    const json = response.ok ? text : 'null';
    this.#read.set(path, json);
    return JSON.parse(json) as unknown;
  }

  /** Called when all else has come: of a model that is not there, nothing is to stay. */
  keep(): void {
    for (const [path, json] of this.#read) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(`${path}.tmp`, json);
      renameSync(`${path}.tmp`, path);
    }
  }
}
