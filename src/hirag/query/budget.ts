import { LEVELS, type Level, type Priority } from '../../base/context.ts';
import { badRequest } from '../../base/errors.ts';

export type PerLevel = Readonly<Record<Level, number>>;

/** One context that would like to be in the answer; a list of them is in rank order, best first. */
export interface BudgetItem {
  readonly level: Level;
  readonly tokenCount: number;
  /** 0..1 */
  readonly relevance: number;
  /** It hardly fits the query: it may have what nothing else in the list has a use for. Absent: no. */
  readonly isFiller?: boolean;
}

export interface BudgetRules {
  readonly maxTokens: number;
  readonly limit: number;
  /** Part of the budget that each level may count on; only their proportions matter. */
  readonly shares: PerLevel;
  readonly minContextsPerLevel: number;
}

export interface BudgetOutcome {
  /** At each item's place: whether it is in the answer. */
  readonly included: readonly boolean[];
  readonly totalTokens: number;
  /** Tokens granted to each level in the end; their sum is `maxTokens`, or 0 without items. */
  readonly allocations: PerLevel;
}

/**
 * `Balanced`: 30/40/30, the widest share to the level that holds most of what is current.
 * `Recent`: 60/30/10, for a task in hand: what was just said first.
 * `Deep`: 10/30/60, its mirror, for questions about what happened long ago.
 */
const SHARES = {
  Balanced: [0.3, 0.4, 0.3],
  Recent: [0.6, 0.3, 0.1],
  Deep: [0.1, 0.3, 0.6],
} as const satisfies Record<Extract<Priority, string>, readonly number[]>;

/** Above it shares times tokens would be beyond what a number can hold. */
const SHARE_MAX = 1e100;

/** Throws `BAD_REQUEST` where the numbers are no shares. */
export function sharesOf(priority: Priority): PerLevel {
  const shares = typeof priority === 'string' ? SHARES[priority] : priority;
  const largest = Math.max(...shares);
  if (!shares.every((share) => share >= 0) || largest === Infinity)
    throw badRequest('/priority', 'must be a strategy or three non-negative numbers');
  const scale = largest > SHARE_MAX ? largest : 1;
  const [immediate, shortTerm, longTerm] = shares;
  return { immediate: immediate / scale, short_term: shortTerm / scale, long_term: longTerm / scale };
}

/**
 * Which of the ranked items the answer holds. Never more than `maxTokens` or `limit`.
 *
 * Where the best `limit` items fit together they are the answer: shares matter only when tokens are short. Then
 * items are taken by what they are worth, relevance / tokens^0.25, so that one long text does not take the place of
 * several that say as much:
 * 1. the one of most worth that fits is in, whatever its level;
 * 2. each level gets its minimum, as far as the minima fit together: a better item is not taken where it
 *    would leave no room for another level's smallest;
 * 3. each level fills its share (levels without items have handed theirs on at the start, and levels that need less
 *    than their share hand on the rest);
 * 4. what is left goes to whoever is worth most and fits;
 * 5. where places run out before tokens do, what ranks better takes the places of what ranks last in its level.
 * Fillers stand back in all of this, and get what is left behind it.
 * An item that does not fit is passed over and the next is tried, in every step.
 */
export function allocate(items: readonly BudgetItem[], rules: BudgetRules): BudgetOutcome {
  const packing = new Packing(items, rules);
  if (!packing.takeFirstIfTheyFit()) {
    packing.takeBest();
    packing.takeMinima();
    packing.takeWithinShares();
    packing.takeWhatFits();
    packing.takeBetterForTokensLeft();
  }
  packing.takeFillers();
  return packing.outcome();
}

class Packing {
  readonly #items: readonly BudgetItem[];
  /** Places of all but the fillers. */
  readonly #hits: readonly number[];
  readonly #fillers: readonly number[];
  #sorted: readonly number[] | null = null;
  readonly #rules: BudgetRules;
  readonly #included: boolean[];
  readonly #used: Record<Level, number> = { immediate: 0, short_term: 0, long_term: 0 };
  readonly #granted: PerLevel;
  #tokensLeft: number;
  #placesLeft: number;

