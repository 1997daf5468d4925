import type { SeededRandom } from '../support/seeded-random.ts';
import type { Entry, Model } from './model.ts';
import type { Asking, Operations } from './operations.ts';
import type { Span } from './promises.ts';
import * as reads from './reads.ts';
import type { SimClient, World } from './world.ts';
import * as writes from './writes.ts';

/** What the steps act on. */
export interface Stage {
  readonly world: World;
  readonly model: Model;
  readonly operations: Operations;
}

export interface Step {
  readonly name: string;
  /** How often it is taken, compared with the others. */
  readonly weight: number;
  readonly take: (stage: Stage, random: SeededRandom) => Promise<void>;
}

const HOUR_MS = 3_600_000;
const ENTRIES_OF_NAMESPACE = 40;
const REQUESTS_AT_ONCE = 4;
const PAUSE_MS_MAX = 250;
const STALL_MS_MAX = 40_000;
const DOWN_MS_MAX = 3_000;
const LONG_MS_MAX = 30_000;
const STOP_MS_MAX = 30_000;

type OfEntry = (asking: Asking, span: Span, entry: Entry) => Promise<string>;
type Request = (stage: Stage, client: SimClient, random: SeededRandom) => void;

/** By how often they are made. */
const REQUESTS: readonly (readonly [number, Request])[] = [
  [10, ask('store', writes.store)],
  [3, ask('batch', writes.storeBatch)],
  [6, ofOne('update', isFree, writes.update)],
  [4, ofOne('delete', isFree, writes.remove)],
  [3, ofOne('again', (entry) => isFree(entry) && entry.ttlMs === null, writes.storeAgain)],
  [5, ask('append', writes.append)],
  [3, ask('fact', writes.putFact)],
  [1, ask('limit', writes.pastLimit)],
  [3, trespass],
  [6, asked('get', ({ id }) => id !== null, reads.get)],
  [6, asked('find', isFree, reads.find)],
  [4, ask('query', reads.query)],
  [4, ask('list', reads.list)],
  [4, ask('window', reads.window)],
  [3, ask('facts', reads.facts)],
  [2, ask('ping', reads.ping)],
];

export const STEPS: readonly Step[] = [
  { name: 'requests', weight: 60, take: requests },
  { name: 'flood', weight: 2, take: flood },
  { name: 'time passes', weight: 6, take: ({ world }, random) => world.pass(random.below(LONG_MS_MAX)) },
  { name: 'a cut', weight: 5, take: (stage, random) => onLink(stage, random, (link) => link.cut()) },
  { name: 'a stall', weight: 4, take: stall },
  { name: 'a replay', weight: 3, take: replay },
  { name: 'damage', weight: 2, take: damage },
  { name: 'a kill', weight: 3, take: kill },
  { name: 'a stop', weight: 2, take: stop },
  { name: 'the clock of the server jumps', weight: 2, take: serverJump },
  { name: 'the clock of a client jumps', weight: 2, take: clientJump },
  { name: 'trouble with the store', weight: 3, take: storeTrouble },
];

async function requests(stage: Stage, random: SeededRandom): Promise<void> {
  for (let count = 1 + random.below(REQUESTS_AT_ONCE); count > 0; count--) request(stage, random);
  await stage.world.pass(random.below(PAUSE_MS_MAX));
}

/** More at once than a server has been asked for so far. */
async function flood(stage: Stage, random: SeededRandom): Promise<void> {
  for (let count = 0; count < 40; count++) request(stage, random);
  await stage.world.pass(random.below(PAUSE_MS_MAX));
}

function request(stage: Stage, random: SeededRandom): void {
  const client = random.pick(stage.world.clients);
  if (client.sdk === null) return connect(stage.world, client);
  let left = random.next() * REQUESTS.reduce((sum, [weight]) => sum + weight, 0);
  const [, make] = REQUESTS.find(([weight]) => (left -= weight) < 0) ?? REQUESTS[0]!;
  make(stage, client, random);
}

export function connect(world: World, client: SimClient): void {
  if (client.isConnecting) return;
  world.trace.note(`${client.plan.name} connects`);
  world.connect(client).then(
    () => world.trace.note(`${client.plan.name} is connected`),
    (error: unknown) => world.trace.note(`${client.plan.name} is not connected: ${String(error)}`),
  );
}

function ask(name: string, make: Parameters<Operations['start']>[3]): Request {
  return ({ operations }, client, random) => operations.start(name, client, random, make);
}

/** Of one that is there and that no other request changes. */
function ofOne(name: string, fits: (entry: Entry) => boolean, make: OfEntry): Request {
  return ({ model, operations }, client, random) => {
    const free = model.free(client.plan.namespace).filter((entry) => fits(entry) && entry.id !== null);
    if (free.length === 0) return;
    // The fuller the namespace, the more often the oldest goes.
    const entry = free.length > ENTRIES_OF_NAMESPACE ? free[0]! : random.pick(free);
    operations.start(`${name} ${entry.mark}`, client, random, (asking, span) => make(asking, span, entry));
  };
}

