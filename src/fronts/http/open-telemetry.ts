import { ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api';
import type { Clock } from '../../base/clock.ts';
import { StartupError } from '../../base/errors.ts';
import type { RequestTrace, StageTrace, TracedRequest, Tracing } from '../../base/tracing.ts';
import type { Settings } from '../../config/settings.ts';

/**
 * Names of OpenTelemetry's conventions for generative AI, which are still in development: they stand here alone.
 * https://github.com/open-telemetry/semantic-conventions-genai
 */
const OPERATION = 'gen_ai.operation.name';
const STORE_ID = 'gen_ai.memory.store.id';
const RECORD_ID = 'gen_ai.memory.record.id';
const RECORD_COUNT = 'gen_ai.memory.record.count';
const ERROR_TYPE = 'error.type';
const OPERATIONS: Readonly<Record<string, string>> = {
  'context.store': 'create_memory',
  'context.store_batch': 'create_memory',
  'context.query': 'search_memory',
  'context.get': 'search_memory',
  'context.list': 'search_memory',
  'context.update': 'update_memory',
  'context.delete': 'delete_memory',
  'level.clear': 'delete_memory',
};
const STAGE_OPERATIONS: Readonly<Record<string, string>> = { embed: 'embeddings' };
/** The server's own. */
const REQUEST_TYPE = 'context_manager.request.type';

/** Spans that wait to be sent; more are dropped. */
const WAITING_SPANS_MAX = 4_096;
const BATCH_SPANS_MAX = 512;
const SEND_TIMEOUT_MS = 5_000;

export interface OpenedTracing {
  readonly tracing: Tracing;
  /** Sends what waits, but does not wait long for it. */
  close(): Promise<void>;
}

/** Sends spans over OTLP/HTTP. Throws `StartupError` where the packages for it are not installed. */
export async function openTracing(
  { endpoint, sampleRatio, namespaces }: Settings['tracing'],
  version: string,
  clock: Clock,
): Promise<OpenedTracing> {
  const [sdk, { OTLPTraceExporter }, { resourceFromAttributes }] = await loadSdk();
  const exporter = new OTLPTraceExporter({ url: endpoint, timeoutMillis: SEND_TIMEOUT_MS });
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'context-manager', 'service.version': version }),
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(sampleRatio) }),
    spanProcessors: [
      new sdk.BatchSpanProcessor({
        exporter,
        maxQueueSize: WAITING_SPANS_MAX,
        maxExportBatchSize: BATCH_SPANS_MAX,
        exportTimeoutMillis: SEND_TIMEOUT_MS,
      }),
    ],
  });
  return {
    tracing: new SpanTracing(provider.getTracer('context-manager', version), namespaces),
    async close() {
      const timeout = Promise.withResolvers<void>();
      const cancel = clock.after(SEND_TIMEOUT_MS, timeout.resolve);
      await Promise.race([provider.shutdown().catch(() => undefined), timeout.promise]);
      cancel();
    },
  };
}

async function loadSdk() {
  try {
    return await Promise.all([
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ]);
  } catch (error) {
    throw new StartupError(
      'tracing.enabled needs packages that are not installed',
      'npm install @opentelemetry/sdk-trace @opentelemetry/exporter-trace-otlp-http @opentelemetry/resources',
      error,
    );
  }
}

class SpanTracing implements Tracing {
  readonly #tracer: Tracer;
  readonly #showsNamespaces: boolean;

  constructor(tracer: Tracer, showsNamespaces: boolean) {
    this.#tracer = tracer;
    this.#showsNamespaces = showsNamespaces;
  }

  request({ type, traceparent, namespace, recordId }: TracedRequest): RequestTrace {
    const operation = OPERATIONS[type];
    const attributes = {
      [REQUEST_TYPE]: type,
      ...(operation === undefined ? {} : { [OPERATION]: operation }),
      ...(this.#showsNamespaces && namespace !== undefined ? { [STORE_ID]: namespace } : {}),
      ...(recordId === undefined ? {} : { [RECORD_ID]: recordId }),
    };
    const parent = traceparent === undefined ? ROOT_CONTEXT : contextOf(traceparent);
    const span = this.#tracer.startSpan(operation ?? type, { kind: SpanKind.SERVER, attributes }, parent);
    return new SpanOfRequest(this.#tracer, span);
  }
}

class SpanOfRequest implements RequestTrace {
  readonly traceId: string;
  readonly #tracer: Tracer;
  readonly #span: Span;

  constructor(tracer: Tracer, span: Span) {
    this.traceId = span.spanContext().traceId;
    this.#tracer = tracer;
    this.#span = span;
  }

  stage(name: string): StageTrace {
    const operation = STAGE_OPERATIONS[name];
    const attributes = operation === undefined ? {} : { [OPERATION]: operation };
    const context = trace.setSpan(ROOT_CONTEXT, this.#span);
    const span = this.#tracer.startSpan(operation ?? name, { kind: SpanKind.INTERNAL, attributes }, context);
    return {
      end(hasFailed) {
        if (hasFailed) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
      },
    };
  }

  end(outcome: string, records: number | undefined): void {
    if (records !== undefined) this.#span.setAttribute(RECORD_COUNT, records);
    if (outcome !== 'ok') {
      this.#span.setAttribute(ERROR_TYPE, outcome);
      this.#span.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.#span.end();
  }
}

/** `traceparent` has its shape: version, trace id, parent id, flags. */
function contextOf(traceparent: string) {
  const [, traceId = '', spanId = '', flags = ''] = traceparent.split('-');
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
  });
}
