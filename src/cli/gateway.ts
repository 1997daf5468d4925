import { Option, type Command } from 'commander';
import { systemRandom } from '../base/random.ts';
import { DEFAULT_KEY_ID } from '../base/wire-names.ts';
import { hashOfToken } from '../fronts/gateway/tokens.ts';
import { jsonOption, loadLocalConfig } from './server/connection.ts';
import { writeJson, type Io } from './terminal/io.ts';

interface TokenOptions {
  readonly agent: string;
  readonly keyId: string;
  readonly namespace?: string;
  readonly json?: boolean;
}

const TOKEN_BYTES = 32;
/** So that people and scanners of secrets know what it is. */
const PREFIX = 'cmg_';

const HELP = `
The token is shown once and stands nowhere: the settings hold its hash. Put the block into config/default.toml, or a file that
CONFIG_PATH names; a running server takes it over on SIGHUP.

Examples:
  context-manager gateway token --agent support-bot
  context-manager gateway token --agent support-bot --key-id agents --namespace support --json`;

/** `gateway token` */
export function addGateway(program: Command, io: Io): void {
  const gateway = program
    .command('gateway')
    .description('Prepare the gateway: HTTP in the shapes of OpenAI and Anthropic.')
    .addHelpText('after', HELP);
  gateway
    .command('token')
    .description('Make a bearer token, and the block that lets it in.')
    .addOption(new Option('--agent <id>', 'the agent whose memory it is').default('assistant'))
    .addOption(new Option('--key-id <id>', 'the key that gives it scopes, rate and expiry').default(DEFAULT_KEY_ID))
    .addOption(new Option('--namespace <name>', "namespace (default: the key's own)"))
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((options: TokenOptions) => makeToken(options, io));
}

function makeToken({ agent, keyId, namespace, json }: TokenOptions, io: Io): Promise<void> {
  const token = PREFIX + Buffer.from(systemRandom.bytes(TOKEN_BYTES)).toString('base64url');
  const values = {
    token_hash: hashOfToken(token),
    key_id: keyId,
    agent,
    ...(namespace !== undefined && { namespace }),
  };
  if (json) return writeJson(io.stdout, { token, ...values });
  const lines = Object.entries(values).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  const switchedOn = loadLocalConfig(io).settings.gateway.enabled ? '' : SWITCHED_ON;
  return io.stdout.write(`token  ${token}\n\n${switchedOn}[[gateway.tokens]]\n${lines.join('\n')}\n`);
}

/** What the block needs beside it where no gateway listens yet. */
const SWITCHED_ON = `[gateway]
enabled = true
# upstream_url = "https://api.openai.com/v1"   # the model service behind it, where there is one
# upstream_token = "\${OPENAI_API_KEY}"

`;
