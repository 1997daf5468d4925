// What main thread and the thread of an ONNX model tell each other.

/** How the vectors of a text's tokens become one. */
export type Pooling = 'mean' | 'cls' | 'last_token';

/** The Hugging Face hub, or another that speaks as it does. */
export interface HubAccess {
  /** Absent: the hub's own. */
  readonly url?: string | undefined;
  /** Sent as `Authorization: Bearer`. */
  readonly token?: string | undefined;
  /** It is given up when it sends nothing for so long. */
  readonly silenceMs: number;
}

export interface OnnxWorkerData {
  /** Folder, or name on the hub. */
  readonly model: string;
  readonly isFolder: boolean;
  /** `model`: as its files say. */
  readonly pooling: Pooling | 'model';
  /** Tokens that are read of a text, where the model can: then longer texts are refused; absent: they are cut. */
  readonly maxInputTokens?: number | undefined;
  /** Where models of the hub are kept. */
  readonly cacheFolder: string;
  readonly hub: HubAccess;
  /** What is imported as `@huggingface/transformers`. */
  readonly packageName: string;
}

/** What the thread has loaded. */
export interface LoadedModel {
  /** Of a text; its length is the model's. */
  readonly probe: Float32Array;
  /** Two models have the same where they make the same vectors: of weights, tokenizer and pooling, in hexadecimal. */
  readonly digest: string;
  /** That are read of a text. */
  readonly windowTokens: number;
}

/** Texts to embed; that nobody waits for those of a call any more; or that the thread is to end. */
export type ToOnnxThread =
  | { readonly id: number; readonly texts: readonly string[] }
  | { readonly givenUp: number }
  | { readonly end: true };

export type FromOnnxThread =
  /** The hub sends the model. */
  | { readonly downloading: string }
  | { readonly ready: LoadedModel }
  /** The model cannot be loaded: what the operator is told. */
  | { readonly fault: string; readonly remedy: string }
  | OnnxAnswer;

export type OnnxAnswer =
  /** Of the texts, one after another; the buffer is handed over. Zeros where a text has no token or is too long. */
  | { readonly id: number; readonly vectors: Float32Array; readonly tooLong: readonly number[] }
  /** Nobody waited for it. */
  | { readonly id: number; readonly givenUp: true }
  | { readonly id: number; readonly error: string };
