import { Duplex } from 'node:stream';
import { SeededRandom } from '../support/seeded-random.ts';
import { seedAt } from '../../src/base/seeded-random.ts';
import { Way, type WayDeps } from './way.ts';

const CONNECT_MS_MAX = 120;
/** Of connects: the answer never comes. */
const DEAF_SHARE = 0.02;
/** How long after a cut an end hears of it. */
const CUT_HEARD_MS_MAX = 400;

/** One end of a connection. */
class LinkEnd extends Duplex {
  readonly #out: Way;
  readonly #in: Way;

  constructor(out: Way, into: Way) {
    super();
    this.#out = out;
    this.#in = into;
    into.leadTo(this);
    // Who has not got it yet hears of no reset.
    this.on('error', () => undefined);
  }

  override _read(): void {
    this.#in.unblock();
  }

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    this.#out.send(bytes, done);
  }

  override _final(done: () => void): void {
    this.#out.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // What the system has taken still leaves, as it does after the end of a process.
    this.#out.end();
    done(error);
  }
}

/** A connection with its two directions. */
export class Link {
  readonly name: string;
  readonly client: string;
  readonly near: LinkEnd;
  readonly far: LinkEnd;
  readonly toServer: Way;
  readonly toClient: Way;
  readonly #deps: WayDeps;

  constructor(number: number, client: string, deps: WayDeps) {
    this.name = `link ${number}`;
    this.client = client;
    this.#deps = deps;
    this.toServer = new Way(`${client} ${number} >`, deps);
    this.toClient = new Way(`${client} ${number} <`, deps);
    this.near = new LinkEnd(this.toServer, this.toClient);
    this.far = new LinkEnd(this.toClient, this.toServer);
  }

  get isOpen(): boolean {
    return !this.near.destroyed || !this.far.destroyed;
  }

  get isBusy(): boolean {
    return this.toServer.isBusy || this.toClient.isBusy;
  }

  /** Both ends are told that it was reset, each in its time; what is under way is lost. */
  cut(): void {
    const { clock, random } = this.#deps;
    this.toServer.lose();
    this.toClient.lose();
    for (const end of [this.near, this.far])
      clock.after(random.below(CUT_HEARD_MS_MAX), () => {
        if (!end.destroyed) end.destroy(reset());
      });
  }
}

/** Connections between clients and a server, as seeded chance has them. */
export class Network {
  /** Takes the server's end of a connection; null: nobody listens. */
  listener: ((far: Duplex) => void) | null = null;
  readonly #deps: Omit<WayDeps, 'random'>;
  readonly #seed: number;
  #links: Link[] = [];
  #opened = 0;

  constructor(seed: number, deps: Omit<WayDeps, 'random'>) {
    this.#seed = seed;
    this.#deps = deps;
  }

  /** Those that one end at least has not left. */
  get links(): readonly Link[] {
    this.#links = this.#links.filter(({ isOpen, isBusy }) => isOpen || isBusy);
    return this.#links;
  }

  /** The client's end of a new connection; when the server has it is for chance to say, so later ones may come first. */
  open(client: string): Duplex {
    const number = ++this.#opened;
    const random = new SeededRandom(seedAt(this.#seed, number));
    const link = new Link(number, client, { ...this.#deps, random });
    const { clock, trace } = this.#deps;
    const delayMs = random.below(CONNECT_MS_MAX);
    if (random.chance(DEAF_SHARE)) {
      trace.note(`${link.name} of ${client}: nobody hears it`);
      link.toServer.lose();
      this.#links.push(link);
      return link.near;
    }
    clock.after(delayMs, () => {
      if (link.near.destroyed) return link.far.destroy();
      if (this.listener === null) {
        link.near.destroy(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }));
        return;
      }
      trace.note(`${link.name} of ${client} is accepted`);
      this.listener(link.far);
    });
    this.#links.push(link);
    return link.near;
  }
}

function reset(): Error {
  return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
}
