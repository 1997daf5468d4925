import type { LanguageModelMiddleware } from 'ai';

type Transform = Parameters<NonNullable<LanguageModelMiddleware['transformParams']>>[0];
/** What a model is called with. */
export type CallParams = Transform['params'];
export type Prompt = CallParams['prompt'];
type Message = Prompt[number];
type UserMessage = Extract<Message, { role: 'user' }>;

/** The last thing that the user said, and where it stands. */
export interface Question {
  readonly place: number;
  readonly message: UserMessage;
  readonly text: string;
  /** Whether the model has gone on from it already, by calling tools. */
  readonly isContinued: boolean;
}

/** Null: nobody asked anything in words. */
export function questionOf(prompt: Prompt): Question | null {
  const place = prompt.findLastIndex(({ role }) => role === 'user');
  const message = prompt[place];
  if (message?.role !== 'user') return null;
  const text = textOf(message);
  return text === '' ? null : { place, message, text, isContinued: place < prompt.length - 1 };
}

/** What the assistant has said since, between its calls of tools. */
export function saidSince(prompt: Prompt, { place }: Question): string[] {
  return prompt
    .slice(place + 1)
    .filter(({ role }) => role === 'assistant')
    .map(textOf)
    .filter((text) => text !== '');
}

/** What a message says in words; parts stand on lines of their own. */
export function textOf({ content }: Message): string {
  if (typeof content === 'string') return content.trim();
  const texts = content.flatMap((part) => (part.type === 'text' ? [part.text] : []));
  return texts.join('\n').trim();
}

/** The prompt with a text of its own before what the user said last; nothing before that changes. */
export function withMemory(prompt: Prompt, { place, message }: Question, block: string): Prompt {
  const told: UserMessage = { ...message, content: [{ type: 'text', text: `${block}\n` }, ...message.content] };
  return prompt.with(place, told);
}
