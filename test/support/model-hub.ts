import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** `silent`: takes requests and says nothing. `stalling`: falls silent in the middle of the weights. `cutting`: hangs up there. */
export type HubMood = 'well' | 'silent' | 'stalling' | 'cutting' | 'broken';

/** A hub with one model, whose files lie in a folder. */
export class ModelHub {
  mood: HubMood = 'well';
  /** What requests must bring along. */
  token: string | undefined;
  readonly asked: string[] = [];
  readonly url: string;
  readonly #server: Server;
  readonly #name: string;
  readonly #folder: string;

  constructor(server: Server, name: string, folder: string) {
    this.#server = server;
    this.#name = name;
    this.#folder = folder;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => this.#serve(request, response));
  }

  static async start(name: string, folder: string): Promise<ModelHub> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new ModelHub(server, name, folder);
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #serve({ url = '', headers }: IncomingMessage, response: ServerResponse): void {
    const file = url.replace(`/${this.#name}/resolve/main/`, '');
    this.asked.push(file);
    if (this.mood === 'silent') return;
    const path = join(this.#folder, file);
    const isAllowed = this.token === undefined || headers.authorization === `Bearer ${this.token}`;
    const status = this.mood === 'broken' ? 500 : !isAllowed ? 401 : existsSync(path) ? 200 : 404;
    if (status !== 200) return void response.writeHead(status).end();
    const content = readFileSync(path);
    response.writeHead(200, { 'content-length': content.length });
    const isBroken = file === 'onnx/model.onnx' && this.mood !== 'well';
    if (!isBroken) return void response.end(content);
    response.write(content.subarray(0, content.length / 2), () => {
      if (this.mood === 'cutting') response.destroy();
    });
  }
}
