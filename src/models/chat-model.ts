import { PassingFault } from '../base/resilience/passing-fault.ts';

export interface ChatRequest {
  /** What the model is to do. */
  readonly system: string;
  /** What it is to be done with: data, not instructions. */
  readonly user: string;
  /** Of the answer. */
  readonly maxTokens: number;
}

export interface ChatReply {
  readonly text: string;
  /** As the service counted them, question and answer together; absent: it did not say. */
  readonly tokens?: number;
}

/** It was asked, and what came back, if anything, is of no use: it may have cost as much as an answer. */
export class Unanswered extends PassingFault {}

/** A language model that is asked one thing at a time. */
export interface ChatModel {
  readonly id: string;
  /** Rejects with a retryable `CodedError` where a later attempt may succeed, else with one that is not, or as `signal` says. */
  complete(request: ChatRequest, signal: AbortSignal): Promise<ChatReply>;
}
