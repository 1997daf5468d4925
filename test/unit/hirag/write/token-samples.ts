// Texts of the kinds that memories are made of, for measuring estimates of their tokens.

export interface TokenSample {
  readonly kind: string;
  readonly text: string;
}

const CODE_TYPESCRIPT = `import { createServer } from 'node:http';

interface Reading {
  readonly sensorId: string;
  readonly celsius: number;
  readonly takenAtMs: number;
}

/** Keeps the last readings of every sensor, the newest first. */
export class ReadingLog {
  readonly #bySensor = new Map<string, Reading[]>();
  readonly #max: number;

  constructor(max = 100) {
    if (!Number.isInteger(max) || max < 1) throw new RangeError(\`max must be at least 1, not \${max}\`);
    this.#max = max;
  }

  add(reading: Reading): void {
    const readings = this.#bySensor.get(reading.sensorId) ?? [];
    readings.unshift(reading);
    if (readings.length > this.#max) readings.length = this.#max;
    this.#bySensor.set(reading.sensorId, readings);
  }

  average(sensorId: string): number | null {
    const readings = this.#bySensor.get(sensorId);
    if (readings === undefined || readings.length === 0) return null;
    return readings.reduce((sum, { celsius }) => sum + celsius, 0) / readings.length;
  }
}

const log = new ReadingLog(25);
createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost');
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ average: log.average(url.searchParams.get('sensor') ?? '') }));
}).listen(8080);
`;

const CODE_PYTHON = `from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Trip:
    vehicle: str
    kilometres: float
    litres: float

    @property
    def consumption(self) -> float:
        """Litres for a hundred kilometres."""
        return 100 * self.litres / self.kilometres


def read_trips(path: Path) -> list[Trip]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter=";")
        return [Trip(row["vehicle"], float(row["km"]), float(row["l"])) for row in rows]


def worst_vehicles(trips: list[Trip], count: int = 3) -> list[tuple[str, float]]:
    totals: dict[str, list[Trip]] = defaultdict(list)
    for trip in trips:
        totals[trip.vehicle].append(trip)
    means = {name: sum(t.consumption for t in ts) / len(ts) for name, ts in totals.items()}
    return sorted(means.items(), key=lambda item: item[1], reverse=True)[:count]


if __name__ == "__main__":
    for vehicle, mean in worst_vehicles(read_trips(Path("trips.csv"))):
        print(f"{vehicle:<20} {mean:6.2f}")
`;

const JSON_COMPACT = JSON.stringify({
  order: { id: 'HB-48213', placed_at: '2025-09-03T09:12:00Z', currency: 'EUR', total: 749.5 },
  customer: { id: 10442, name: 'Marta Lindqvist', email: 'marta@example.org', newsletter: false, phone: null },
  items: [
    { sku: 'LUM-DUO-ST', title: 'Lumetta Duo, steel', quantity: 1, price: 699, tags: ['espresso', 'machine'] },
    { sku: 'LA-DECAF-500', title: 'Lago Azul decaf, 500 g', quantity: 2, price: 17.5, tags: ['coffee', 'decaf'] },
    { sku: 'FLT-02', title: 'Water filter', quantity: 1, price: 15.5, tags: [] },
  ],
  shipping: { carrier: 'post', address: { street: 'Harbour Road 12', zip: '20457', city: 'Hamburg' }, signed: true },
});

const JSON_INDENTED = JSON.stringify(
  {
    run: 'nightly-2024-11-05',
    status: 'failed',
    duration_ms: 483_112,
    jobs: [
      { name: 'lint', exit_code: 0, started: '2024-11-05T02:00:03.120Z', steps: ['checkout', 'install', 'eslint'] },
      { name: 'test', exit_code: 1, started: '2024-11-05T02:01:44.907Z', failures: { unit: 2, wire: 0, e2e: 1 } },
      { name: 'build', exit_code: null, skipped: true, needs: ['lint', 'test'] },
    ],
    machine: { cores: 8, memory_mb: 32_768, os: 'linux', labels: ['amd64', 'ssd', 'shared'] },
  },
  null,
  2,
);

