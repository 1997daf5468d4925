// Irregular English forms whose base the stemmer cannot reach by cutting suffixes. Left out are forms
// that are more often another word or a name (`rose`, `bit`, `lay`, `drew`, `lives`, `leaves`).

const FORMS = `beat beaten;become became;begin began begun;bend bent;bite bitten;blow blew blown;
break broke broken;bring brought;build built;burn burnt;buy bought;catch caught;choose chose chosen;
come came;dig dug;draw drawn;drink drank drunk;drive drove driven;eat ate eaten;fall fell fallen;
feed fed;feel felt;fight fought;find found;fly flew flown;forget forgot forgotten;
forgive forgave forgiven;freeze froze frozen;give gave given;grow grew grown;hang hung;
hear heard;hide hid hidden;hold held;keep kept;know knew known;lead led;learn learnt;leave left;
lend lent;lose lost;make made;mean meant;meet met;pay paid;ride rode ridden;ring rang rung;
rise risen;run ran;say said;see saw seen;seek sought;sell sold;send sent;shake shook shaken;shoot shot;
show shown;sing sang sung;sit sat;sleep slept;speak spoke spoken;spend spent;stand stood;
steal stole stolen;stick stuck;swim swam swum;take took taken;teach taught;tell told;think thought;
throw threw thrown;understand understood;wake woke woken;wear wore worn;win won;write wrote written;
child children;man men;woman women;person people;foot feet;tooth teeth;mouse mice;wife wives;
knife knives`;

/** Base form by irregular form: `went` gives `go`. */
export const IRREGULAR_ENGLISH: ReadonlyMap<string, string> = new Map(
  FORMS.split(';').flatMap((group) => {
    const [base = '', ...forms] = group.trim().split(/\s+/u);
    return forms.map((form): [string, string] => [form, base]);
  }),
);
