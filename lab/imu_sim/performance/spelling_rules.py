"""How English letters sound, as rules of context, and the frequent words that obey none.

The rules are those of H. Elovitz, R. Johnson, A. McHugh, J. Shore, "Automatic translation of English text to phonetics
by means of letter-to-sound rules", NRL Report 7948, 1976 (a work of the US Government, in the public domain), in
ARPAbet, with additions. `left[letters]right = phonemes`: the first rule whose letters and contexts fit is used.
In contexts a space is the border of the word and

    #  one or more vowels          ^  one consonant
    :  no or more consonants       .  one voiced consonant
    +  E, I or Y                   %  the suffix E, ER, ES, ED, ELY, ING, ERS or INGS
    &  a sibilant                  @  a consonant after which U is said without Y
"""

from __future__ import annotations

CONTEXT = {
    "#": "[AEIOUY]+",
    ":": "[B-DF-HJ-NP-TV-XZ]*",
    "^": "[B-DF-HJ-NP-TV-XZ]",
    ".": "[BDVGJLMNRWZ]",
    "+": "[EIY]",
    "%": "(?:E|ER|ES|ED|ELY|ING|ERS|INGS)(?: |$)",
    "&": "(?:[SCGZXJ]|CH|SH)",
    "@": "(?:[TSRDLZNJ]|TH|CH|SH)",
}
"""Symbol to regular expression."""