export const TOKEN_SAMPLES: readonly TokenSample[] = [
  {
    kind: 'English',
    text: 'The customer called this morning because the parcel had arrived with a crushed corner. She had opened it together with the courier, took four photographs, and noticed that the water tank of the espresso machine was cracked from top to bottom. I apologised, asked for the order number, and offered either a full refund or a replacement at no cost. She would rather have the replacement, but only if it can be delivered before the weekend, since her sister is coming to visit and she has promised her a decent cup of coffee. Our warehouse has two machines of that colour left, so I reserved one of them and wrote down her new telephone number.',
  },
  {
    kind: 'English in a chat',
    text: "Ann: hey, are you coming on Friday? I haven't heard from Tom yet.\nBen: yes! I'll bring the salad, and Eve said she'd bake something. What time?\nAnn: let's say 7:30, so we don't have to rush. Oh, and could you pick up some ice on the way? The freezer's broken again :(\nBen: sure thing. Did you try turning it off and on? Mine did the same last year, and it turned out to be the seal on the door.\nAnn: haha, no, I didn't. I'll have a look tonight. Thanks!",
  },
  {
    kind: 'German',
    text: 'Die Kundin hat heute Vormittag angerufen, weil das Paket mit einer eingedrückten Ecke angekommen ist. Sie hat es gemeinsam mit dem Zusteller geöffnet, vier Fotos gemacht und dabei bemerkt, dass der Wassertank der Espressomaschine von oben bis unten gesprungen war. Ich habe mich entschuldigt, nach der Bestellnummer gefragt und ihr wahlweise eine Rückerstattung oder ein kostenloses Ersatzgerät angeboten. Das Ersatzgerät wäre ihr lieber, allerdings nur, wenn es noch vor dem Wochenende geliefert werden kann, da ihre Schwester zu Besuch kommt. In unserem Lager stehen noch zwei Geräte dieser Farbe, deshalb habe ich eines davon zurückgelegt und die neue Telefonnummer aufgeschrieben.',
  },
  {
    kind: 'German in a chat',
    text: 'Jana: Kommst du am Freitag? Von Thomas habe ich noch nichts gehört.\nUwe: Ja, klar! Ich bringe den Kartoffelsalat mit, und Eva wollte etwas backen. Um wie viel Uhr denn?\nJana: Sagen wir halb acht, dann müssen wir uns nicht so beeilen. Könntest du unterwegs noch Eiswürfel besorgen? Der Gefrierschrank ist schon wieder kaputt.\nUwe: Mach ich. Hast du ihn mal abgetaut? Bei mir lag es letztes Jahr an der Türdichtung, das war schnell erledigt.',
  },
  {
    kind: 'Chinese',
    text: '客户今天上午打来电话，说包裹送到的时候有一个角被压坏了。她当着快递员的面打开箱子，拍了四张照片，发现咖啡机的水箱从上到下裂开了一条缝。我向她道歉，询问了订单号，并提出可以全额退款或者免费更换一台新的。她更希望换一台，但前提是周末之前能够送到，因为她的妹妹要来看她，她答应过要请妹妹喝一杯好咖啡。我们的仓库里还剩下两台同样颜色的机器，所以我预留了其中一台，并且记下了她新的电话号码。另外她还希望以后的发票都通过邮寄的方式寄到家里。',
  },
  {
    kind: 'Chinese in a chat',
    text: '小明：你星期五来吗？我还没有收到小王的消息。\n小红：来啊！我带沙拉，小李说她会烤蛋糕。几点开始？\n小明：七点半吧，这样大家不用太赶。对了，你能在路上买点冰块吗？我家的冰箱又坏了。\n小红：没问题。你有没有试过先关掉再打开？去年我家的也是这样，后来才知道是门上的密封条坏了。\n小明：哈哈，还没有，我今天晚上看看。谢谢你！',
  },
  {
    kind: 'Japanese',
    text: '今朝、お客様から電話があり、届いた荷物の角がつぶれていたとのことでした。配達員の方と一緒に箱を開けて写真を四枚撮ったところ、エスプレッソマシンの水タンクが上から下までひび割れていたそうです。私はお詫びをして注文番号をうかがい、全額返金か無料での交換のどちらかをお選びいただけるとお伝えしました。お客様は交換を希望されていますが、週末に妹さんが遊びに来るので、それまでに届くことが条件です。倉庫には同じ色の商品があと二台残っていたため、そのうちの一台を取り置きして、新しい電話番号を控えておきました。',
  },
  {
    kind: 'Japanese in a chat',
    text: '花子：金曜日、来られる？太郎からまだ返事がないんだけど。\n健太：もちろん行くよ！サラダを持っていくね。ゆみはケーキを焼くって言ってた。何時から？\n花子：七時半にしようか。そうすれば急がなくて済むし。途中で氷を買ってきてもらえる？また冷凍庫が壊れちゃって。\n健太：いいよ。一度電源を切ってみた？うちも去年同じことがあって、ドアのパッキンが原因だったんだ。',
  },
  {
    kind: 'Hindi',
    text: 'आज सुबह ग्राहक का फ़ोन आया क्योंकि पार्सल का एक कोना दबा हुआ था। उन्होंने डाकिये के सामने डिब्बा खोला, चार तस्वीरें लीं और देखा कि कॉफ़ी मशीन की पानी की टंकी ऊपर से नीचे तक टूटी हुई है। मैंने माफ़ी माँगी, ऑर्डर नंबर पूछा और कहा कि हम या तो पूरे पैसे लौटा सकते हैं या बिना किसी शुल्क के नई मशीन भेज सकते हैं। वे नई मशीन चाहती हैं, लेकिन केवल तभी जब वह सप्ताह के अंत से पहले पहुँच जाए, क्योंकि उनकी बहन मिलने आ रही है। हमारे गोदाम में उसी रंग की दो मशीनें बची हैं, इसलिए मैंने एक अलग रख दी और उनका नया फ़ोन नंबर लिख लिया।',
  },
  {
    kind: 'Hindi in a chat',
    text: 'सीमा: क्या तुम शुक्रवार को आ रहे हो? मोहन से अभी तक कोई ख़बर नहीं मिली।\nराजू: हाँ, ज़रूर! मैं सलाद लाऊँगा और गीता कह रही थी कि वह केक बनाएगी। कितने बजे आना है?\nसीमा: साढ़े सात बजे, ताकि किसी को जल्दी न करनी पड़े। क्या तुम रास्ते में थोड़ी बर्फ़ ले आओगे? फ़्रिज फिर से ख़राब हो गया है।\nराजू: ठीक है। पिछले साल मेरे यहाँ भी यही हुआ था, दरवाज़े की रबर बदलनी पड़ी थी।',
  },
  { kind: 'TypeScript', text: CODE_TYPESCRIPT },
  { kind: 'Python', text: CODE_PYTHON },
  { kind: 'compact JSON', text: JSON_COMPACT },
  { kind: 'indented JSON', text: JSON_INDENTED },
  {
    kind: 'emoji',
    text: '😀😂🎉👍❤️🔥🙏😭🥳🤔👏💯🚀✨😅🙌🎂🍕☕️🌞🐶🐱🌈⚽️🎸📚✈️🏖️🎁💡😀😂🎉👍❤️🔥🙏😭🥳🤔👏💯🚀✨😅🙌🎂🍕☕️🌞',
  },
  {
    kind: 'emoji in a chat',
    text: 'Ann: we did it!!! 🎉🎉🎉\nBen: 😂😂 no way, congrats 👏👏 when do we celebrate? 🍕🍺\nAnn: tonight at my place 🏠 bring Eve ❤️\nBen: 👍👍 see you at 8 🕗 I will bring the cake 🎂✨\nAnn: 🙏😍',
  },
];
