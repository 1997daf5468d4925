// English function words: the closed classes (pronouns, articles, prepositions, conjunctions,
// auxiliaries, question words), contractions without their apostrophe, the light verbs `get` and `go`,
// and a few fillers of speech.
// Other languages have no list: BM25's inverse document frequency already discounts their function
// words. `may` (the month), `us` (the country) and `no` are kept out on purpose.

const ENGLISH = `
a about above after again against ain all also although always am an and any anyone anything are
aren as at be because been before being below between both but by can cannot could couldn did didn
do does doesn doing don down during each either else ever every everyone everything few for from
further get gets getting go goes going gone gonna got gotten had hadn has hasn have haven having
he her here hers herself hey hi him himself his how however i if in into is isn it its itself just
let lot many me might mightn more most much must mustn my myself neither nor not now of off oh ok
okay on once one only or other our ours ourselves out over own quite rather really same shan she
should shouldn so some someone something still such than that the their theirs them themselves
then there these they thing things this those though through thus to too towards under until up
upon very via was wasn way we well went were weren what whatever when where whether which while
who whom whose why will with within without won would wouldn yeah yes yet you your yours yourself
yourselves im ive id ill youre youve youll youd hes shes theyre theyve weve thats whats wheres
whos theres isnt arent wasnt werent dont doesnt didnt cant couldnt wouldnt shouldnt hasnt havent
hadnt wont lets gotta wanna etc like
`;

export const ENGLISH_STOP_WORDS: ReadonlySet<string> = new Set(ENGLISH.trim().split(/\s+/u));
