// What people put around a question: "Could you please tell me, if you happen to remember: ... Thank you!" These words are
// rare in what is stored, so that they would weigh more than the question itself.

import { foldText } from './segment.ts';
import { ENGLISH_STOP_WORDS } from './stopwords.ts';

/** Words that ask, greet or thank, as they are folded. A request has at least one of them. */
const MARKS = words(`
please kindly tell remind remember recall thank thanks wonder wondering know happen sorry bother appreciate mind hello dear
question curious help find ask advance show give list explain describe summarize summarise provide share search look check
bitte danke dank sag sage sagen erinnern erinnerst erinnere weisst weiss wissen wusste verrate verraten hilf helfen hallo
entschuldigung verzeihung konntest konnten
merci plait svp dis dites dire rappelle rappelez souviens souvenez savoir sais savez pourrais pourriez bonjour
favor gracias dime decirme digame recuerdas recuerda saber sabes podrias podria hola
favore grazie dimmi dirmi ricordi ricorda sapere sai potresti potrebbe ciao gentilmente
obrigado obrigada diga dizer lembra lembras sabe poderia ola
alsjeblieft alstublieft bedankt zeg zeggen vertel vertellen herinner weet weten
пожалуйста спасибо скажи скажите подскажи подскажите напомни напомните помнишь помните знаешь знаете узнать привет
здравствуите сказать подсказать напомнить расскажи расскажите рассказать покажи покажите
`);

/** Words that stand between those, beside English function words. */
const BETWEEN = words(`
able possible possibly maybe perhaps like want question
kannst konnen du sie mir uns ich mich dich sich es ob falls wenn mochte wurde wurdest gern gerne zufallig vielleicht mal noch
im voraus fur ihre deine hilfe an daran dass zu vielen schon auch guten tag
tu vous me moi nous je il si te s se de d beaucoup avance par hasard bien vouloir peux pouvez voudrais est ce que
por usted muchas muy lo antemano yo puedes quisiera te
per mi se ti mille molte anticipo che puoi vorrei cortesia
voce muito antemao eu pode podes gostaria
je jij u mij ik of als misschien willen kun kunt kan zou graag
вы ты мне бы не ли если большое заранее я ну вас можешь можете мог могла могли хотел хотела
`);

/** Behind one of these stands what is asked. `if` and `whether` stand in requests as well. */
const ASKING = words('what who whom whose when where why how which');

/** What thanks at the end of a sentence, without a comma before it. */
const THANKS = words(
  'thank thanks you very much so a lot please kindly in advance bitte danke merci gracias grazie obrigado',
);

const TOKEN = /[\p{L}\p{M}\p{N}]+|[.!?;:,\n…。！？，：；]/gu;
const IS_WORD = /^[\p{L}\p{M}\p{N}]/u;
/** What asks in more words is a text, and read as it stands. */
const CHARS_MAX = 2_000;

export interface Request {
  /** Folded words that stand in it only around what is asked. */
  readonly courtesies: ReadonlySet<string>;
  /** The text without them. */
  readonly core: string;
}

interface Word {
  readonly folded: string;
  readonly start: number;
  readonly end: number;
}

/**
 * Parts a question from what is wrapped around it, by clauses: a run of request words at the start of one, up to the first
 * word of another kind, and thanks at its end. Where nothing else is left, nothing is wrapped.
 */
export function requestOf(text: string): Request {
  const whole: Request = { courtesies: new Set(), core: text };
  if (text.length > CHARS_MAX) return whole;
  const around: Word[] = [];
  const asked = new Set<string>();
  for (const clause of clausesOf(text)) {
    const start = leadingRequest(clause);
    const end = Math.max(start, trailingThanks(clause));
    around.push(...clause.slice(0, start), ...clause.slice(end));
    for (const { folded } of clause.slice(start, end)) asked.add(folded);
  }
  const hasMore = [...asked].some((word) => !ENGLISH_STOP_WORDS.has(word));
  if (around.length === 0 || !hasMore) return whole;
  const courtesies = new Set(around.map(({ folded }) => folded).filter((word) => !asked.has(word)));
  return { courtesies, core: without(text, around) };
}

function clausesOf(text: string): Word[][] {
  const clauses: Word[][] = [[]];
  for (const match of text.matchAll(TOKEN)) {
    const [token] = match;
    if (!IS_WORD.test(token)) clauses.push([]);
    else clauses.at(-1)?.push({ folded: foldText(token), start: match.index, end: match.index + token.length });
  }
  return clauses;
}

/** Words of the clause that only ask for an answer, 0 where none of them does so. */
function leadingRequest(clause: readonly Word[]): number {
  let count = 0;
  let isRequest = false;
  for (const { folded } of clause) {
    const marks = MARKS.has(folded);
    if (ASKING.has(folded) || !(marks || BETWEEN.has(folded) || ENGLISH_STOP_WORDS.has(folded))) break;
    isRequest ||= marks;
    count++;
  }
  return isRequest ? count : 0;
}

/** Place in the clause from which on it only thanks; its length where it does not. */
function trailingThanks(clause: readonly Word[]): number {
  let at = clause.length;
  while (at > 0 && THANKS.has(clause[at - 1]?.folded ?? '')) at--;
  return clause.slice(at).some(({ folded }) => MARKS.has(folded)) ? at : clause.length;
}

function without(text: string, left: readonly Word[]): string {
  let core = '';
  let from = 0;
  for (const { start, end } of left) {
    core += text.slice(from, start);
    from = end;
  }
  core += text.slice(from);
  // Without the signs that stood between them.
  return core
    .replace(/^[^\p{L}\p{N}]+/u, '')
    .replace(/\s{2,}/g, ' ')
    .trim();
}

function words(list: string): ReadonlySet<string> {
  return new Set(list.trim().split(/\s+/u));
}
