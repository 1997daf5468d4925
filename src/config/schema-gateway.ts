import { DEFAULT_KEY_ID } from '../base/wire-names.ts';
import { bareText, choice, flag, integer, list, live, number, section, text } from './setting.ts';

const MIB = 1024 * 1024;

const upstreamUrl = bareText(
  'Address of the model service that stands for /v1 here, as https://api.openai.com/v1, without user or password.',
  { format: 'http-url' },
);
const upstreamToken = bareText(
  'Sent to that service: as a bearer token, to /v1/messages as x-api-key; take it from the environment: "${UPSTREAM_TOKEN}".',
  { format: 'token', writeOnly: true },
);

const TOKEN = section(
  'One bearer token, as `context-manager gateway token` makes it. What it may do is what its key may do, in one namespace.',
  {
    token_hash: bareText('SHA-256 of the token; the token itself stands nowhere.', {
      format: 'sha256',
    }),
    key_id: text(DEFAULT_KEY_ID, 'The key of [[keys]] that gives it scopes, rate and expiry.', { maxLength: 128 }),
    agent: bareText('The agent whose memory it is.', { maxLength: 256 }),
  },
  {
    namespace: bareText('The namespace that it sees; by default that of the key.', {
      pattern: '^[A-Za-z0-9._:-]{1,128}$',
    }),
    upstream_url: upstreamUrl,
    upstream_token: upstreamToken,
  },
);

export const GATEWAY = section(
  'The gateway: HTTP in the shapes of OpenAI and Anthropic, with memory, in front of a model; see docs/gateway.md.',
  {
    enabled: flag(false, 'Listen.'),
    host: text('127.0.0.1', 'Address that it listens on; what it says is not encrypted.'),
    port: integer(8090, 0, 65535, 'Its port; 0 takes a free one.'),
    tokens: live(list([], TOKEN, 0, 10_000, 'Who may ask.')),
    max_in_flight: integer(256, 1, 100_000, 'Requests that it works on at a time; more are answered 503.'),
    max_body_bytes: integer(16 * MIB, 4096, 256 * MIB, 'Longest body of a request, in bytes.'),
    max_body_bytes_total: integer(
      256 * MIB,
      MIB,
      64 * 1024 * MIB,
      'Bodies of all requests that are in memory, in bytes; past it 503.',
    ),
    allowed_hosts: list(
      [],
      bareText('A name, as memory.example.com, or an address.', { maxLength: 253, pattern: '^[A-Za-z0-9.:_-]+$' }),
      0,
      100,
      'Names under which /mcp may be asked, by a browser as well, beside localhost and host.',
    ),
    mcp_max_tokens: integer(2000, 500, 100_000, 'Tokens of a reply of /mcp at most.'),
    upstream_timeout_secs: number(
      600,
      0.1,
      7200,
      'How long the upstream may take to begin its answer, in seconds; then 504.',
    ),
    upstream_idle_secs: number(120, 0.1, 7200, 'How long it may pause within an answer, in seconds.'),
    client_idle_secs: number(
      60,
      0.1,
      7200,
      'How long a client may read nothing of an answer that waits for it, in seconds; then it is cut off.',
    ),
    recall_sessions: choice(
      'all',
      ['all', 'own'],
      'What is recalled: of all that the agent was told, or in a session of what was said in it, and without a session nothing.',
    ),
    memory_timeout_ms: integer(
      2000,
      10,
      60_000,
      'How long a request waits for memory, in milliseconds; then it goes on without.',
    ),
  },
  { upstream_url: live(upstreamUrl), upstream_token: live(upstreamToken) },
);
