import { EventEmitter } from 'node:events';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { describe, expect, it } from 'vitest';
import type { Asker } from '../../../../../src/api/asker.ts';
import type { Call } from '../../../../../src/api/call.ts';
import type { Gate } from '../../../../../src/api/gate.ts';
import type { Login } from '../../../../../src/fronts/http/dashboard/logins.ts';
import { isReading, RequestDoor } from '../../../../../src/fronts/http/dashboard/request-door.ts';
import { FakeClock } from '../../../../support/fake-clock.ts';

describe('what the dashboard asks', () => {
  it('is abandoned with its browser, by one listener however much is asked for one reply', async () => {
    const askers: Asker[] = [];
    const gate = { serve: (_request: object, asker: Asker) => void askers.push(asker) } as unknown as Gate;
    const door = new RequestDoor({ gate, clock: new FakeClock(), addressBucket: () => null });
    const raw = new EventEmitter();
    const request = { socket: {} } as FastifyRequest;
    const reply = { raw } as unknown as FastifyReply;
    const ask = (): Promise<object> => door.ask('context.list', {}, {} as Login, request, reply);
    door.enter(reply);
    for (let i = 0; i < 50; i++) {
      const answer = ask();
      askers.at(-1)!.reply({ i });
      expect(await answer).toEqual({ i });
    }
    expect(raw.listenerCount('close')).toBe(1);
    const abandoned: number[] = [];
    for (let i = 0; i < 2; i++) {
      void ask();
      askers.at(-1)!.started({ abandon: () => void abandoned.push(i) } as unknown as Call);
    }
    raw.emit('close');
    expect(abandoned).toEqual([0, 1]);
  });

  it('changes nothing', () => {
    expect(isReading('context.query', {})).toBe(true);
    expect(isReading('admin.slowlog', { limit: 3 })).toBe(true);
    expect(isReading('admin.slowlog', { reset: false })).toBe(true);
    for (const reset of [true, 1, 'true', {}]) expect(isReading('admin.slowlog', { reset })).toBe(false);
    for (const type of ['context.store', 'admin.gc', 'toString']) expect(isReading(type, {})).toBe(false);
  });
});
