import { FRAME_BYTES_MAX_DEFAULT } from '../base/wire-limits.ts';
import { EVERY_NAMESPACE, SCOPES } from '../base/wire-names.ts';
import { HIRAG } from './schema-hirag.ts';
import { AUDIT, LOGGING, TRACING } from './schema-logs.ts';
import { SNAPSHOTS } from './schema-snapshots.ts';
import {
  bareFlag,
  bareNumber,
  bareText,
  choice,
  flag,
  following,
  folder,
  integer,
  list,
  number,
  oneOf,
  section,
  text,
  withAlias,
} from './setting.ts';

const MIB = 1024 * 1024;
const HOUR_MS = 3_600_000;
const MILLISECONDS = { perOne: 1000, name: 'milliseconds' };

const SERVER = section('Where the server listens.', {
  host: text('127.0.0.1', 'Address that agents connect to; 0.0.0.0 for every interface.'),
  port: integer(7420, 0, 65535, 'Port that agents connect to; 0 takes a free one.'),
  http_host: text('127.0.0.1', 'Address of the HTTP listener (health and metrics).'),
  http_port: integer(8080, 0, 65535, 'Port of the HTTP listener; 0 takes a free one.'),
  max_connections: integer(12_000, 1, 1_000_000, 'Connections open at a time; more are closed at once.'),
  max_connections_per_address: integer(
    12_000,
    1,
    1_000_000,
    'The same of one address (of version 6: one network of 64 bits). Behind a proxy all clients have one.',
  ),
  shutdown_timeout_secs: withAlias(
    number(10, 0, 600, 'How long a stop waits for requests in flight, in seconds.'),
    'server.shutdown_deadline_ms',
    MILLISECONDS,
  ),
});

const RATE_LIMIT = section(
  'Requests that clients may make; what is more is told RATE_LIMITED, and when to try again.',
  {
    enabled: flag(false, 'Limit keys without a rate_limit of their own, and addresses.'),
    requests_per_minute: number(1000, 0.6, 60_000_000, 'Requests a minute in the long run, of each.'),
    burst_size: integer(100, 1, 1_000_000, 'Requests that may come at once after a pause, of each.'),
  },
);

const PROTOCOL = section('Limits of a connection; see proto-spec/PROTOCOL.md.', {
  max_frame_bytes: integer(FRAME_BYTES_MAX_DEFAULT, 4096, 256 * MIB, 'Longest frame after authentication, in bytes.'),
  auth_timeout_ms: integer(5000, 100, 120_000, 'Time for the handshake, in milliseconds.'),
  max_age_ms: integer(
    300_000,
    1000,
    24 * HOUR_MS,
    "How far a request's timestamp may lie in the past, in milliseconds.",
  ),
  max_skew_ms: integer(30_000, 0, HOUR_MS, "How far a request's timestamp may lie in the future, in milliseconds."),
  max_in_flight: integer(
    256,
    1,
    65_536,
    'Requests of one connection that run at a time; past it the socket is not read.',
  ),
  max_in_flight_total: integer(
    8192,
    1,
    1_000_000,
    'Requests of all connections that run at a time; past it they are answered OVERLOADED.',
  ),
  max_request_bytes: integer(
    16 * MIB,
    4096,
    1024 * MIB,
    'Requests of one connection that are being worked on, in bytes; past it the socket is not read.',
  ),
  max_request_bytes_total: integer(
    64 * MIB,
    MIB,
    64 * 1024 * MIB,
    'Requests of all connections, in bytes: half for those being worked on, half for those still coming; past it sockets are not read.',
  ),
  max_buffered_bytes: integer(
    64 * MIB,
    65_536,
    1024 * MIB,
    'Unread replies of one connection, in bytes; past it the connection is closed.',
  ),
  max_buffered_bytes_total: integer(
    256 * MIB,
    MIB,
    64 * 1024 * MIB,
    'Replies of all connections that are unread or being built, in bytes; past it requests wait whose replies may be long.',
  ),
  heartbeat_ms: integer(
    30_000,
    100,
    HOUR_MS,
    'Silence after which a ping is sent, in milliseconds; after three the connection is closed.',
  ),
});

const KEY = section(
  'One key. An id may stand twice, with two secrets, while a secret is being rotated.',
  {
    id: bareText('Name that the client sends as key_id.', { maxLength: 128 }),
    scopes: list(SCOPES, oneOf(SCOPES, 'One scope.'), 1, 3, 'What the key may do: read, write, admin.'),
    namespaces: list(
      [EVERY_NAMESPACE],
      bareText('One namespace, or *.', { pattern: '^(\\*|[A-Za-z0-9._:-]{1,128})$' }),
      1,
      10_000,
      'Namespaces that the key sees: literal names, or the one entry "*" for all.',
    ),
  },
  {
    secret: bareText('At least 32 bytes; take it from the environment: "${AGENT_SECRET}".', { writeOnly: true }),
    not_after: bareText('Moment the key expires, with its zone, as 2027-01-31T00:00:00Z.', { format: 'date-time' }),
    rate_limit: section('How many requests the key may make, over all its connections.', {
      per_second: bareNumber('number', 0.01, 1_000_000, 'Requests a second, in the long run.'),
      burst: bareNumber('integer', 1, 1_000_000, 'Requests that may come at once after a pause.'),
    }),
  },
);

