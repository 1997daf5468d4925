// Made by tools/time-words.ts of ICU's data: not to be changed by hand. Folded; each list's lines have what they mean before the colon.

export const MONTHS = `1: january januar janvier enero gennaio janeiro januari styczen январь січень ocak जनवरी stycznia января січня
2: february februar fevrier febrero febbraio fevereiro februari luty февраль лютии subat फ़रवरी lutego февраля лютого
3: march marz mars marzo marco maart marzec март березень mart मार्च marca марта березня
4: april avril abril aprile kwiecien апрель квітень nisan अप्रैल kwietnia апреля квітня
5: may mai mayo maggio maio mei maj маи травень mayis maja мая травня
6: june juni juin junio giugno junho czerwiec июнь червень haziran जून czerwca июня червня
7: july juli juillet julio luglio julho lipiec июль липень temmuz जुलाई lipca июля липня
8: august aout agosto augustus sierpien август серпень agustos augusti अगस्त sierpnia августа серпня
9: september septembre septiembre settembre setembro wrzesien сентябрь вересень eylul सितंबर wrzesnia сентября вересня
10: october oktober octobre octubre ottobre outubro pazdziernik октябрь жовтень ekim अक्टूबर pazdziernika октября жовтня
11: november novembre noviembre novembro listopad ноябрь листопад kasim नवंबर listopada ноября листопада
12: december dezember decembre diciembre dicembre dezembro grudzien декабрь грудень aralik दिसंबर grudnia декабря грудня`;

export const SHORT_MONTHS = `1: jan janv ene gen sty янв січ oca
2: feb fevr fev lut февр лют sub
3: mar mrt бер
4: apr avr abr kwi апр квіт nis
6: jun giu cze черв haz
7: jul juil lug lip лип tem
8: aug ago sie авг серп agu
9: sep sept set wrz сент вер eyl
10: oct okt ott out paz окт жовт eki
11: nov lis нояб лист kas
12: dec dez dic gru дек груд ara
5: mag трав`;

export const WEEKDAYS = `0: sunday sonntag dimanche domingo domenica zondag niedziela воскресенье неділя pazar sondag रविवार
1: monday montag lundi lunes lunedi maandag poniedzialek понедельник понеділок pazartesi mandag सोमवार
2: tuesday dienstag mardi martes martedi dinsdag wtorek вторник вівторок sali tisdag मंगलवार
3: wednesday mittwoch mercredi miercoles mercoledi woensdag sroda среда середа carsamba onsdag बुधवार
4: thursday donnerstag jeudi jueves giovedi donderdag czwartek четверг четвер persembe torsdag गुरुवार
5: friday freitag vendredi viernes venerdi vrijdag piatek пятница cuma fredag शुक्रवार
6: saturday samstag samedi sabado sabato zaterdag sobota суббота субота cumartesi lordag शनिवार`;

export const SHORT_WEEKDAYS = `0: sun so dim dom zo niedz вс нд paz son रवि
1: mon mo lun seg ma pon пн pzt man सोम
2: tue di mar ter wt вт sal tis मंगल
3: wed mi mer mie qua wo sr ср car ons बुध
4: thu do jeu jue gio qui czw чт per tors गुरु
5: fri fr ven vie sex vr pt пт cum fre शुक्र
6: sat sa sam sab za sob сб cmt lor शनि`;