  constructor(items: readonly BudgetItem[], rules: BudgetRules) {
    this.#items = items;
    const [hits, fillers]: [number[], number[]] = [[], []];
    items.forEach(({ isFiller }, i) => (isFiller === true ? fillers : hits).push(i));
    [this.#hits, this.#fillers] = [hits, fillers];
    this.#rules = rules;
    this.#included = new Array<boolean>(items.length).fill(false);
    this.#granted = grant(this.#hits.length > 0 ? this.#hits.map((i) => items[i] as BudgetItem) : items, rules);
    this.#tokensLeft = rules.maxTokens;
    this.#placesLeft = rules.limit;
  }

  /** The hits, those first that say most for their tokens; mostly nobody asks. */
  get #byWorth(): readonly number[] {
    return (this.#sorted ??= sortedByWorth(this.#items, this.#hits));
  }

  takeFirstIfTheyFit(): boolean {
    const first = this.#hits.slice(0, this.#rules.limit);
    if (sum(first.map((i) => this.#tokens(i))) > this.#rules.maxTokens) return false;
    for (const i of first) this.#take(i);
    return true;
  }

  takeBest(): void {
    const best = this.#byWorth.find((i) => this.#tokens(i) <= this.#tokensLeft);
    if (best !== undefined && this.#placesLeft > 0) this.#take(best);
  }

  takeMinima(): void {
    const wanted = this.#feasibleMinima();
    let reserved = sum(wanted.map((want) => smallest(want.waiting, want.count)));
    for (const want of wanted) {
      while (want.count > 0 && this.#placesLeft > 0) {
        reserved -= smallest(want.waiting, want.count);
        const index = this.#bestBeside(want, reserved);
        this.#take(index);
        want.waiting.splice(want.waiting.indexOf(this.#tokens(index)), 1);
        want.count--;
        reserved += smallest(want.waiting, want.count);
      }
    }
  }

  takeWithinShares(): void {
    for (const i of this.#byWorth) {
      const { level, tokenCount } = this.#items[i] as BudgetItem;
      if (tokenCount <= this.#granted[level] - this.#used[level]) this.#takeIfItFits(i);
    }
  }

  takeWhatFits(): void {
    for (const i of this.#byWorth) this.#takeIfItFits(i);
  }

  /** Where places ran out before tokens did, those that rank better take the places of the last of their level. */
  takeBetterForTokensLeft(): void {
    if (this.#placesLeft > 0) return;
    const end = this.#hits.length - 1;
    const lastPlaces: Record<Level, number> = { immediate: end, short_term: end, long_term: end };
    // What is taken stands before what it takes the place of, so that each level is gone through once.
    const lastOf = (level: Level): number => {
      const isOne = (i: number): boolean => this.#included[i] === true && this.#items[i]?.level === level;
      while (lastPlaces[level] >= 0 && !isOne(this.#hits[lastPlaces[level]] as number)) lastPlaces[level]--;
      return this.#hits[lastPlaces[level]] ?? -1;
    };
    for (const i of this.#hits) {
      if (this.#included[i]) continue;
      const last = lastOf((this.#items[i] as BudgetItem).level);
      if (last < i || this.#tokens(i) > this.#tokensLeft + this.#tokens(last)) continue;
      this.#leaveOut(last);
      this.#take(i);
    }
  }

  takeFillers(): void {
    for (const i of this.#fillers) this.#takeIfItFits(i);
  }

  outcome(): BudgetOutcome {
    return {
      included: this.#included,
      totalTokens: this.#rules.maxTokens - this.#tokensLeft,
      allocations: settle(this.#granted, this.#used),
    };
  }

  /** Levels in the order of their best item, with how many more contexts they are promised: as many as fit together. */
  #feasibleMinima(): Minimum[] {
    const wanted: Minimum[] = [];
    let room = this.#tokensLeft;
    for (const level of levelsByRank(this.#hits.map((i) => this.#items[i] as BudgetItem))) {
      const inLevel = this.#hits.filter((i) => this.#items[i]?.level === level);
      const open = inLevel.filter((i) => !this.#included[i]);
      const taken = inLevel.length - open.length;
      const waiting = open.map((i) => this.#tokens(i)).sort((a, b) => a - b);
      let count = Math.min(this.#rules.minContextsPerLevel - taken, waiting.length);
      while (count > 0 && smallest(waiting, count) > room) count--;
      if (count <= 0) continue;
      room -= smallest(waiting, count);
      wanted.push({ level, waiting, count });
    }
    return wanted;
  }

  /** The level's item of most worth that leaves room for the smallest of what is promised besides; there is one, its smallest. */
  #bestBeside(want: Minimum, reservedForOthers: number): number {
    const best = this.#byWorth.find((i) => {
      const { level, tokenCount } = this.#items[i] as BudgetItem;
      if (level !== want.level || this.#included[i]) return false;
      const rest = smallestBeside(want.waiting, want.count - 1, tokenCount);
      return tokenCount + rest + reservedForOthers <= this.#tokensLeft;
    });
    return best as number;
  }

  #takeIfItFits(index: number): void {
    if (this.#included[index] || this.#placesLeft === 0) return;
    if (this.#tokens(index) <= this.#tokensLeft) this.#take(index);
  }

  #take(index: number): void {
    const item = this.#items[index] as BudgetItem;
    this.#included[index] = true;
    this.#used[item.level] += item.tokenCount;
    this.#tokensLeft -= item.tokenCount;
    this.#placesLeft--;
  }

  #leaveOut(index: number): void {
    const item = this.#items[index] as BudgetItem;
    this.#included[index] = false;
    this.#used[item.level] -= item.tokenCount;
    this.#tokensLeft += item.tokenCount;
    this.#placesLeft++;
  }

  #tokens(index: number): number {
    return (this.#items[index] as BudgetItem).tokenCount;
  }
}

/** A context may cost sixteen times the tokens of another one that is half as relevant. */
const TOKENS_EXPONENT = 0.25;

function sortedByWorth(items: readonly BudgetItem[], places: readonly number[]): readonly number[] {
  const worth = items.map(({ relevance, tokenCount }) => relevance / Math.max(1, tokenCount) ** TOKENS_EXPONENT);
  return places.toSorted((a, b) => (worth[b] as number) - (worth[a] as number) || a - b);
}

interface Minimum {
  readonly level: Level;
  /** Token counts of the level's items that are not taken yet, ascending. */
  readonly waiting: number[];
  count: number;
}

/**
 * Splits the budget over the levels that have items: in proportion to their shares, where a level that needs
 * less than its part passes the rest on to those that need more. Whole tokens, summing to `maxTokens`.
 */
function grant(items: readonly BudgetItem[], rules: BudgetRules): PerLevel {
  const demand = { immediate: 0, short_term: 0, long_term: 0 };
  for (const item of items) demand[item.level] += item.tokenCount;
  const levels = levelsByRank(items);
  const shareOf = (level: Level): number => Math.max(0, rules.shares[level]);
  const fair = split(rules.maxTokens, levels, shareOf);

  const granted: Record<Level, number> = { immediate: 0, short_term: 0, long_term: 0 };
  let open = levels;
  let left = rules.maxTokens;
  for (;;) {
    const parts = split(left, open, shareOf);
    const content = open.filter((level) => demand[level] <= parts[level]);
    if (content.length === 0) {
      for (const level of open) granted[level] = parts[level];
      return wholeTokens(granted, levels, rules.maxTokens);
    }
    for (const level of content) {
      granted[level] = demand[level];
      left -= demand[level];
    }
    open = open.filter((level) => !content.includes(level));
    if (open.length === 0) break;
  }
  // Everything fits: what nobody needs stays where the shares put it.
  const spare = split(left, levels, (level) => Math.max(0, fair[level] - demand[level]));
  for (const level of levels) granted[level] += spare[level];
  return wholeTokens(granted, levels, rules.maxTokens);
}

/** In proportion to the weights; evenly where they are all zero. */
function split(amount: number, levels: readonly Level[], weightOf: (level: Level) => number): Record<Level, number> {
  const parts = { immediate: 0, short_term: 0, long_term: 0 };
  const total = sum(levels.map(weightOf));
  for (const level of levels) parts[level] = total > 0 ? (amount * weightOf(level)) / total : amount / levels.length;
  return parts;
}

/** Rounds down and gives what that leaves to the first levels, one token each. */
function wholeTokens(granted: PerLevel, levels: readonly Level[], total: number): PerLevel {
  const whole = { immediate: 0, short_term: 0, long_term: 0 };
  // A hair above an integer boundary lies what floating point left just below it.
  for (const level of levels) whole[level] = Math.floor(granted[level] + 1e-6);
  let left = levels.length === 0 ? 0 : total - sum(Object.values(whole));
  for (const level of levels) {
    if (left <= 0) break;
    whole[level]++;
    left--;
  }
  return whole;
}

/** What a level used beyond its grant came from the levels that used less; the sum stays. */
function settle(granted: PerLevel, used: PerLevel): PerLevel {
  const final = { ...granted };
  for (const taker of LEVELS) {
    for (const giver of LEVELS) {
      const missing = used[taker] - final[taker];
      if (missing <= 0) break;
      const moved = Math.min(missing, Math.max(0, final[giver] - used[giver]));
      final[giver] -= moved;
      final[taker] += moved;
    }
  }
  return final;
}

/** Levels that have items, in the order of their best one. */
function levelsByRank(items: readonly BudgetItem[]): Level[] {
  return [...new Set(items.map((item) => item.level))];
}

/** Sum of the first `count` of ascending token counts. */
function smallest(ascending: readonly number[], count: number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += ascending[i] ?? 0;
  return total;
}

/** The same with one item of `taken` tokens left out. */
function smallestBeside(ascending: readonly number[], count: number, taken: number): number {
  const within = count > 0 && taken <= (ascending[count - 1] ?? 0);
  return within ? smallest(ascending, count + 1) - taken : smallest(ascending, count);
}

function sum(values: readonly number[]): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