const KEYS = list([], KEY, 0, 10_000, 'Who may connect. With none, the one key "default" may do everything.');

/** Of the calls that `driver` makes. */
const circuit = (driver: string) =>
  section(
    `${driver}: the circuit breaker, which leaves a backend alone that goes on failing; see docs/operations.md.`,
    {
      failure_threshold: integer(
        5,
        1,
        1000,
        'Failures within window_secs that open the circuit, whatever succeeds between them: raise it where some of very many requests always fail.',
      ),
      window_secs: number(60, 0.1, 3600, 'Time in which failures are counted together, in seconds.'),
      timeout_secs: number(
        60,
        0.1,
        3600,
        'How long the circuit stays open, in seconds; then one call at a time tries.',
      ),
      success_threshold: integer(2, 1, 100, 'Such calls that must succeed until all may pass again.'),
    },
  );

/** Of the requests that `driver` makes; `waiting`: the drivers whose requests wait. */
const bulkhead = (driver: string, concurrency: number, queue: number, waiting = driver, more = '') => ({
  max_concurrency: integer(concurrency, 1, 10_000, `${driver}: requests that it works on at a time; more wait.`),
  max_queue: integer(
    queue,
    0,
    1_000_000,
    `${waiting}: requests that wait for their turn${more}; past it what needs one more is answered OVERLOADED.`,
  ),
  max_queue_bytes: integer(
    64 * MIB,
    MIB,
    64 * 1024 * MIB,
    `${waiting}: what those that wait may weigh, in bytes${more}.`,
  ),
});

const EMBEDDING = section(
  'Where vectors come from; their length is vector_db.vector_size.',
  {
    provider: following(
      choice(
        'local',
        ['local', 'http', 'onnx'],
        'local: made in the process, without a model or a network. http: any OpenAI-compatible service. onnx: a model in a thread of the process, with the package @huggingface/transformers beside this one; see docs/embedding.md.',
      ),
      'api_url',
      'http',
    ),
    pooling: choice(
      'model',
      ['model', 'mean', 'cls', 'last_token'],
      'onnx: how the vectors of tokens become one. model: as the files of the model say, mean where they say nothing; a model that does it by itself is left to it.',
    ),
    batch_size: integer(32, 1, 2048, 'http: texts per request. onnx: texts that go to the model together.'),
    timeout_secs: withAlias(
      number(30, 0.1, 600, 'http: how long a request may take, in seconds. onnx: how long the hub may send nothing.'),
      'embedding.timeout_ms',
      MILLISECONDS,
    ),
    max_retries: integer(
      3,
      0,
      10,
      'http: further attempts where the service is down, slow or busy, after 0.2, 0.4, 0.8, ... seconds or what Retry-After says; all within the deadline of the request.',
    ),
    defer: flag(
      false,
      'Where the model is away, store without vectors, to be made when it is back; words find such contexts at once. Off: stores fail.',
    ),
    cache_enabled: flag(true, 'Keep vectors in memory, and in redis_url where it is set, for texts seen again.'),
    cache_ttl_secs: integer(3600, 1, 30 * 86_400, 'How long a vector stays there, in seconds.'),
    cache_size: withAlias(
      integer(10_000, 0, 10_000_000, 'Vectors in memory; the one unused for longest leaves first.'),
      'embedding.cache_entries',
    ),
    ...bulkhead('http', 16, 1_000, 'http, onnx', ' (onnx: queries and texts to store, each)'),
    circuit: circuit('http, onnx'),
  },
  {
    api_url: withAlias(
      bareText(
        'http: base address of the service, as https://host/v1, without user or password. onnx: address of the hub, where it is not https://huggingface.co/.',
        {
          format: 'http-url',
        },
      ),
      'embedding.url',
    ),
    model: bareText(
      'http: name of the model. onnx: a folder with the model, as ./models/e5, or its name on the Hugging Face hub.',
    ),
    max_input_tokens: bareNumber(
      'integer',
      64,
      1_000_000,
      'http, onnx: tokens that the model reads of a text; longer texts are embedded in passages of so many, of which the nearest counts. Absent: texts go as they are, and onnx reads their beginning, 2048 tokens at most. See docs/retrieval.md.',
    ),
    api_token: bareText(
      'http, onnx: sent as a bearer token, to the service or the hub; take it from the environment: EMBEDDING__API_TOKEN.',
      {
        format: 'token',
        writeOnly: true,
      },
    ),
    redis_url: bareText(
      'http, onnx: a Redis that keeps vectors for several servers, as redis://host:6379/0 or rediss://; take one with a password from the environment: EMBEDDING__REDIS_URL.',
      { format: 'redis-url' },
    ),
    query_prefix: bareText('http, onnx: put before queries; by default what the model is known to want.', {
      minLength: 0,
    }),
    passage_prefix: bareText('http, onnx: put before stored texts; by default what the model is known to want.', {
      minLength: 0,
    }),
  },
);