export const TOLD_TIMES = `d-1: yesterday | gestern | ayer | ieri | ontem | gisteren | wczoraj | вчера | учора | i gar
d0: today | heute | aujourd hui | hoy | oggi | hoje | vandaag | dzisiaj | сегодня | сьогодні | bugun | i dag | आज
d1: tomorrow | morgen | demain | manana | domani | amanha | jutro | завтра | yarin | i morgon
d-#: # day ago | # days ago | vor # tag | vor # tagen | il y a # jour | il y a # jours | hace # dia | hace # dias | # giorno fa | # giorni fa | ha # dia | ha # dias | # dag geleden | # dagen geleden | # dzien temu | # dni temu | # день назад | # дня назад | # днеи назад | # день тому | # дні тому | # днів тому | # gun once | for # dag sedan | for # dagar sedan | # दिन पहले
d#: in # day | in # days | in # tag | in # tagen | dans # jour | dans # jours | dentro de # dia | dentro de # dias | tra # giorno | tra # giorni | em # dia | em # dias | over # dag | over # dagen | za # dzien | za # dni | через # день | через # дня | через # днеи | через # дні | через # днів | # gun sonra | om # dag | om # dagar | # दिन में
w-1: last week | letzte woche | la semaine derniere | la semana pasada | settimana scorsa | semana passada | vorige week | w zeszlym tygodniu | на прошлои неделе | минулого тижня | gecen hafta | forra veckan | पिछला सप्ताह
w0: this week | diese woche | cette semaine | esta semana | questa settimana | deze week | w tym tygodniu | на этои неделе | цього тижня | bu hafta | denna vecka | इस सप्ताह
w1: next week | nachste woche | la semaine prochaine | la proxima semana | settimana prossima | proxima semana | volgende week | w przyszlym tygodniu | на следующеи неделе | наступного тижня | gelecek hafta | nasta vecka | अगला सप्ताह
w-#: # week ago | # weeks ago | vor # woche | vor # wochen | il y a # semaine | il y a # semaines | hace # semana | hace # semanas | # settimana fa | # settimane fa | ha # semana | ha # semanas | # week geleden | # weken geleden | # tydzien temu | # tygodnie temu | # tygodni temu | # неделю назад | # недели назад | # недель назад | # тиждень тому | # тижні тому | # тижнів тому | # hafta once | for # vecka sedan | for # veckor sedan | # सप्ताह पहले
w#: in # week | in # weeks | in # woche | in # wochen | dans # semaine | dans # semaines | dentro de # semana | dentro de # semanas | tra # settimana | tra # settimane | em # semana | em # semanas | over # week | over # weken | za # tydzien | za # tygodnie | za # tygodni | через # неделю | через # недели | через # недель | через # тиждень | через # тижні | через # тижнів | # hafta sonra | om # vecka | om # veckor | # सप्ताह में
m-1: last month | letzten monat | le mois dernier | el mes pasado | mese scorso | mes passado | vorige maand | w zeszlym miesiacu | в прошлом месяце | минулого місяця | gecen ay | forra manaden | पिछला माह
m0: this month | diesen monat | ce mois ci | este mes | questo mese | deze maand | w tym miesiacu | в этом месяце | цього місяця | bu ay | den har manaden | इस माह
m1: next month | nachsten monat | le mois prochain | el proximo mes | mese prossimo | proximo mes | volgende maand | w przyszlym miesiacu | в следующем месяце | наступного місяця | gelecek ay | nasta manad | अगला माह
m-#: # month ago | # months ago | vor # monat | vor # monaten | il y a # mois | hace # mes | hace # meses | # mese fa | # mesi fa | ha # mes | ha # meses | # maand geleden | # maanden geleden | # miesiac temu | # miesiace temu | # miesiecy temu | # месяц назад | # месяца назад | # месяцев назад | # місяць тому | # місяці тому | # місяців тому | # ay once | for # manad sedan | for # manader sedan | # माह पहले
m#: in # month | in # months | in # monat | in # monaten | dans # mois | dentro de # mes | dentro de # meses | tra # mese | tra # mesi | em # mes | em # meses | over # maand | over # maanden | za # miesiac | za # miesiace | za # miesiecy | через # месяц | через # месяца | через # месяцев | через # місяць | через # місяці | через # місяців | # ay sonra | om # manad | om # manader | # माह में
y-1: last year | letztes jahr | l annee derniere | el ano pasado | anno scorso | ano passado | vorig jaar | w zeszlym roku | в прошлом году | минулого року | gecen yil | forra aret | पिछला वर्ष
y0: this year | dieses jahr | cette annee | este ano | quest anno | dit jaar | w tym roku | в этом году | цього року | bu yil | i ar | इस वर्ष
y1: next year | nachstes jahr | l annee prochaine | el proximo ano | anno prossimo | proximo ano | volgend jaar | w przyszlym roku | в следующем году | наступного року | gelecek yil | nasta ar | अगला वर्ष
y-#: # year ago | # years ago | vor # jahr | vor # jahren | il y a # an | il y a # ans | hace # ano | hace # anos | # anno fa | # anni fa | ha # ano | ha # anos | # jaar geleden | # rok temu | # lata temu | # lat temu | # год назад | # года назад | # лет назад | # рік тому | # роки тому | # років тому | # yil once | for # ar sedan | # वर्ष पहले
y#: in # year | in # years | in # jahr | in # jahren | dans # an | dans # ans | dentro de # ano | dentro de # anos | tra # anno | tra # anni | em # ano | em # anos | over # jaar | za # rok | za # lata | za # lat | через # год | через # года | через # лет | через # рік | через # роки | через # років | # yil sonra | om # ar | # वर्ष में
d-2: vorgestern | avant hier | anteayer | l altro ieri | anteontem | eergisteren | przedwczoraj | позавчера | позавчора | evvelsi gun | i forrgar
d2: ubermorgen | apres demain | pasado manana | dopodomani | depois de amanha | overmorgen | pojutrze | послезавтра | післязавтра | obur gun | i overmorgon`;

export const TOLD_TIMES_UNSPACED = `d-2: 前天 | 一昨日 | 그저께
d-1: 昨天 | 昨日 | 어제
d0: 今天 | 今日 | 오늘
d1: 明天 | 明日 | 내일
d2: 后天 | 後天 | 明後日 | 모레
d-#: #天前 | #日前 | #일전
d#: #天后 | #天後 | #日後 | #일후
w-1: 上周 | 上週 | 先週 | 지난주
w0: 本周 | 本週 | 今週 | 이번주
w1: 下周 | 下週 | 来週 | 다음주
w-#: #周前 | #週前 | #週間前 | #주전
w#: #周后 | #週後 | #週間後 | #주후
m-1: 上个月 | 上個月 | 先月 | 지난달
m0: 本月 | 今月 | 이번달
m1: 下个月 | 下個月 | 来月 | 다음달
m-#: #个月前 | #個月前 | #か月前 | #개월전
m#: #个月后 | #個月後 | #か月後 | #개월후
y-1: 去年 | 昨年 | 작년
y0: 今年 | 올해
y1: 明年 | 来年 | 내년
y-#: #年前 | #년전
y#: #年后 | #年後 | #년후`;
