import { integer, number, section } from './setting.ts';

/** Sessions as conversations; docs/windows.md says what each number does. */
export const WINDOW = section('Windows: the live conversation of a session; see docs/windows.md.', {
  max_tokens: integer(4096, 64, 1_000_000, 'What is sent to a model at most, in tokens.'),
  offload_at: number(0.8, 0.01, 1, 'Share of max_tokens at which the oldest exchanges leave the window.'),
  relieve_to: number(0.6, 0.01, 1, 'Share that stays then at most.'),
  rearm_at: number(0.7, 0.01, 1, 'Where that was not enough: share below which it is tried again.'),
  card_tokens: integer(160, 32, 4096, 'Tokens of a card, which stands for what has left.'),
  recall_threshold: number(0.4, 0, 1, 'Score that a context needs to be recalled into a window.'),
  echo_similarity: number(0.95, 0, 1, 'How alike two answers of an assistant are that count as the same.'),
  echo_window: integer(10, 1, 50, 'Answers of the session that a new one is compared with.'),
  echo_strips: integer(
    3,
    0,
    3,
    'At the gateway: how often an answer that repeats another is asked for anew, without what was recalled, then without cards, then with the last exchange alone.',
  ),
  boredom_run: integer(5, 2, 1000, 'Such answers in a row that are told of as boredom.'),
  state: section('Entries of a session that its memory block shows, the newest of each list.', {
    goals: integer(2, 0, 50, 'Goals.'),
    tasks: integer(3, 0, 50, 'Tasks.'),
    decisions: integer(2, 0, 50, 'Decisions.'),
    facts: integer(3, 0, 50, 'Facts.'),
  }),
});
