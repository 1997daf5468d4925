import { describe, expect, it } from 'vitest';
import { Call } from '../../../clients/typescript/src/call.ts';
import { CallQueue } from '../../../clients/typescript/src/call-queue.ts';
import { seededRandom } from '../../../src/base/seeded-random.ts';

const nothing = (): void => undefined;

function callOf(number: number): Call {
  return new Call({
    type: String(number),
    payload: {},
    traceparent: undefined,
    deadlineAtMs: Infinity,
    retrySafe: true,
    site: null,
    onExpired: nothing,
    resolve: nothing,
    reject: nothing,
  });
}

describe('CallQueue', () => {
  it('is in the order of an array, whoever leaves it from the middle', () => {
    const random = seededRandom(3);
    const queue = new CallQueue();
    let expected: Call[] = [];
    for (let step = 0; step < 3_000; step++) {
      const dice = random();
      if (dice < 0.5) {
        const call = callOf(step);
        queue.push(call);
        expected.push(call);
      } else if (dice < 0.75) {
        expect(queue.shift()).toBe(expected.shift());
      } else if (dice < 0.99) {
        const call = expected[Math.floor(random() * expected.length)] ?? callOf(step);
        queue.remove(call);
        queue.remove(call);
        expected = expected.filter((other) => other !== call);
      } else {
        expect(queue.takeAll()).toEqual(expected);
        expected = [];
      }
      expect(queue.size).toBe(expected.length);
      expect([...queue].map(({ type }) => type)).toEqual(expected.map(({ type }) => type));
    }
  });
});