RULES = """
 [A] =AX
 [ARE] =AA R
 [AR]O=AX R
[AR]#=EH R
^[AS]#=EY S
[A]WA=AX
[AW]=AO
 :[ANY]=EH N IY
[A]^+#=EY
#:[ALLY]=AX L IY
 [AL]#=AX L
[AGAIN]=AX G EH N
#:[AGE] =IH JH
#:[A]GES =IH
[A]^+:#=AE
 :[A]^+ =EY
[A]STE=EY
[A]BLE=EY
[A]^%=EY
[A]^LE =EY
 [ARR]=AX R
[ARR]=AE R
 :[AR] =AA R
[AR] =ER
[AR]=AA R
[AIR]=EH R
[AIN] =EY N
[AI]=EY
[AY]=EY
[AUGH]=AO
[AU]=AO
#:[AL] =AX L
#:[ALS] =AX L Z
[ALK]=AO K
[ALL]=AO L
[AL]F=AE
[AL]M=AA
[AL]^=AO L
 :[ABLE]=EY B AX L
[ABLE]=AX B AX L
[ANGE]=EY N JH
#:^[AN] =AX N
#:^[A] =AX
#:[ANCE] =AX N S
#:[ANT] =AX N T
[A]=AE
 [BE]^#=B IH
[BEING]=B IY IH NG
 [BOTH] =B OW TH
 [BUS]#=B IH Z
[BUIL]=B IH L
M[B] =
M[B]S =
[B]=B
 [CH]^=K
^E[CH]=K
[CH]=CH
 S[CI]#=S AY
[CI]A=SH
[CI]O=SH
[CI]EN=SH
[CC]+=K S
[C]+=S
[CK]=K
[COM]%=K AH M
[C]=K
#:[DED] =D IH D
.E[D] =D
#:^E[D] =T
 [DE]^#=D IH
 [DO] =D UW
 [DOES]=D AH Z
 [DOING]=D UW IH NG
 [DOW]=D AW
[DGE]=JH
[DG]+=JH
[DU]A=JH UW
[D]=D
#:[E] =
 :^[E] =IY
 :[E] =IY
#[ED] =D
#:T[E]D =IH
#:D[E]D =IH
#:[E]D =
[EV]ER=EH V
[E]^%=IY
[ERI]#=IH R IY
[ERI]=EH R IH
#:[ER]#=ER
[ERR]=EH R
[ER]#=EH R
[ER]=ER
 [EVEN]=IY V AX N
#:[E]W=
@[EW]=UW
[EW]=Y UW
[E]O=IY
#:&[ES] =IH Z
#:[E]S =
#:[ELY] =L IY
#:[EMENT]=M AX N T
[EFUL]=F AX L
[EE]=IY
[EARN]=ER N
 [EAR]^=ER
[EAR]TH=ER
[EAR]CH=ER
[EAR]=IH R
[EAD]=EH D
[EA]TH=EH
[EA]LTH=EH
[EA]VY=EH
#:[EA] =IY AX
[EA]SU=EH
[EA]=IY
[EIGH]=EY
[EI]=IY
 [EYE]=AY
[EY]=IY
[EU]=Y UW
#:^[EN] =AX N
#:^[ENT] =AX N T
#:^[EL] =AX L
#:^[ET] =AX T
#:[ESS] =AX S
[E]=EH
[FUL]=F AX L
[F]F=
[F]=F
[GIV]=G IH V
 [G]I^=G
[GE]T=G EH
SU[GGES]=G JH EH S
[GG]=G
 B#[G]=G
[G]+=JH
[GREAT]=G R EY T
 [GN]=N
[GH]#=G
#[GH]=
[G]=G
 [HAV]=HH AE V
 [HERE]=HH IH R
 [HOUR]=AW ER
[HOW]=HH AW
[H]#=HH
[H]=
 [IN]=IH N
 [I] =AY
[IND] =AY N D
[IN]D%=AY N
[IER]=IY ER
#:R[IED] =IY D
#:[IED] =IY D
#:^[IES] =IY Z
[IED] =AY D
[IES] =AY Z
[IEN]=IY AX N
[IE]T=AY AX
[IE]W=
 :[IE] =AY
 :[I]%=AY
[I]NG =IH
#:[I]% =IY
[IE]=IY
[I]^+:#=IH
[IR]#=AY R
[IZ]%=AY Z
[IS]%=AY Z
[I]D%=AY
+^[I]^+=IH
[I]T%=AY
#:^[I]VE =IH
#:^[I]NE =IH
#:^[I]^+=IH
[I]^+=AY
[I]^LE =AY
[IR]=ER
[IGH]=AY
[ILD]=AY L D
[IGN] =AY N
[IGN]^=AY N
[IGN]%=AY N
[IQUE]=IY K
[IO]N=AX
[IO]US=IY
[I]A=IY
[I]O=IY
[I]=IH
[J]=JH
 [K]N=
[K]=K
[LO]C#=L OW
L[L]=
#:^[LE] =AX L
#:^[LES] =AX L Z
#:^[LED] =AX L D
#:^[L]%=AX L
[L]=L
[MOV]=M UW V
[M]M=
M[N] =
[M]=M
E[NG]+=N JH
[NG]R=NG G
[NG]#=NG G
[NGL]%=NG G AX L
[NG]=NG
[NK]=NG K
[NX]=NG K S
 [NOW] =N AW
[N]N=
[N]=N
[OF] =AX V
[OROUGH]=ER OW
#:[OR] =ER
#:[ORS] =ER Z
[OR]=AO R
 [ONE]=W AH N
[OWER]=AW ER
[OWN] =AW N
[OWD]=AW D
[OWL]=AW L
[OW] =OW
[OW]=OW
 [OVER]=OW V ER
[OV]E=AH V
[O]^%=OW
[O]^EN=OW
[O]^I#=OW
[OL]D=OW L
[OL]L=OW L
[OUGHT]=AO T
[OUGH]=AH F
 [OU]=AW
H[OU]S#=AW
[OUS]=AX S
[OUR]=AO R
[OULD]=UH D
[OU]^L=AH
[OUP]=UW P
[OUNG]=AH NG
[OU]=AW
[OY]=OY
[OING]=OW IH NG
[OI]=OY
[OOR]=AO R
[OOK]=UH K
F[OOD]=UW D
M[OOD]=UW D
[OOD]=UH D
[OOT] =UH T
[OO]=UW
[O]E=OW
[O] =OW
[OA]=OW
 [ONLY]=OW N L IY
 [ONCE]=W AH N S
C[O]N=AA
[O]NG=AO
 :^[O]N=AA
I[ON]=AX N
#:[ON] =AX N
#:^[ON]=AX N
[O]ST =OW
[OTH] =AO TH
[OF]^=AO F
[OTHER]=AH DH ER
[OSS] =AO S
#:^[OM]=AX M
[O]=AA
[PH]=F
[PEOP]=P IY P
[POW]=P AW
 [PN]=N
 [PS]=S
[PUT] =P UH T
[P]P=
[P]=P
[QUAR]=K W AO R
[QUE] =K
[QU]=K W
[Q]=K
 [RE]^#=R IY
R[R]=
[RH]=R
[R]=R
[SH]=SH
#[SION]=ZH AX N
[SOME]=S AH M
#[SUR]E=ZH ER
[SUR]#=SH UH R
#[SU]#=ZH UW
#[SSU]#=SH UW
#[SED] =Z D
#[SES] =S IH Z
#[S]#=Z
[SAID]=S EH D
[SSION]=SH AX N
^[SION]=SH AX N
[S]S=
.[S] =Z
#:.E[S] =Z
#:^#[S] =Z
U[S] =S
 :#[S] =Z
#I[S] =S
##[S] =Z
 [SCH]=S K
[S]C+=
#[SM]=Z AX M
[STL]=S AX L
[STEN] =S AX N
[S]=S
 [THE] =DH AX
 [TO] =T UW
[THAT] =DH AE T
 [THIS] =DH IH S
 [THEY]=DH EY
 [THERE]=DH EH R
[THER]=DH ER
[THEIR]=DH EH R
 [THAN] =DH AE N
 [THEM] =DH EH M
 [THESE] =DH IY Z
 [THEN]=DH EH N
[THROUGH]=TH R UW
[THOSE]=DH OW Z
[THOUGH] =DH OW
 [THUS]=DH AH S
[THE] =DH
[THING]=TH IH NG
[TH]=TH
#:[TED] =T IH D
S[TI]#N=CH
[TI]O=SH
[TI]A=SH
[TIEN]=SH AX N
[TURE]=CH ER
[TUR]#=CH ER
[TU]A=CH UW
 [TWO]=T UW
[TCH]=CH
[T]T=
[T]=T
 [UN]I=Y UW N
 [UN]=AH N
 [UPON]=AX P AA N
@[UR]#=UH R
[UR]#=Y UH R
[UR]=ER
@[U]^%=UW
[U]^%=Y UW
P[U]LL=UH
F[U]LL=UH
[U]^ =AH
[U]^^=AH
[UY]=AY
 G[U]#=
G[U]%=
G[U]#=W
[UI]T=UW
#N[U]=Y UW
@[U]=UW
#:^[U]S =AX
[U]=Y UW
[VIEW]=V Y UW
[V]=V
 [WERE]=W ER
[WA]S=W AA
[WA]T=W AA
[WAL]K=W AO
[WHERE]=W EH R
[WHAT]=W AH T
[WHOL]=HH OW L
[WHO]=HH UW
[WH]=W
[WAR]=W AO R
[WOR]^=W ER
[WR]=R
#[W] =
[W]=W
 [X]=Z
[X]=K S
[YOUNG]=Y AH NG
 [YOUR]=Y AO R
 [YOU]=Y UW
 [YES]=Y EH S
 [Y]=Y
#:^[Y] =IY
#:^[Y]I=IY
 :[Y] =AY
 :[Y]#=AY
 :[Y]^+:#=IH
 :[Y]^#=AY
[Y]=IH
Z[Z]=
[Z]=Z
"""

