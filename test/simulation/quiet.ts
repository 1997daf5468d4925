import type { Operations } from './operations.ts';
import { must, PROMISES } from './promises.ts';
import { connect } from './steps.ts';
import type { TrueState } from './true-state.ts';
import type { SimClient } from './world.ts';

const SECOND_MS = 1_000;
/** A request is over within half a minute, and a connection that is gone is noticed in one and a half. */
const REST_SECONDS_MAX = 300;
const RISE_SECONDS_MAX = 120;

/** The trouble ends: everybody gets through again, and what nobody could tell is looked up. */
export class Quiet {
  readonly #operations: Operations;
  readonly #trueState: TrueState;

  constructor(operations: Operations, trueState: TrueState) {
    this.#operations = operations;
    this.#trueState = trueState;
  }

  async fall(): Promise<void> {
    const { world } = this.#operations;
    world.store.failShare = world.store.slowShare = 0;
    for (const { clock } of world.clients) clock.offsetMs = 0;
    if (world.life === null) world.startServer();
    await this.#rest();
    for (const link of this.#operations.replayed.splice(0))
      must(link.far.destroyed, PROMISES.replays, () => `${link.name} of ${link.client} is still open`);
    for (const client of world.clients) await this.#rise(client);
    // What was under way in the network has come by now, or never will.
    await this.#rest();
    await this.#lookUp();
    this.#operations.isSkewed = false;
    this.#operations.tampered.clear();
  }

  async #rest(): Promise<void> {
    const { world } = this.#operations;
    for (let seconds = 0; seconds < REST_SECONDS_MAX; seconds++) {
      await world.pass(SECOND_MS);
      const isBusy = this.#operations.runningCount > 0 || world.store.isBusy;
      if (!isBusy && world.network.links.every((link) => !link.isBusy)) return;
    }
    must(
      this.#operations.runningCount === 0,
      PROMISES.rises,
      () => `${this.#operations.runningCount} requests never end`,
    );
  }

  async #rise(client: SimClient): Promise<void> {
    const { world } = this.#operations;
    let isUp = false;
    for (let seconds = 0; seconds < RISE_SECONDS_MAX && !isUp; seconds++) {
      if (client.sdk === null) connect(world, client);
      else
        client.sdk.ping({ timeoutMs: 10_000 }).then(
          () => (isUp = true),
          (error: unknown) => world.trace.note(`${client.plan.name} gets no ping: ${String(error)}`),
        );
      await world.pass(SECOND_MS);
    }
    must(isUp, PROMISES.rises, () => `${client.plan.name} gets no answer in ${RISE_SECONDS_MAX} s`);
  }

  async #lookUp(): Promise<void> {
    const { world, model } = this.#operations;
    const texts = new Map<string, string>();
    for (const namespace of new Set(world.clients.map(({ plan }) => plan.namespace)))
      for (const { text } of await this.#trueState.records(namespace)) texts.set(text.split(' ', 1)[0] ?? '', text);
    for (const entry of model.entries) {
      const text = texts.get(entry.mark);
      const state = text === undefined ? null : entry.texts.indexOf(text);
      // A lifetime that is over hides it, until a sweep deletes it or the clock is set back.
      if (entry.states.size > 1 && (state !== null || entry.ttlMs === null)) model.set(entry, [state]);
      if (entry.session === null) entry.isTaken = false;
    }
    for (const conversation of model.conversations) {
      // What was not acknowledged may be there as contexts, and yet not be listed by the window.
      const there = conversation.batches.filter(({ entries }) => entries.every(({ certain }) => certain !== null));
      conversation.batches.splice(0, Infinity, ...there);
      conversation.isTaken = false;
    }
    await this.#lookUpFacts();
  }

  async #lookUpFacts(): Promise<void> {
    for (const succession of this.#operations.model.successions) {
      if (!succession.isTaken) continue;
      const held = await this.#trueState.factIds(succession);
      for (const fact of succession.facts) fact.isCertain = true;
      succession.facts.splice(0, Infinity, ...succession.facts.filter(({ id }) => held.has(id)));
      succession.isTaken = false;
    }
  }
}
