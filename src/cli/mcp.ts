import { join, resolve } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { Option, type Command } from 'commander';
import { systemClock } from '../base/clock.ts';
import type { Environment } from '../config/environment.ts';
import type { MemoryScope } from '../fronts/mcp/memory-port.ts';
import { tokensByWeight } from '../hirag/write/token-weights.ts';
import type { Link } from './mcp/client-port.ts';
import { dialServer, withScopeOptions, type ClientOptions } from './server/connection.ts';
import { explain } from './terminal/command-error.ts';
import type { Io } from './terminal/io.ts';
import { parseNumberOf } from './terminal/option-parsers.ts';
import { abortOnSignal } from './terminal/signals.ts';

interface McpOptions extends ClientOptions {
  readonly embedded?: boolean;
  readonly dataDir?: string;
  readonly maxTokens: number;
}

/** Who this is in the handshake, and the agent of what it stores, unless --agent says otherwise. */
const MCP_SENDER = 'mcp';
const MAX_TOKENS = 2_000;
const [MAX_TOKENS_MIN, MAX_TOKENS_MAX] = [500, 100_000];
/** After the first reply has left: reading settings, and the more loading a server, would hold it up. */
const WARM_UP_MS = { connect: 100, embed: 500 };

const HELP = `
Speaks the Model Context Protocol on standard input and output, for clients such as Claude Code, Cursor and Codex. It is a
client of a running server, which --url or better CONTEXT_MANAGER_URL names; without, that of the local configuration. With
--embedded it needs none: it runs a server over a folder by itself, which others who name the same folder share.

It answers at once, whether the memory is there or not: what stands in the way is told by the tools. Its own messages
go to standard error.

Examples:
  context-manager mcp
  CONTEXT_MANAGER_URL=context-manager://agents:<secret>@memory:7420 context-manager mcp --namespace shop
  context-manager mcp --embedded --data-dir ~/.context-manager`;

/** `mcp` */
export function addMcp(program: Command, io: Io, version: string): void {
  const command = program
    .command('mcp')
    .description('Give the memory to a client of the Model Context Protocol, on standard input and output.');
  withScopeOptions(command)
    .addOption(
      new Option('--max-tokens <number>', 'tokens of a reply at most; longer texts are cut, and say so')
        .env('CONTEXT_MANAGER_MCP_MAX_TOKENS')
        .argParser(parseNumberOf(MAX_TOKENS_MIN, MAX_TOKENS_MAX))
        .default(MAX_TOKENS),
    )
    .addOption(new Option('--embedded', 'run a server by itself, in place of connecting to one'))
    .addOption(
      new Option('--data-dir <path>', 'with --embedded: folder of the data (default: .context-manager at home)').env(
        'CONTEXT_MANAGER_DATA_DIR',
      ),
    )
    .addHelpText('after', HELP)
    .action((options: McpOptions) => serveMcp(options, io, version));
}

async function serveMcp(options: McpOptions, io: Io, version: string): Promise<void> {
  // Loaded here, so that the other commands start without its weight.
  const [{ serveStdio, StdioServerTransport }, { MemoryMcp }, { ReplyBudget }, { ClientPort }] = await Promise.all([
    import('@modelcontextprotocol/server/stdio'),
    import('../fronts/mcp/memory-mcp.ts'),
    import('../fronts/mcp/reply-budget.ts'),
    import('./mcp/client-port.ts'),
  ]);
  const memory = new ClientPort(opener(options, io, version));
  const budget = new ReplyBudget(options.maxTokens, tokensByWeight);
  const mcp = new MemoryMcp({ version, budget, explain });
  const stdin = io.stdin instanceof Readable ? io.stdin : Readable.from(io.stdin);
  const stopped = abortOnSignal('stopped', 'Start it again.');
  try {
    const handle = serveStdio(() => mcp.server(memory, scopeOf(options)), {
      transport: new StdioServerTransport(stdin, writableOf(io)),
      onerror: (error) => void io.stderr.write(`mcp: ${error.message}\n`).catch(() => undefined),
    });
    systemClock.after(options.embedded ? WARM_UP_MS.embed : WARM_UP_MS.connect, () => memory.warmUp());
    await finished(stdin, { writable: false, signal: stopped.signal }).catch(() => undefined);
    await handle.close();
  } finally {
    stdin.destroy();
    await memory.close();
    stopped.settle();
  }
}

function opener(options: McpOptions, io: Io, version: string): () => Promise<Link> {
  const sender = options.agent ?? MCP_SENDER;
  if (!options.embedded)
    return async () => {
      const client = await dialServer(options, io, sender);
      return { client, close: () => client.close() };
    };
  const dataDir = resolve(io.folder, options.dataDir ?? join(homeOf(io.environment), '.context-manager'));
  return async () => {
    const { openEmbedded } = await import('./mcp/embedded-server.ts');
    return openEmbedded({ dataDir, sender, version }, io);
  };
}

function homeOf({ HOME, USERPROFILE }: Environment): string {
  return HOME ?? USERPROFILE ?? '.';
}

function scopeOf({ namespace, agent, session }: McpOptions): MemoryScope {
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...(agent === undefined ? {} : { agentId: agent }),
    ...(session === undefined ? {} : { sessionId: session }),
  };
}

/** Standard output as the protocol's: nobody else writes there. */
function writableOf({ stdout }: Io): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      stdout.write(chunk.toString()).then(() => done(), done);
    },
  });
}