/** Of one that was there, whatever is done to it. */
function asked(name: string, fits: (entry: Entry) => boolean, make: OfEntry): Request {
  return ({ model, operations }, client, random) => {
    const own = model.entries.filter((entry) => entry.namespace === client.plan.namespace && fits(entry));
    if (own.length === 0) return;
    const entry = random.pick(own.slice(-ENTRIES_OF_NAMESPACE));
    operations.start(`${name} ${entry.mark}`, client, random, (asking, span) => make(asking, span, entry));
  };
}

function trespass({ model, operations }: Stage, client: SimClient, random: SeededRandom): void {
  const foreign = model.entries.filter((entry) => entry.namespace !== client.plan.namespace);
  if (foreign.length === 0) return;
  const entry = random.pick(foreign.slice(-ENTRIES_OF_NAMESPACE));
  operations.start(`trespass ${entry.mark}`, client, random, (asking, span) => writes.trespass(asking, span, entry));
}

async function onLink(
  { world }: Stage,
  random: SeededRandom,
  act: (link: World['network']['links'][number]) => void,
): Promise<void> {
  const { links } = world.network;
  if (links.length > 0) {
    const link = random.pick(links);
    world.trace.note(`${link.name} of ${link.client}`);
    act(link);
  }
  await world.pass(random.below(PAUSE_MS_MAX));
}

function stall(stage: Stage, random: SeededRandom): Promise<void> {
  return onLink(stage, random, ({ toServer, toClient }) => {
    const durationMs = random.below(random.chance(0.2) ? STALL_MS_MAX : 2_000);
    if (random.chance(0.7)) toServer.stall(durationMs);
    if (random.chance(0.7)) toClient.stall(durationMs);
  });
}

/** Somebody in between sends again what a client has sent. */
function replay(stage: Stage, random: SeededRandom): Promise<void> {
  return onLink(stage, random, (link) => {
    if (!link.far.destroyed && link.toServer.replay()) {
      stage.operations.tampered.add(link.client);
      stage.operations.replayed.push(link);
    }
  });
}

function damage(stage: Stage, random: SeededRandom): Promise<void> {
  return onLink(stage, random, (link) => {
    stage.operations.tampered.add(link.client);
    random.pick([link.toServer, link.toClient]).damage();
  });
}

async function kill({ world }: Stage, random: SeededRandom): Promise<void> {
  world.killServer();
  await world.pass(random.below(DOWN_MS_MAX));
  if (world.life === null) world.startServer();
}

async function stop({ world }: Stage, random: SeededRandom): Promise<void> {
  const { life } = world;
  if (life === null) return;
  void world.stopServer(1_000 + random.below(4_000));
  for (let waitedMs = 0; world.life === life && waitedMs < STOP_MS_MAX; waitedMs += 500) await world.pass(500);
  // One that hangs is killed.
  if (world.life === life) world.killServer();
  await world.pass(random.below(DOWN_MS_MAX));
  world.startServer();
}

async function serverJump({ world, operations }: Stage, random: SeededRandom): Promise<void> {
  const byMs = random.below(2 * HOUR_MS) - HOUR_MS;
  world.trace.note(`by ${byMs} ms`);
  operations.sawWall();
  world.clock.setWallClock(world.clock.nowMs() + byMs);
  operations.sawWall();
  // What is under way bears the time of before.
  operations.isSkewed = true;
  // The clients' own go on as they were, or are on the same machine.
  if (random.chance(0.5)) for (const { clock } of world.clients) clock.offsetMs -= byMs;
  await world.pass(random.below(5_000));
}

async function clientJump({ world, operations }: Stage, random: SeededRandom): Promise<void> {
  const { clock, plan } = random.pick(world.clients);
  operations.isSkewed = true;
  clock.offsetMs = random.chance(0.4) ? 0 : random.below(2 * HOUR_MS) - HOUR_MS;
  world.trace.note(`${plan.name} is off by ${clock.offsetMs} ms`);
  await world.pass(random.below(2_000));
}

async function storeTrouble({ world }: Stage, random: SeededRandom): Promise<void> {
  world.store.failShare = random.chance(0.5) ? random.next() : 0;
  world.store.slowShare = random.chance(0.5) ? random.next() / 2 : 0;
  world.trace.note(`fails ${world.store.failShare.toFixed(2)}, slow ${world.store.slowShare.toFixed(2)}`);
  await world.pass(random.below(5_000));
  if (random.chance(0.5)) world.store.failShare = world.store.slowShare = 0;
}

function isFree({ isTaken, certain, wasOver }: Entry): boolean {
  return !isTaken && certain !== null && !wasOver;
}