const VECTOR_DB = section(
  'Where contexts are kept.',
  {
    driver: following(
      choice(
        'embedded',
        ['embedded', 'memory', 'qdrant'],
        'embedded: a database in this process, in data_dir. memory: for tests and trials; what it holds is gone with the process. qdrant: a server, at url; see docs/qdrant.md.',
      ),
      'url',
      'qdrant',
    ),
    vector_size: withAlias(
      integer(1024, 64, 8192, 'Numbers per vector; with embedding.provider http or onnx what the model returns.'),
      'embedding.dimension',
    ),
    distance: choice(
      'Cosine',
      ['Cosine', 'Dot', 'Euclid'],
      'How vectors are compared. They are kept with length 1, where all three put contexts in the same order and similarities are told as cosines; with Dot and Euclid a model whose vectors have another length is refused.',
    ),
    data_dir: folder(
      './data',
      'Folder of the database and of the generated secret; relative to where the server is started.',
    ),
    indexing_threshold: integer(
      20_000,
      1000,
      10_000_000,
      'Vectors of one namespace and level up to which search is exact; past it an HNSW index answers.',
    ),
    memory_bytes_max: integer(
      2048 * MIB,
      64 * MIB,
      1024 * 1024 * MIB,
      'Memory for resident indexes, in bytes; past it the longest idle leave and come back when asked for.',
    ),
    quantization: choice(
      'i8',
      ['f32', 'bf16', 'i8', 'binary', 'product'],
      'How the index keeps vectors; hits are always scored again from the full ones. embedded: f32, bf16 or i8. qdrant: f32 (none), i8 (scalar), binary or product.',
    ),
    on_disk: flag(false, 'qdrant: keep vectors, index and payloads on disk rather than in memory.'),
    shard_number: integer(1, 1, 1000, 'qdrant: parts of each collection, spread over the nodes of a cluster.'),
    read_consistency: choice(
      'auto',
      ['auto', 'one', 'majority', 'quorum', 'all'],
      'qdrant: copies that a read asks; auto: one, which has all that was acknowledged unless its node is cut off; see docs/qdrant.md.',
    ),
    replication_factor: integer(1, 1, 100, 'qdrant: copies of each part, each on a node of its own.'),
    write_consistency_factor: integer(1, 1, 100, 'qdrant: copies that must have a write before it is acknowledged.'),
    collection_prefix: text('context_manager', 'qdrant: collections are named after it, as <prefix>_long_term.', {
      pattern: '^[A-Za-z0-9_-]{1,64}$',
    }),
    timeout_secs: number(30, 0.1, 600, 'qdrant: how long a request may take, in seconds.'),
    tls_verify: flag(true, "qdrant: check the server's certificate."),
    hnsw: section('The approximate index.', {
      m: integer(48, 4, 64, 'Links per vector.'),
      ef_construction: integer(200, 8, 1024, 'Candidates looked at when a vector is added.'),
      ef_search: integer(288, 8, 4096, 'Candidates looked at by a search.'),
    }),
    ...bulkhead('qdrant', 64, 10_000),
    circuit: circuit('qdrant'),
  },
  {
    url: bareText('qdrant: address of the server, as https://host:6333, without user or password.', {
      format: 'http-url',
    }),
    api_key: bareText('qdrant: key of the server; take it from the environment: VECTOR_DB__API_KEY.', {
      format: 'token',
      writeOnly: true,
    }),
    tls_enabled: bareFlag('qdrant: encrypt the connection; by default as url says.'),
    tls_cert_path: bareText('qdrant: file of the certificate authority to trust, in PEM.', { isPath: true }),
  },
);

/** Every setting of the server, declared once. */
export const CONFIG_SCHEMA = section('context-manager', {
  server: SERVER,
  rate_limit: RATE_LIMIT,
  protocol: PROTOCOL,
  keys: KEYS,
  embedding: EMBEDDING,
  vector_db: VECTOR_DB,
  hirag: HIRAG,
  snapshots: SNAPSHOTS,
  logging: LOGGING,
  audit: AUDIT,
  tracing: TRACING,
});
