// The commonest function words of the languages that have a stemmer, and of some that have none, so that their texts are
// not taken for another's. Words that are as common elsewhere say little: each counts by how few languages have it.

import { ENGLISH_STOP_WORDS } from './stopwords.ts';

/** By language (ISO 639-1). */
export const FUNCTION_WORDS: Readonly<Record<string, string>> = {
  en: `${[...ENGLISH_STOP_WORDS].join(' ')} com may us new los las san el la net org`,
  de: `der die das den dem des ein eine einen einem einer eines und oder aber nicht kein keine keinen ist sind war waren wird
werden wurde wurden hat haben hatte hatten ich du er sie es wir ihr mich mir dich dir ihm ihn uns euch mein meine meinen meinem
meiner dein deine sein seine ihre ihren unser mit von vom zu zum zur bei beim nach aus auf fur im am an um uber unter durch wegen
ohne gegen seit bis wenn als wie was wer wo wann warum welche welcher welches wem auch noch schon nur sehr immer nie heute gestern
morgen dass weil damit diese dieser dieses hier dort da man kann konnen muss mussen soll will mag mochte gibt wieder mehr`,
  fr: `le la les un une des du de et ou mais ne pas est sont etait etaient sera ai as avons avez ont avait je tu il elle nous
vous ils elles me te se mon ma mes ton ta tes son sa ses notre nos votre vos leur leurs ce cet cette ces qui que quoi quel quelle
quels ou quand comment pourquoi dans sur sous avec sans pour par chez vers aux au en plus moins tres aussi deja encore toujours
jamais etre avoir fait faire c'est cela ca comme si parce depuis entre apres avant hier aujourd hui demain suis aime`,
  es: `el la los las un una unos unas de del al y o pero no es son era eran fue fueron ser estar esta estan estaba he has ha
hemos han habia yo tu el ella nosotros ellos ellas me te se nos mi mis su sus nuestro nuestra que quien cual cuales donde cuando
como por para con sin sobre entre desde hasta hacia muy mas menos tambien ya todavia siempre nunca este esta estos estas ese esa
eso porque si hay tiene tengo hace encanta encantan gustan quiero puede ayer hoy manana lo le les gusta vive soy`,
  it: `il lo la i gli le un uno una di del della dei delle dello degli a al alla ai alle da dal dalla in nel nella nei nelle su
sul sulla con per tra fra e o ma non che chi cosa dove quando come perche quale quali sono sei siamo siete era erano stato stata
ho hai ha abbiamo hanno io tu lui lei noi voi loro mi ti si ci vi mio mia miei tuo tua suo sua suoi nostro questo questa questi
quello quella anche ancora gia sempre mai molto piu meno ieri oggi domani ed piace piacciono essere vive`,
  pt: `o a os as um uma uns umas de do da dos das em no na nos nas ao aos pelo pela por para com sem sobre e ou mas nao que quem
qual quais onde quando como porque foi foram era eram ser estar esta estao estava tem tenho tinha eu tu ele ela nos eles elas voce
voces me te se lhe meu minha meus minhas seu sua seus suas nosso este esta isto esse essa isso muito mais menos tambem ja ainda
sempre nunca ontem hoje amanha sou gosta mora`,
  nl: `de het een en of maar niet geen is zijn was waren wordt worden werd heeft hebben had ik jij je hij zij ze wij we jullie
hem haar ons mij me mijn jouw uw onze hun dit dat deze die wie wat waar wanneer hoe waarom welke van voor met zonder aan op in uit
bij naar over onder door tegen sinds tot als omdat ook nog al altijd nooit zeer heel meer vandaag gisteren morgen er te om dan
toen kan moet wil zou houdt woont`,
  sv: `och eller men inte ar var blir blev har hade jag du han hon den det vi ni de mig dig honom henne oss er dem min mitt mina
din ditt sin sitt sina var vart deras en ett detta denna dessa som vad vem vilken vilket var nar hur varfor med utan for fran till
pa i av om under over mellan efter fore sedan ocksa an alltid aldrig mycket mer mest idag igar imorgon att nar ska skulle kan maste
vill finns alskar bor`,
  no: `og eller men ikke er var blir ble har hadde jeg du han hun den det vi dere de meg deg ham henne oss dem min mitt mine din
ditt sin sitt sine deres en ei et dette denne disse som hva hvem hvilken hvor nar hvordan hvorfor med uten for fra til pa i av om
under over mellom etter siden ogsa alltid aldri mye mer mest idag gar morgen at skal skulle kan ma vil finnes noe noen bor liker`,
  da: `og eller men ikke er var bliver blev har havde jeg du han hun den det vi i de mig dig ham hende os jer dem min mit mine
din dit sin sit sine deres en et dette denne disse som hvad hvem hvilken hvor hvornar hvordan hvorfor med uden for fra til pa af om
under over mellem efter siden ogsa altid aldrig meget mere mest idag gar morgen at skal skulle kan ma vil findes noget nogle bor`,
  fi: `ja tai mutta ei en et emme ette eivat on ovat oli olivat olla ollut olen olet mina sina han me te he minun sinun hanen
meidan heidan minua sinua hanta tama tuo se nama nuo ne taman sen joka jotka mika mita kuka missa mihin mista milloin miten miksi
kun jos etta koska kuin myos viela jo aina nyt tanaan eilen huomenna hyvin paljon enemman ilman kanssa ennen jalkeen minulla sinulla hanella kaksi yksi`,
  hu: `a az egy es vagy de nem is van vannak volt voltak lesz lett en te o mi ti ok engem teged ot minket nekem neki nekunk ez
ezt azt azok ezek aki ami amely hogy ha mert mint mikor hol hova honnan miert hogyan melyik meg mar csak nagyon tobb mindig soha ma
tegnap holnap utan elott alatt kozott szerint nelkul`,
  ro: `si sau dar nu este sunt era erau fost fi are am ai au avea eu tu el ea noi voi ei ele imi iti isi ma te se ne va mea meu
mei mele tau ta sau sa nostru lor un o unei unui al ale cel cea cei cele acest aceasta acesta aceste care ce cine unde cand cum de
la in din pe cu fara pentru prin despre intre dupa foarte mai tot doar intotdeauna niciodata azi ieri maine daca ca`,
  tr: `ve veya ama fakat degil bir bu su o ben sen biz siz onlar benim senin onun bizim sizin onlarin beni seni onu bize bana
sana ona ne kim nerede nereye nereden zaman nasil neden nicin hangi icin ile gibi kadar daha cok az en da de mi mu var yok olan
olarak oldu olur her hic sonra once bugun dun yarin ki ise cunku`,
  id: `dan atau tetapi tidak bukan adalah ada ini itu yang di ke dari untuk dengan tanpa pada dalam oleh karena jika saya aku kamu
anda dia kami kita mereka apa siapa mana kapan bagaimana mengapa kenapa sudah belum akan sedang telah juga sangat lebih paling
selalu hari kemarin besok sekarang seperti bisa dapat harus`,
  lt: `ir arba bet ne nera yra buvo bus as tu jis ji mes jus jie jos mano tavo savo jo jos musu kas ka kur kada kaip kodel kuris
kuri kad jei nes su be nuo iki per po prie apie uz is labai daugiau visada niekada siandien vakar rytoj sis si tai ta`,
  pl: `i oraz lub ale nie jest sa byl byla bylo byly bedzie ma mam miec ja ty on ona my wy oni one mnie ciebie jego jej nas ich
moj moja moje twoj swoj ten ta to te tego tej tym kto co gdzie kiedy jak dlaczego ktory ktora ktore w z ze na do od po przez dla
bez pod nad przed o u sie ze bo gdy juz tylko tez bardzo wiecej zawsze nigdy dzis wczoraj jutro czy lubi`,
  cs: `a nebo ale ne neni je jsou byl byla bylo byli bude ma mam ja ty on ona my vy oni me te mu ho ji nas jich muj moje tvuj svuj
ten ta to tento tato toto kdo co kde kdy jak proc ktery ktera ktere v ve z ze na do od po pro bez pod nad pred o u se si ze protoze
kdyz uz jen take velmi vice vzdy nikdy dnes vcera zitra jsem jsi`,
  ru: `и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по только ее мне было вот от меня еще нет о из
ему теперь когда даже ну ли если уже или ни быть был была были него до вас они тут где есть надо ней для мы тебя их чем сам чтоб без
будто чего раз тоже себе под будет кто этот того потому этого какой какая какие какое этом мой моя тем чтобы это эти этой`,
  uk: `і й та в у не що він на я з із зі як а то все вона так його але ти до же ви за би по тільки її мені було від мене ще ні про йому
тепер коли навіть чи якщо вже або бути був була були вас вони тут де є треба для ми тебе їх ніж сам щоб без під буде хто цей того
тому який яка які яке цього мій моя це ці цієї також дуже сьогодні вчора`,
  bg: `и в във не че той на аз с със как а то всички тя така го но да ти към у вие за би по само ѝ ми беше от мен още няма о из му
сега когато дори ли ако вече или нито бъде бил била са е съм си сме сте тук къде има трябва при ние теб ги чрез сам без кой този
онази това тези какво каква ще се като след преди много също днес вчера`,
};

/** Letters that few languages have. */
export const TELLING_LETTERS: Readonly<Record<string, string>> = {
  de: 'äöüß',
  fr: 'éèêàçœùûîôë',
  es: 'ñáéíóú¿¡',
  it: 'àèìòù',
  pt: 'ãõçáéíóâêô',
  sv: 'åäö',
  no: 'åæø',
  da: 'åæø',
  fi: 'äö',
  hu: 'őűáéíóöúü',
  ro: 'ășțâîşţ',
  tr: 'ğışöüç',
  lt: 'ąčęėįšųūž',
  pl: 'ąćęłńóśźż',
  cs: 'áčďéěíňóřšťúůýž',
  ru: 'ыэёъ',
  uk: 'іїєґ',
  bg: 'ъщ',
};
