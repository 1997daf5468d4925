/** Why there is no model, and what the operator can do. */
export class OnnxFault extends Error {
  readonly remedy: string;

  constructor(message: string, remedy: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'OnnxFault';
    this.remedy = remedy;
  }
}

/** Its first line, with that of what caused it: `fetch failed` alone says nothing. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return firstLine(String(error));
  const { message, cause } = error;
  return cause instanceof Error && !message.includes(cause.message)
    ? `${firstLine(message)}: ${firstLine(cause.message)}`
    : firstLine(message);
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
