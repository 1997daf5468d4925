import type { ReplyPayloads, RequestPayloads, RequestType } from '../../protocol/messages.generated.ts';

/** Where the memory is asked: over a client, or through the gate. */
export interface MemoryPort {
  /** Rejects with an error that has a `code` of the wire protocol or of the client. */
  ask<T extends RequestType>(type: T, payload: RequestPayloads[T], signal?: AbortSignal): Promise<ReplyPayloads[T]>;
}

/** What the tools work on where a call does not say it. */
export interface MemoryScope {
  /** Default: that of the key. */
  readonly namespace?: string;
  /** Whose memory: reads see this agent's alone, and it is written as theirs. Default: all are read, and the door's name is written. */
  readonly agentId?: string;
  /** Default: none. */
  readonly sessionId?: string;
}
