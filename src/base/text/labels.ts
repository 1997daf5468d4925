// What stands before a colon without being somebody who speaks: the field names of notes, profiles and lists.

import { stemWord } from './analyzer.ts';
import { foldText } from './segment.ts';

const ENGLISH = `
about action address advice age agenda agreement allergy amount answer appointment assumption attachment author
background balance behaviour behavior birthday birthplace blocker blood book brand browser budget bug
calendar car cat category cause caution cell changelog child city client code colour color comment company conclusion
condition config configuration constraint contact context correction cost country course credential cuisine currency
date deadline decision definition delivery department dependency description destination device diagnosis diet dislike
dog drink duration
education email employer environment error estimate event example expense experience expiry
fact family favourite favorite feature feedback file film fix food format fyi
gender genre goal group hair header height hint history hobby holiday home host hotel hour
id idea identity important incident income info information ingredient input instruction instrument interest invoice
issue item job key keyword kid label language lesson level like limit link list live loan location login logon
meal medication meeting memo message method metric milestone mobile model mood motto movie music
name nationality need nickname note notice notification number
objective occupation option order origin outcome output owner
parameter password path payment pet phone pin place plan plant platform play position preference prefer price priority
problem procedure product profession profile progress project prompt pronoun proposal purpose
quantity question quote rank rating reason recipe recommendation reference region relation relationship religion
reminder reply report request requirement resolution response result review risk role room route rule
salary schedule school score section sender serial server setting sex shipping size skill solution song source speak
speed sport stack stage start state status step story strategy street subject subscription suggestion summary
symptom tag target task team tech technology telephone time timezone tip title todo tool topic total town training
translation transport travel trip type unit update url use username
vacation vehicle venue version via visa warning weakness website weight wife husband wifi wish work zip zodiac
`;

const OTHERS = `
adresse anmerkung aufgabe beispiel beruf beschreibung betreff datum entscheidung ergebnis fehler frage geburtsdatum
geburtstag grund hinweis kennwort land ort passwort prioritat rufnummer sprache stadt telefon termin thema titel wohnort
zeit ziel zusammenfassung lieblingsfarbe lieblingsessen beziehung
anniversaire but couleur courriel exemple loisir loisirs metier nom objectif pays prenom probleme profession
rappel remarque resultat sujet tache telephone ville
apellido asunto ciudad color contrasena correo cumpleanos decision direccion ejemplo estado fecha idioma meta nombre nota
objetivo ocupacion pais pasatiempo pasatiempos profesion prioridad recordatorio resultado resumen tarea telefono tema trabajo
cidade endereco exemplo lembrete nome objetivo profissao resumo tarefa aniversario
citta compleanno esempio indirizzo lavoro lingua obiettivo promemoria riassunto
адрес возраст город дата задача заметка имя итог контакт пароль почта примечание профессия работа тема телефон хобби цель язык
नाम पता उम्र शहर तारीख फोन काम शौक नोट विषय
姓名 名字 名前 氏名 地址 住所 电话 電話 手机 邮箱 爱好 愛好 兴趣 趣味 职业 職業 年龄 年齢 生日 誕生日 备注 備考 注意 重要 标题 题目 件名 主题
日期 日付 时间 時間 地点 場所 城市 国籍 语言 言語 目标 目標 目的 任务 任務 结论 結論 摘要 要約 概要 例 问题 問題 原因 理由 状态 状態 密码 版本
이름 주소 전화 전화번호 이메일 취미 직업 나이 생일 메모 제목 주제 날짜 시간 장소 목표 요약 상태 비밀번호
`;

/** Who speaks in logs of programs and support desks; written in lower case, too. */
const ROLES: ReadonlySet<string> = new Set(
  'user assistant system human ai bot agent customer client model tool operator support caller me you'.split(' '),
);

const LAST_WORD = /[^\s._-]+(?=[\s._-]*$)/u;
const LOWER_CASE_WORD = /(?:^|\s)\p{Ll}/u;
/** Small words inside names of people. */
const NAME_PARTICLES: ReadonlySet<string> = new Set(
  'van von der den de del della di da dos das du la le el al bin ibn ben ter ten zu zur y e i af av'.split(' '),
);

let labels: ReadonlySet<string> | undefined;

function knownLabels(): ReadonlySet<string> {
  return (labels ??= new Set(
    `${ENGLISH} ${OTHERS}`
      .trim()
      .split(/\s+/u)
      .map((word) => stemWord(foldText(word))),
  ));
}

/** Of a folded name. */
export function isRole(folded: string): boolean {
  return ROLES.has(folded);
}

/** Whether a folded name before a colon is one of a field: its last word says of what kind, as in `shoe size`. */
export function isLabel(folded: string): boolean {
  const last = LAST_WORD.exec(folded)?.[0];
  return last !== undefined && knownLabels().has(stemWord(last));
}

/** Whether it is written as names of people are: each word with a capital, where the script has them. */
export function isWrittenAsName(name: string): boolean {
  if (!LOWER_CASE_WORD.test(name)) return true;
  const words = name.split(/\s+/u);
  return words.every((word, i) => !/^\p{Ll}/u.test(word) || (i > 0 && NAME_PARTICLES.has(word)));
}
