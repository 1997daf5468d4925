import type { Context } from '../../protocol/messages.generated.ts';
import { toExportLine } from './export-line.ts';
import type { ReversedLines } from './reversed-lines.ts';

/** Contexts of the same moment that are held in memory; more of them go to `held`. */
const RUN_CHARS_MAX = 4 * 1024 * 1024;

/**
 * The lines of a namespace, in an order from which an import restores the list: contexts come as the list has them,
 * newest first, and by arrival where the moment of creation is the same. So those of one moment are turned round.
 * Bounded levels keep what entered last, so theirs come at the end, oldest first; with them comes what was created in
 * the same moment, whatever its level. `held` takes what has to wait.
 */
export async function* inImportOrder(contexts: AsyncIterable<Context>, held: ReversedLines): AsyncGenerator<string> {
  let run = new Run();
  for await (const context of contexts) {
    if (context.created_at !== run.createdAtMs) {
      yield* run.end();
      run = new Run();
    }
    await run.add(context, held);
  }
  yield* run.end();
  yield* held.drain();
}

/** Contexts that were created in the same moment. */
class Run {
  createdAtMs: number | undefined;
  #lines: string[] = [];
  #chars = 0;
  #isHeld = false;

  async add(context: Context, held: ReversedLines): Promise<void> {
    const line = toExportLine(context);
    this.createdAtMs = context.created_at;
    this.#lines.push(line);
    this.#chars += line.length;
    this.#isHeld ||= context.level !== 'long_term' || this.#chars > RUN_CHARS_MAX;
    if (this.#isHeld) await this.#moveTo(held);
  }

  *end(): Generator<string> {
    yield* this.#lines.reverse();
  }

  async #moveTo(held: ReversedLines): Promise<void> {
    for (const line of this.#lines) await held.push(line);
    this.#lines = [];
  }
}