EXCEPTIONS = """
again AH G EH1 N; ah AA1; ahead AH HH EH1 D; always AO1 L W EY Z; am AE M; and AE N D; answer AE1 N S ER
any EH1 N IY; anybody EH1 N IY B AA D IY; are AA R; as AE Z; asleep AH S L IY1 P; azure AE1 ZH ER; bear B EH1 R
beautiful B Y UW1 T AH F AH L; because B IH K AO1 Z; been B IH N; beige B EY1 ZH; believe B IH L IY1 V
blood B L AH1 D; boy B OY1; bread B R EH1 D; break B R EY1 K; breakfast B R EH1 K F AH S T; bring B R IH1 NG
brother B R AH1 DH ER; brow B R AW1; brows B R AW1 Z; build B IH1 L D; busy B IH1 Z IY; camera K AE1 M ER AH
can K AE N; can't K AE1 N T; chocolate CH AO1 K L AH T; clothes K L OW1 Z; come K AH1 M; coming K AH1 M IH NG
cough K AO1 F; could K UH D; couldn't K UH1 D AH N T; country K AH1 N T R IY; cousin K AH1 Z AH N; cow K AW1
day D EY1; didn't D IH1 D AH N T; different D IH1 F R AH N T; does D AH1 Z; doesn't D AH1 Z AH N T; dog D AO1 G
don't D OW1 N T; done D AH1 N; double D AH1 B AH L; down D AW1 N; early ER1 L IY; earth ER1 TH; eight EY1 T
either IY1 DH ER; enough IH N AH1 F; evening IY1 V N IH NG; every EH1 V R IY; eye AY1; eyebrow AY1 B R AW
eyebrows AY1 B R AW Z; eyes AY1 Z; father F AA1 DH ER; favorite F EY1 V ER IH T; favourite F EY1 V ER IH T
flower F L AW1 ER; foot F UH1 T; for F AO R; four F AO1 R; foxes F AA1 K S IH Z; friend F R EH1 N D; from F R AH M
front F R AH1 N T; full F UH1 L; garage G ER AA1 ZH; genre ZH AA1 N R AH; get G EH1 T; ghost G OW1 S T; girl G ER1 L
give G IH1 V; go G OW1; gone G AO1 N; good G UH1 D; great G R EY1 T; group G R UW1 P; guess G EH1 S; had HH AE D
half HH AE1 F; has HH AE Z; have HH AE V; he HH IY; head HH EH1 D; heard HH ER1 D; heart HH AA1 R T
heavy HH EH1 V IY; hello HH AH L OW1; her HH ER; here HH IH1 R; him HH IH M; his HH IH Z; honest AA1 N AH S T
honey HH AH1 N IY; hour AW1 ER; house HH AW1 S; how HH AW1; i AY; i'd AY D; i'll AY L; i'm AY M; i've AY V
idea AY D IY1 AH; if IH F; in IH N; into IH N T UW; iron AY1 ER N; is IH Z; island AY1 L AH N D; isn't IH1 Z AH N T
it IH T; it's IH T S; its IH T S; juice JH UW1 S; just JH AH1 S T; key K IY1; knee N IY1; knife N AY1 F; know N OW1
laugh L AE1 F; laughed L AE1 F T; laughing L AE1 F IH NG; learn L ER1 N; let L EH1 T; let's L EH1 T S
listen L IH1 S AH N; live L IH1 V; living L IH1 V IH NG; lose L UW1 Z; love L AH1 V; machine M AH SH IY1 N
mama M AA1 M AH; many M EH1 N IY; may M EY; maybe M EY1 B IY; me M IY; measure M EH1 ZH ER; minute M IH1 N AH T
minutes M IH1 N AH T S; money M AH1 N IY; monkey M AH1 NG K IY; month M AH1 N TH; moon M UW1 N; most M OW1 S T
mother M AH1 DH ER; mountain M AW1 N T AH N; mouth M AW1 TH; move M UW1 V; moves M UW1 V Z; much M AH1 CH
muscle M AH1 S AH L; music M Y UW1 Z IH K; my M AY; myself M AY S EH1 L F; nobody N OW1 B AA D IY
nothing N AH1 TH IH NG; now N AW1; ocean OW1 SH AH N; of AH V; off AO1 F; often AO1 F AH N; oh OW1; old OW1 L D
on AA N; once W AH1 N S; one W AH1 N; only OW1 N L IY; or AO R; orange AO1 R IH N JH; other AH1 DH ER; our AW ER
out AW1 T; people P IY1 P AH L; perhaps P ER HH AE1 P S; phone F OW1 N; piece P IY1 S; pleasure P L EH1 ZH ER
pretty P R IH1 T IY; pull P UH1 L; push P UH1 SH; put P UH1 T; quiet K W AY1 AH T; read R IY1 D; ready R EH1 D IY
really R IH1 L IY; river R IH1 V ER; rough R AH1 F; said S EH1 D; says S EH1 Z; sensor S EH1 N S ER
sensors S EH1 N S ER Z; she SH IY; shoe SH UW1; shoes SH UW1 Z; should SH UH D; shoulder SH OW1 L D ER; some S AH M
son S AH1 N; sorry S AA1 R IY; soul S OW1 L; special S P EH1 SH AH L; steak S T EY1 K; sugar SH UH1 G ER
sure SH UH1 R; talk T AO1 K; than DH AE N; thank TH AE1 NG K; that DH AE T; that's DH AE T S; the DH AH
their DH EH R; them DH EH M; there DH EH R; these DH IY1 Z; they DH EY; they're DH EH R; thing TH IH1 NG
think TH IH1 NG K; this DH IH S; those DH OW1 Z; though DH OW1; thought TH AO1 T; through TH R UW1; thumb TH AH1 M
to T UW; today T AH D EY1; together T AH G EH1 DH ER; tomorrow T AH M AA1 R OW; tongue T AH1 NG; too T UW1
touch T AH1 CH; tough T AH1 F; town T AW1 N; treasure T R EH1 ZH ER; trouble T R AH1 B AH L; two T UW1
until AH N T IH1 L; us AH S; usual Y UW1 ZH AH W AH L; usually Y UW1 ZH AH L IY; very V EH1 R IY
vision V IH1 ZH AH N; was W AA Z; wash W AA1 SH; wasn't W AA1 Z AH N T; water W AO1 T ER; we W IY; we'll W IY L
we're W IH R; weather W EH1 DH ER; were W ER; what W AH T; what's W AH T S; where W EH1 R; who HH UW; whole HH OW1 L
whose HH UW1 Z; why W AY1; will W IH L; wind W IH1 N D; with W IH DH; without W IH TH AW1 T; wolf W UH1 L F
woman W UH1 M AH N; women W IH1 M IH N; won't W OW1 N T; wonderful W AH1 N D ER F AH L; word W ER1 D
words W ER1 D Z; work W ER1 K; world W ER1 L D; would W UH D; wouldn't W UH1 D AH N T; wow W AW1; yes Y EH1 S
you Y UW; you'll Y UW L; you're Y AO R; young Y AH1 NG; your Y AO R
"""
"""Word and its phonemes; a word without a stress digit is said in passing, as function words are."""
