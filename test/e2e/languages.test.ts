import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../../clients/typescript/src/index.ts';
import { World } from './support/processes.ts';

interface Language {
  readonly name: string;
  readonly memories: readonly string[];
  /** Each question with the place of the memory that answers it; worded in other forms of the same words. */
  readonly questions: readonly (readonly [question: string, answer: number])[];
}

const LANGUAGES: readonly Language[] = [
  {
    name: 'Signs',
    memories: [
      'Ann writes C at work',
      'Bob writes C# at work',
      'Cem writes C++ at work',
      'Eve writes F# at work',
      'Dora uses .NET there',
      'Fay uses the net there',
      'The discount is 50 $ this week',
      'The discount is 50 % this week',
      'The discount is 50 € this week',
      'We shipped it 🎉',
      'We broke it 😭',
      'Tell @ann about the launch',
      'Tell Ann about the launch',
      'Posts about it have #launch in them',
      'She works in R&D now',
      'She works in D now',
    ],
    questions: [
      ['Who writes C#?', 1],
      ['Who writes C++?', 2],
      ['Who writes F#?', 3],
      ['Who uses .NET?', 4],
      ['Who uses the net?', 5],
      ['Is the discount 50 %?', 7],
      ['Is the discount 50%?', 7],
      ['Is the discount 50 percent?', 7],
      ['Is the discount $50?', 6],
      ['Is the discount 50€?', 8],
      ['🎉', 9],
      ['😭?', 10],
      ['What is for @ann?', 11],
      ['Which posts have #launch?', 13],
      ['Who works in R&D?', 14],
    ],
  },
  {
    name: 'German',
    memories: [
      'Die Kundin möchte ihre Rechnungen per Post erhalten.',
      'Der Zug nach Köln hatte gestern zwei Stunden Verspätung.',
      'Unser Büroschlüssel liegt beim Pförtner im Erdgeschoss.',
      'Müllers Großmutter backt jeden Sonntag Apfelkuchen.',
    ],
    questions: [
      ['Wie soll die Rechnung an die Kundin gehen?', 0],
      ['Wie viel Verspaetung hatte der Zug nach Koeln oder KÖLN?', 1],
      ['Wo finde ich den Schlüssel fürs Büro?', 2],
      ['Wer backt Kuchen mit Äpfeln, die Grossmutter?', 3],
    ],
  },
  {
    name: 'Russian',
    memories: [
      'Клиент просит присылать счета по почте.',
      'Вчера поезд в Казань опоздал на два часа.',
      'Ключ от офиса лежит у охранника на первом этаже.',
      'Бабушка Алёны печёт яблочный пирог по воскресеньям.',
    ],
    questions: [
      ['Как клиенту присылать счёт?', 0],
      ['На сколько опоздал поезд?', 1],
      ['Где ключи от офиса?', 2],
      ['Кто печет яблочные пироги?', 3],
    ],
  },
  {
    name: 'Hindi',
    memories: [
      'ग्राहक अपने बिल डाक से चाहता है।',
      'कल कानपुर की ट्रेन दो घंटे देर से आई।',
      'दफ़्तर की चाबी चौकीदार के पास है।',
      'सीमा की दादी हर रविवार सेब का हलवा बनाती हैं।',
    ],
    questions: [
      ['ग्राहक को बिल कैसे चाहिए?', 0],
      ['कानपुर की ट्रेन कितनी देर से आई?', 1],
      ['दफ़्तर की चाबी किसके पास है?', 2],
      ['हलवा कौन बनाती हैं?', 3],
    ],
  },
  {
    name: 'Chinese',
    memories: [
      '客户希望通过邮寄收到发票。',
      '昨天去成都的火车晚点了两个小时。',
      '办公室的钥匙在一楼门卫那里。',
      '小梅的奶奶每个星期天都烤苹果派。',
    ],
    questions: [
      ['发票要怎么寄给客户？', 0],
      ['火车晚点多久？', 1],
      ['办公室钥匙在哪里？', 2],
      ['谁会烤苹果派？', 3],
      ['派', 3],
    ],
  },
  {
    name: 'Japanese',
    memories: [
      'お客様は請求書を郵送で受け取りたいそうです。',
      '昨日、仙台行きの新幹線が二時間遅れました。',
      '事務所の鍵は一階の守衛さんが持っています。',
      '花子のおばあさんは毎週日曜日にりんごのケーキを焼きます。',
    ],
    questions: [
      ['請求書はどうやって送りますか？', 0],
      ['新幹線はどのくらい遅れましたか？', 1],
      ['事務所の鍵は誰が持っていますか？', 2],
      ['りんごのケーキを焼くのは誰ですか？', 3],
      ['鍵は？', 2],
    ],
  },
  {
    name: 'Korean',
    memories: [
      '손님은 영수증을 우편으로 받고 싶어 한다.',
      '어제 부산행 기차가 두 시간 늦었다.',
      '사무실 열쇠는 일층 경비원에게 있다.',
      '민지네 개는 일요일마다 공원에서 뛰어논다.',
    ],
    questions: [
      ['영수증은 우편으로 보내요?', 0],
      ['부산행 기차는 얼마나 늦었나요?', 1],
      ['열쇠는 어디에 있나요?', 2],
      ['개', 3],
    ],
  },
];

const world = new World();
let client: Client;

beforeAll(async () => {
  const server = await world.serve(world.folder());
  client = await server.connect({ sender: 'polyglot' });
  const contexts = LANGUAGES.flatMap(({ memories }) => memories.map((text) => ({ text, level: 'long_term' as const })));
  await client.storeBatch({ contexts });
});

afterAll(async () => {
  await client.close();
  await world.cleanUp();
});

describe.each(LANGUAGES)('$name among other languages', ({ memories, questions }) => {
  it.each(questions)('%s', async (question, answer) => {
    // What a compound has in common with its parts is little, and yet more than with anything else.
    const { contexts } = await client.query({ query: question, limit: 3, relevance_threshold: 0.001 });
    expect(contexts[0]?.text).toBe(memories[answer]);
  });
});
