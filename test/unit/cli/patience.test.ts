import { describe, expect, it } from 'vitest';
import { CodedError, badRequest } from '../../../src/base/errors.ts';
import { PassingFault } from '../../../src/base/resilience/passing-fault.ts';
import { CommandError } from '../../../src/cli/terminal/command-error.ts';
import { failureText, Patience } from '../../../src/cli/terminal/patience.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const GIVE_UP_MS = 10_000;

function patience(controller = new AbortController()) {
  const clock = new FakeClock();
  const waits: number[] = [];
  const sleep = (durationMs: number): Promise<void> => {
    waits.push(durationMs);
    clock.advance(durationMs);
    return Promise.resolve();
  };
  const gaveUp = (of: string, error: CodedError) => new CommandError(`the ${of} failed: ${failureText(error)}`);
  const told: string[] = [];
  const onWait = ({ message }: CodedError): void => void told.push(message);
  const { signal } = controller;
  return { waits, told, patience: new Patience({ giveUpMs: GIVE_UP_MS, clock, sleep, signal, gaveUp, onWait }) };
}

const down = (retryAfterMs?: number): CodedError =>
  new PassingFault('STORE_UNAVAILABLE', 'down', retryAfterMs === undefined ? {} : { retryAfterMs });

describe('patience', () => {
  it('tries again with growing waits, and tells how often it has failed', async () => {
    const { patience: patient, waits, told: reasons } = patience();
    const told: number[] = [];
    const answer = await patient.with('source', (failed) => {
      told.push(failed);
      return failed < 3 ? Promise.reject(down()) : Promise.resolve('done');
    });
    expect({ answer, told, waits }).toEqual({ answer: 'done', told: [0, 1, 2, 3], waits: [250, 500, 1000] });
    expect(reasons).toEqual(['down', 'down', 'down']);
  });

  it('waits as long as the store asks, and no longer than is left', async () => {
    const { patience: patient, waits } = patience();
    const failing = patient.with('destination', () => Promise.reject(down(8_000)));
    await expect(failing).rejects.toMatchObject({ name: 'CommandError', message: 'the destination failed: down' });
    expect(waits).toEqual([8_000, 2_000]);
  });

  it('has none where another attempt does not help, and says why', async () => {
    const { patience: patient, waits } = patience();
    const cause = new CodedError('STORE_UNAVAILABLE', 'refused', { permanent: true, cause: 'strict mode' });
    const refused = new CodedError('STORE_UNAVAILABLE', 'refused', { permanent: true, cause });
    const failing = patient.with('destination', () => Promise.reject(refused));
    await expect(failing).rejects.toMatchObject({ message: 'the destination failed: refused: strict mode' });
    expect(waits).toEqual([]);
  });

  it('leaves what is wrong with one context to whoever asked', async () => {
    const error = badRequest('/metadata', 'is too long');
    await expect(patience().patience.with('destination', () => Promise.reject(error))).rejects.toBe(error);
    const defect = new TypeError('x is not a function');
    await expect(patience().patience.with('destination', () => Promise.reject(defect))).rejects.toBe(defect);
  });

  it('ends with a signal, also where the call then fails', async () => {
    const controller = new AbortController();
    const reason = new Error('interrupted');
    const { patience: patient } = patience(controller);
    const interrupted = patient.with('source', () => {
      controller.abort(reason);
      return Promise.reject(down());
    });
    await expect(interrupted).rejects.toBe(reason);
    await expect(patient.with('source', () => Promise.resolve(1))).rejects.toBe(reason);
  });
});
