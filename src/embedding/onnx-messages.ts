// What main thread and the thread of an ONNX model tell each other.

/** How the vectors of a text's tokens become one. */
export type Pooling = 'mean' | 'cls' | 'last_token';

export interface OnnxWorkerData {
  /** Folder, or name on the hub. */
  readonly model: string;
  readonly isFolder: boolean;
  /** `model`: as its files say. */
  readonly pooling: Pooling | 'model';
  /** What is imported as `@huggingface/transformers`. */
  readonly packageName: string;
}

/** Texts to embed, one call at a time; then that nobody waits for them any more, or that the thread is to end. */
export type ToOnnxThread =
  | { readonly id: number; readonly texts: readonly string[] }
  | { readonly givenUp: number }
  | { readonly end: true };

export type FromOnnxThread =
  /** What the model made of a text at the start. */
  | { readonly ready: Float32Array }
  /** The model cannot be loaded: what the operator is told. */
  | { readonly fault: string; readonly remedy: string }
  /** Of the texts, one after another; the buffer is handed over. Zeros where a text has no token. */
  | { readonly id: number; readonly vectors: Float32Array }
  | { readonly id: number; readonly error: string };
