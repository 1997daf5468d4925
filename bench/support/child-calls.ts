import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

type Operation = (args: never) => unknown;

/** What a child process answers to, by name. */
export type Operations = Readonly<Record<string, Operation>>;

interface Question {
  readonly number: number;
  readonly name: string;
  readonly args: unknown;
}

interface Answer {
  readonly number: number;
  readonly value?: unknown;
  readonly error?: string;
}

type Result<Of> = Of extends (...args: never[]) => infer R ? Awaited<R> : never;
type Argument<Of> = Of extends (args: infer A) => unknown ? A : undefined;

/** A program of ours in a process of its own, that answers calls. */
export interface Child<O extends Operations> {
  readonly pid: number;
  call<Name extends keyof O & string>(name: Name, args: Argument<O[Name]>): Promise<Result<O[Name]>>;
  stop(): Promise<void>;
}

/** Starts `module`, whose last line is `answerCalls(operations)`. Calls reject where the operation throws or the child ends. */
export function startChild<O extends Operations>(module: URL, nodeArgs: readonly string[] = []): Child<O> {
  const child = fork(fileURLToPath(module), { serialization: 'advanced', execArgv: [...nodeArgs] });
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let calls = 0;
  child.on('message', (answer: Answer) => {
    const caller = waiting.get(answer.number);
    waiting.delete(answer.number);
    if (answer.error === undefined) caller?.resolve(answer.value);
    else caller?.reject(new Error(answer.error));
  });
  child.on('exit', (code) => {
    for (const caller of waiting.values()) caller.reject(new Error(`${module.pathname} ended with code ${code}`));
    waiting.clear();
  });
  return {
    pid: child.pid ?? -1,
    call: (name, args) =>
      new Promise((resolve, reject) => {
        const number = calls++;
        waiting.set(number, { resolve, reject });
        child.send({ number, name, args } satisfies Question);
      }),
    stop: () => stop(child),
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

/** The child's side. */
export function answerCalls(operations: Operations): void {
  process.on('message', (question: Question) => {
    const operation = operations[question.name] as ((args: unknown) => unknown) | undefined;
    Promise.resolve()
      .then(() => operation?.(question.args))
      .then(
        (value) => process.send?.({ number: question.number, value } satisfies Answer),
        (error: unknown) =>
          process.send?.({
            number: question.number,
            error: String(error instanceof Error ? error.stack : error),
          } satisfies Answer),
      );
  });
  // Nobody is left to ask.
  process.on('disconnect', () => process.exit(0));
}
