import { PassThrough } from 'node:stream';
import { Client, type JSONRPCMessage, type Transport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { run } from '../../../src/cli.ts';
import { LAUNCHER, type Variables } from './processes.ts';

export interface ToolOutcome {
  readonly isError: boolean;
  readonly text: string;
  readonly structured: Readonly<Record<string, unknown>>;
}

interface Start {
  readonly args: readonly string[];
  readonly folder: string;
  readonly variables?: Variables;
  /** Revision 2026-07-28, without a handshake; else that of 2025. */
  readonly isModern?: boolean;
}

/** A client of `context-manager mcp`. */
export class McpClient {
  readonly client: Client;
  readonly #transport: Transport;

  constructor(client: Client, transport: Transport) {
    this.client = client;
    this.#transport = transport;
  }

  /** The command as a process of its own, as an assistant starts it. */
  static process({ args, folder, variables }: Start): Promise<McpClient> {
    const cache = process.env['STRIPPED_SOURCES'];
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [LAUNCHER, 'mcp', ...args],
      cwd: folder,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: folder,
        ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: `${cache}/compiled` }),
        ...variables,
      },
    });
    return McpClient.#over(transport, false);
  }

  /** The same command in this process: as fast as itself. */
  static inProcess({ args, folder, variables = {}, isModern = false }: Start): Promise<McpClient> {
    return McpClient.#over(new CommandTransport(args, folder, variables), isModern);
  }

  static async #over(transport: Transport, isModern: boolean): Promise<McpClient> {
    const mode = isModern ? { pin: '2026-07-28' } : ('legacy' as const);
    const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode } });
    await client.connect(transport);
    return new McpClient(client, transport);
  }

  /** Where it is a process. */
  get pid(): number {
    return this.#transport instanceof StdioClientTransport ? (this.#transport.pid ?? -1) : -1;
  }

  async call(name: string, args: Record<string, unknown> = {}): Promise<ToolOutcome> {
    const { content, structuredContent, isError } = await this.client.callTool({ name, arguments: args });
    const [first] = content;
    return {
      isError: isError === true,
      text: first?.type === 'text' ? first.text : '',
      structured: (structuredContent ?? {}) as Readonly<Record<string, unknown>>,
    };
  }

  close(): Promise<void> {
    return this.client.close();
  }
}

/** Lines to and from the command line, run in this process. */
class CommandTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #stdin = new PassThrough();
  readonly #start: () => Promise<number>;
  #ended: Promise<number> | undefined;
  #line = '';

  constructor(args: readonly string[], folder: string, environment: Variables) {
    const stdout = { write: (text: string) => Promise.resolve(this.#read(text)) };
    const stderr = { write: () => Promise.resolve() };
    const io = { stdin: this.#stdin, stdout, stderr, environment, folder };
    this.#start = () => run(['mcp', ...args], io, '1.2.3');
  }

  start(): Promise<void> {
    this.#ended = this.#start();
    return Promise.resolve();
  }

  send(message: JSONRPCMessage): Promise<void> {
    this.#stdin.write(`${JSON.stringify(message)}\n`);
    return Promise.resolve();
  }

  async close(): Promise<void> {
    this.#stdin.end();
    await this.#ended;
    this.onclose?.();
  }

  #read(text: string): void {
    const lines = (this.#line + text).split('\n');
    this.#line = lines.pop() ?? '';
    for (const line of lines) this.onmessage?.(JSON.parse(line) as JSONRPCMessage);
  }
}
