import { DASHBOARD } from './schema-dashboard.ts';
import { GATEWAY } from './schema-gateway.ts';
import { HIRAG } from './schema-hirag.ts';
import { TLS } from './schema-tls.ts';
import { WINDOW } from './schema-window.ts';
import { AUDIT, LOGGING, TRACING } from './schema-logs.ts';
import { KEYS, PROTOCOL, RATE_LIMIT, SERVER } from './schema-server.ts';
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
  number,
  section,
  text,
  withAlias,
} from './setting.ts';

const MIB = 1024 * 1024;
const MILLISECONDS = { perOne: 1000, name: 'milliseconds' };

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
        ['local', 'local-hash', 'http', 'onnx'],
        'local: made in the process, without a model or a network, of spellings and of the meanings of English words. local-hash: of spellings alone. http: any OpenAI-compatible service. onnx: a model in a thread of the process, with the package @huggingface/transformers beside this one; see docs/embedding.md.',
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
    check_schedule: text(
      '30 4 * * 0',
      'embedded: when the server looks through all of its database for damage, as a cron expression in its time zone; also after a start with a database of more than 64 MiB. "never": not at all.',
    ),
    memory_bytes_max: integer(
      2048 * MIB,
      64 * MIB,
      1024 * 1024 * MIB,
      'Memory for resident indexes, in bytes; past it the longest idle leave and come back when asked for.',
    ),
    compression_threshold_bytes: integer(
      1024,
      0,
      1024 * MIB,
      'embedded: texts of more bytes are kept compressed; 0: none is. Those that are stored already stay as they are until they change.',
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
    hnsw: section(
      'The approximate index. Each index measures on its own vectors, in the background and again as it grows, what m, ef_construction and ef_search it takes to find the wanted share; those that are given here hold for all.',
      {
        recall: number(
          0.97,
          0.5,
          0.999,
          'embedded: share of the true ten nearest that a search is to find, where ef_search is not given.',
        ),
      },
      {
        m: bareNumber('integer', 4, 64, 'Links per vector; qdrant: 48 where it is not given.'),
        ef_construction: bareNumber(
          'integer',
          8,
          1024,
          'Candidates looked at when a vector is added; qdrant: 200 where it is not given.',
        ),
        ef_search: bareNumber(
          'integer',
          8,
          4096,
          'Candidates looked at by a search; qdrant: 288 where it is not given.',
        ),
      },
    ),
    ...bulkhead('qdrant', 64, 10_000),
    circuit: circuit('qdrant'),
  },
  {
    indexing_threshold: bareNumber(
      'integer',
      1000,
      10_000_000,
      'Vectors of one namespace and level up to which search is exact; past it an HNSW index answers. Absent: from some thousand vectors on, where an index was measured to answer sooner.',
    ),
    url: bareText('qdrant: address of the server, as https://host:6333, without user or password.', {
      format: 'http-url',
    }),
    api_key: bareText('qdrant: key of the server; take it from the environment: VECTOR_DB__API_KEY.', {
      format: 'token',
      writeOnly: true,
    }),
    encryption_key: bareText(
      'embedded: 32 bytes as 64 hexadecimal digits or base64, with which texts, metadata and vectors are sealed on the disk; take it from the environment: VECTOR_DB__ENCRYPTION_KEY. Absent: they are stored as they are. See docs/encryption.md.',
      { writeOnly: true },
    ),
    encryption_key_path: bareText('embedded: file that holds it instead, which only its owner may read.', {
      isPath: true,
    }),
    previous_encryption_key: bareText(
      'embedded: what is stored was sealed with it before; `context-manager reseal` asks for it. Take it from the environment: VECTOR_DB__PREVIOUS_ENCRYPTION_KEY.',
      { writeOnly: true },
    ),
    previous_encryption_key_path: bareText('embedded: file that holds that one.', { isPath: true }),
    tls_enabled: bareFlag('qdrant: encrypt the connection; by default as url says.'),
    tls_cert_path: bareText('qdrant: file of the certificate authority to trust, in PEM.', { isPath: true }),
  },
);

const SUMMARY = section(
  'Cards of windows by a language model, beside the requests; see docs/windows.md. Whatever fails leaves the card of sentences.',
  {
    provider: choice(
      'none',
      ['none', 'http'],
      'none: cards are the sentences that say most. http: any OpenAI-compatible chat service makes them anew.',
    ),
    workers: integer(4, 1, 64, 'Requests to the model at a time.'),
    batch_size: integer(3, 1, 16, 'Cards of one session that a request asks for at most.'),
    max_queue: integer(100, 1, 10_000, 'Cards that wait; what comes on top stays as it is.'),
    timeout_secs: number(60, 0.1, 600, 'How long a request may take, in seconds.'),
    max_tokens_per_day: integer(
      2_000_000,
      0,
      1_000_000_000_000,
      'Tokens, questions and answers, that the servers of one store spend from midnight to midnight (UTC); past it cards stay as they are.',
    ),
    circuit: circuit('http'),
  },
  {
    api_url: bareText('http: base address of the service, as https://host/v1, without user or password.', {
      format: 'http-url',
    }),
    model: bareText('http: name of the model.'),
    api_token: bareText('http: sent as a bearer token; take it from the environment: SUMMARY__API_TOKEN.', {
      format: 'token',
      writeOnly: true,
    }),
  },
);

/** Every setting of the server, declared once. */
export const CONFIG_SCHEMA = section('context-manager', {
  server: SERVER,
  tls: TLS,
  rate_limit: RATE_LIMIT,
  protocol: PROTOCOL,
  keys: KEYS,
  embedding: EMBEDDING,
  vector_db: VECTOR_DB,
  hirag: HIRAG,
  window: WINDOW,
  summary: SUMMARY,
  snapshots: SNAPSHOTS,
  dashboard: DASHBOARD,
  gateway: GATEWAY,
  logging: LOGGING,
  audit: AUDIT,
  tracing: TRACING,
});
