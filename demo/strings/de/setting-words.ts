import type { SettingWords } from '../setting-words.ts';

export const text: SettingWords = {
  sentences: {
    gradientCheckpointing:
      'Ob Schichten beim Rückwärtsrechnen noch einmal berechnet statt aufgehoben werden: weniger Speicher, mehr Zeit, dieselben Zahlen; für Modelle, die sonst nicht passen.',
    weightStorage:
      'Genauigkeit, in der Schichten ihre Gewichte lesen: f16 halbiert den Speicher und rundet, f32 ist genau; ohne Angabe f32.',
    cacheStorage:
      'Genauigkeit der Schlüssel und Werte, die beim Ziehen von Antworten aufgehoben werden: f16 halbiert diesen Speicher und zieht ein wenig anders; ohne Angabe f32.',
    'task.modulus':
      'Anzahl der Ziffern, 0 bis modulus − 1: Bei weniger Ziffern ist Raten öfter richtig.',
    'task.maxOperators':
      'Höchstzahl der Rechenzeichen einer Aufgabe; jeder Prompt wird auf diese Länge aufgefüllt, längere kosten also Zeit.',
    'task.trainedOperators':
      'Höchstzahl der Rechenzeichen der Trainingsaufgaben; liegt sie unter dem Maximum, prüfen die längeren, ob das Modell verallgemeinert.',
    'task.heldOutSkills':
      'Paare aus Rechenzeichen und Ziffer wie *7, die in keiner Trainingsaufgabe vorkommen; so zeigt sich, ob auch Ungesehenes gelernt wird.',
    'task.skills.by':
      'Ob das Ausgangsmodell jedes Paar aus Rechenzeichen und Ziffer verschieden gut kann oder jedes Rechenzeichen.',
    'task.skills.easiest':
      'Wahrscheinlichkeit, mit der das Ausgangsmodell einen Schritt seiner besten Fertigkeit richtig rechnet; kleiner heißt ein schwächeres Modell.',
    'task.skills.hardest':
      'Wahrscheinlichkeit, mit der es einen Schritt seiner schwächsten Fertigkeit richtig rechnet; nahe der besten sind alle Aufgaben etwa gleich schwer.',
    'task.skills.curve':
      'Wie die Fertigkeiten von der besten zur schwächsten abfallen: 1 gleichmäßig, über 1 bleiben die meisten gut.',
    'task.skills.seed':
      'Zahl, die bestimmt, welche Fertigkeiten die guten sind; eine andere ergibt ein anderes Ausgangsmodell.',
    'task.skills.plus': 'Wahrscheinlichkeit, mit der das Ausgangsmodell richtig addiert.',
    'task.skills.minus': 'Wahrscheinlichkeit, mit der das Ausgangsmodell richtig subtrahiert.',
    'task.skills.times': 'Wahrscheinlichkeit, mit der das Ausgangsmodell richtig multipliziert.',
    'task.formatErrorShare':
      'Anteil der Lerntexte des Ausgangsmodells, die in falscher Form enden; größer, um zu sehen, wie das Training zuerst die Form behebt.',
    'task.poolPrompts':
      'Anzahl verschiedener Aufgaben im Vorrat; mehr machen Punktzahlen feiner und Läufe länger.',
    'task.difficulty':
      'Wie schwer die Aufgaben sind, als JSON: aus den drei Schichten gezogen oder gleichmäßig über alle Erfolgschancen verteilt; ohne Angabe aus den Schichten.',
    'stratum.share': 'Anteil dieser Schicht am Vorrat; die drei Anteile ergeben zusammen 1.',
    'stratum.above':
      'Aufgaben dieser Schicht löst das Ausgangsmodell öfter als in diesem Anteil; −1 lässt alle zu.',
    'stratum.below':
      'Aufgaben dieser Schicht löst das Ausgangsmodell seltener als in diesem Anteil; 2 lässt alle zu.',
    'stratum.minOperators': 'Mindestzahl der Rechenzeichen einer Aufgabe dieser Schicht.',
    'stratum.maxOperators': 'Höchstzahl der Rechenzeichen einer Aufgabe dieser Schicht.',
    'task.wrongKeyShare':
      'Anteil der Aufgaben mit falschem Lösungsschlüssel; größer, um zu sehen, welche Methode fehlerhafte Daten meidet.',
    'task.wrongKeys':
      'Ob ein falscher Schlüssel irgendeine andere Ziffer ist oder immer aus demselben Fehler folgt, den ein Modell lernen kann; ohne Angabe irgendeine.',
    'task.tiers':
      'Testaufgaben, mit denen niemand trainiert, als JSON: wie viele, wie lang, wie schwer; ohne sie wird nichts ausgewertet.',
    'task.outOfDistribution.prompts':
      'Anzahl der Testaufgaben, die länger sind oder andere Fertigkeiten brauchen als alle Trainingsaufgaben.',
    'task.outOfDistribution.minOperators':
      'Mindestzahl der Rechenzeichen einer solchen Testaufgabe.',
    'task.outOfDistribution.maxOperators':
      'Höchstzahl der Rechenzeichen einer solchen Testaufgabe.',
    'task.tierSeed':
      'Startwert, mit dem die Testaufgaben gezogen werden; sie bleiben bei jedem Startwert des Laufs dieselben.',
    'task.prompts': 'Anzahl verschiedener Prompts, jeder ein Buchstabe.',
    'task.arms': 'Anzahl der Antworten zur Wahl; bei mehr Antworten ist Raten seltener richtig.',
    'task.reward':
      'Ob nur die richtige Antwort belohnt wird oder jede: Gleicher Lohn für alle lehrt nichts und zeigt das Rauschen.',
    'model.hiddenSize':
      'Breite des Modells in Zahlen je Token, ein Vielfaches von 4; doppelt so breit heißt etwa viermal so viele Gewichte und so viel Zeit.',
    'model.intermediateSize':
      'Breite der inneren Schicht jedes Blocks, meist das Zwei- bis Vierfache der Modellbreite.',
    'model.layers':
      'Anzahl der Blöcke hintereinander; jeder bringt Tiefe, Gewichte und Rechenzeit mit.',
    'model.heads': 'Anzahl der Aufmerksamkeitsköpfe eines Blocks.',
    'model.kvHeads':
      'Anzahl der Köpfe für Schlüssel und Werte, ein Teiler der Kopfzahl; weniger sparen Speicher.',
    'model.headDim': 'Zahlen je Kopf, ein Vielfaches von 4.',
    'model.ropeTheta':
      'Basis der Drehung, die Positionen kodiert; größer für längere Texte, üblich ist 10.000.',
    'model.rmsNormEps':
      'Kleine Zahl, die beim Normieren das Teilen durch null verhindert; ein Grund, sie zu ändern, ist selten.',
    'model.tieEmbeddings':
      'Ob die Tabelle, die Token liest, sie auch schreibt; das spart einem kleinen Modell Gewichte.',
    'adapter.rank':
      'Rang der LoRA-Matrizen; ein höherer kann mehr lernen und braucht mehr Speicher, üblich sind 8 bis 64.',
    'adapter.alpha':
      'Stärke der Adapter: Sie werden mit alpha / Rang skaliert, üblich ist der doppelte Rang.',
    'adapter.rslora':
      'Ob mit alpha / √Rang skaliert wird, was hohe Ränge stabil hält; ohne Angabe nicht.',
    'adapter.targets':
      'Matrizen jeder Schicht, die einen Adapter bekommen, als JSON-Liste; üblich sind alle.',
    'base.seed':
      'Startwert, mit dem das untrainierte Modell und seine Texte gezogen werden; für alle Startwerte eines Laufs gleich, damit sie dasselbe Ausgangsmodell haben.',
    'base.updates':
      'Updates des Vortrainings, bevor das bestärkende Lernen beginnt; mehr ergeben ein stärkeres Ausgangsmodell.',
    'base.sequencesPerUpdate': 'Texte in einem Update des Vortrainings.',
    'base.initialScale':
      'Streuung der Zufallsgewichte, mit denen das Vortraining beginnt; üblich ist 0,02, kleine Modelle vertragen mehr.',
    'optimizer.learningRate':
      'Schrittweite des Optimierers an ihrem höchsten Punkt; zu groß bricht das Training ein, zu klein dauert es lange.',
    'optimizer.warmupUpdates':
      'Updates, in denen die Schrittweite von 0 auf ihren Höchstwert steigt (LIMR: 10).',
    'optimizer.schedule':
      'Wie die Schrittweite danach verläuft: gleichbleibend oder entlang eines Kosinus fallend.',
    'optimizer.horizonUpdates':
      'Updates, nach denen eine fallende Schrittweite unten ankommt; weit jenseits des Laufs bleibt sie gleich.',
    'optimizer.minimumShare':
      'Untergrenze einer fallenden Schrittweite als Anteil ihres Höchstwerts (LIMR: 0,1).',
    'optimizer.beta1': 'Gedächtnis von AdamW für frühere Gradienten, 0 ist keines (LIMR: 0,9).',
    'optimizer.beta2':
      'Gedächtnis von AdamW für die Größe früherer Gradienten; näher an 1 ist ruhiger und träger (LIMR: 0,95).',
    'optimizer.epsilon':
      'Kleine Zahl, die bei AdamW das Teilen durch null verhindert; ein Grund, sie zu ändern, ist selten (LIMR: 1e-8).',
    'optimizer.weightDecay': 'Zug der Gewichte zur 0 bei jedem Schritt (LIMR: 0, keiner).',
    'optimizer.maxGradNorm':
      'Längster Gradient, der bleibt, wie er ist; längere werden darauf gekürzt, was Ausreißer zähmt (LIMR: 1).',
    'rollout.prompts':
      'Prompts, die beantwortet werden, bevor das Modell wieder angepasst wird (LIMR: 1.024).',
    'rollout.samples':
      'Antworten auf jeden Prompt (LIMR: 8); bei weniger sind die Punktzahlen von LIM meist Zufall, bei mehr dauert alles länger.',
    'rollout.temperature':
      'Wie mutig Antworten gezogen werden: unter 1 vorsichtiger, über 1 vielfältiger (LIMR: 1,2).',
    'rollout.logprobTemperature':
      'Temperatur, bei der das Update Wahrscheinlichkeiten rechnet; gleich der beim Ziehen sieht es, was gezogen wurde (LIMR: 1).',
    'rollout.topK': 'Anzahl der wahrscheinlichsten Token, unter denen gezogen wird; 0 nimmt alle.',
    'rollout.topP':
      'Anteil der Wahrscheinlichkeit, aus dem gezogen wird, die wahrscheinlichsten Token zuerst; 1 nimmt alle.',
    'rollout.minP':
      'Token entfallen, deren Wahrscheinlichkeit unter diesem Anteil der größten liegt; 0 nimmt alle.',
    'rollout.responseLengths':
      'Grenzen der Antworten, die im Training wachsen, als JSON: je ein Update, ab dem sie gelten, und Token; ohne Angabe die Grenze der Aufgabe.',
    'ppo.rewardClamp':
      'Größte Belohnung in beide Richtungen; größere werden darauf gekürzt (LIMR: 10, auch ohne Angabe).',
    'ppo.whitenScale':
      'Ob Vorteile auf gleiche Streuung gebracht werden oder nur auf den Mittelwert 0 (LIMR: gleiche Streuung, auch ohne Angabe).',
    'ppo.estimator':
      'Wie aus Belohnungen Vorteile werden; gae trainiert einen Kritiker mit, die anderen vergleichen die Antworten auf einen Prompt oder ein ganzes Paket.',
    'ppo.gamma':
      'Wie viel eine spätere Belohnung ein Token früher zählt; 1 zählt sie ganz, und Gruppenmethoden brauchen 1.',
    'ppo.gaeLambda':
      'Wie sehr GAE den Belohnungen statt dem Kritiker traut: 1 nur den Belohnungen, was stärker rauscht, 0 dem Kritiker (LIMR: 0,95).',
    'ppo.clipLow':
      'Wie weit die Wahrscheinlichkeit eines schlechten Tokens in einem Update fallen darf, bevor die Kappung greift (LIMR: 0,2).',
    'ppo.clipHigh':
      'Wie weit die Wahrscheinlichkeit eines guten Tokens in einem Update steigen darf, bevor die Kappung greift (LIMR: 0,2); größer hält seltene Token am Leben.',
    'ppo.valueClip':
      'Wie weit sich der Wert des Kritikers für ein Token in einem Update bewegen darf, bevor die Kappung greift (LIMR: 0,2).',
    'ppo.klEstimator':
      'Formel für den Abstand zum Ausgangsmodell: k1 ist unverzerrt und rauscht, k3 ist ruhiger (LIMR: k1).',
    'ppo.klCoef':
      'Preis für den Abstand zum Ausgangsmodell; ein höherer hält das Modell näher daran, 0 lässt es ziehen (LIMR: 0,01).',
    'ppo.klIn':
      'Ob dieser Preis von der Belohnung abgeht oder zum Verlust kommt (LIMR: Belohnung).',
    'ppo.entropyCoef':
      'Zugabe für unentschiedene Vorhersagen; ein wenig hält Antworten vielfältig, 0 ist keine (LIMR: keine).',
    'ppo.oldLogprobs':
      'Ob die Wahrscheinlichkeiten beim Ziehen eigens berechnet oder dem ersten Update entnommen werden, was Zeit spart, wenn alle Antworten ein Update sind.',
    'ppo.updateEpochs':
      'Durchgänge durch dieselben Antworten, bevor neue gezogen werden (LIMR: 1); mehr nutzen sie besser und entfernen sich weiter.',
    'ppo.minibatches': 'Updates, in die ein Durchgang zerlegt wird (LIMR: 32).',
    'ppo.minibatchUnit':
      'Ob ein Update gemischte Antworten nimmt oder alle Antworten auf einen Prompt zusammen, was schneller ist (LIMR: Antworten).',
    'ppo.lossAggregation':
      'Wie die Verluste der Token gemittelt werden: über Token oder erst über Antworten, damit lange nicht mehr wiegen.',
    'ppo.microbatchSequences':
      'Antworten, deren Token zusammen gemittelt werden, wenn je Teilpaket gemittelt wird (LIMR: 4).',
    'ppo.valueHeadScale':
      'Streuung der ersten Gewichte des Kritikers als Vielfaches der üblichen; 0 beginnt mit Werten von 0.',
    'lim.signal':
      'Was in der Belohnungsmatrix steht: der Anteil richtiger Antworten oder die mittlere Belohnung, in der auch die Form zählt.',
    'lim.compat':
      'Ob Lücken der Matrix richtig behandelt werden oder wie im veröffentlichten Skript von LIMR, um mit dessen Zahlen zu vergleichen.',
    'lim.theta':
      'Punktzahl, ab der LIM einen Prompt behält (LIMR: 0,6); höher behält weniger Prompts, die der mittleren Kurve näher sind.',
    'lim.count':
      'Anzahl der Prompts mit den höchsten Punktzahlen, die LIM statt nach theta behält.',
    'lim.linearShare': 'Anzahl der Prompts, die LINEAR behält, als Anteil derer von LIM.',
    'online.dapo.rounds':
      'Höchstzahl der Ziehrunden einer Iteration, bis genug Prompts gemischte Antworten haben (veröffentlichtes Rezept: 10).',
    'online.lilo.memory':
      'Gewicht früherer Antworten, wenn die Erfolgschance eines Prompts geschätzt wird; 0 vergisst sie.',
    'online.greso.explore':
      'Anfängliche Wahrscheinlichkeit, einen Prompt zu versuchen, der wohl nichts lehrt.',
    'online.greso.exploreLeast': 'Kleinster Wert, auf den diese Wahrscheinlichkeit fällt.',
    'online.greso.exploreMost': 'Größter Wert, auf den diese Wahrscheinlichkeit steigt.',
    'online.greso.step': 'Änderung dieser Wahrscheinlichkeit nach jeder Iteration.',
    'online.greso.easyShare':
      'Anteil der Prompts, deren Antworten alle richtig sein dürfen; darüber werden solche seltener versucht.',
    'online.greso.hardShare':
      'Anteil der Prompts, deren Antworten alle falsch sein dürfen; darüber werden solche seltener versucht.',
    'online.greso.rounds': 'Höchstzahl der Ziehrunden, bis eine Iteration gefüllt ist.',
    'online.retire.accuracy':
      'Anteil richtiger Antworten, ab dem ein Prompt für immer ausscheidet (Veröffentlichung: 0,9).',
    'online.speed.screenShare':
      'Anteil der Antworten eines Prompts, die zuerst gezogen werden, um zu sehen, ob der Rest lohnt.',
    'online.speed.low':
      'Prompts kommen nur weiter, wenn ein größerer Anteil dieser Antworten richtig ist.',
    'online.speed.high':
      'Prompts kommen nur weiter, wenn ein kleinerer Anteil dieser Antworten richtig ist.',
    'online.speed.rounds': 'Höchstzahl der Vorauswahlrunden einer Iteration.',
    'online.onlineLim.leastEpochs': 'Durchgänge durch den Vorrat, bevor LIM ihn verkleinern darf.',
    'online.onlineLim.resamples':
      'Neu gezogene Matrizen, an denen das Rauschen der Rangfolge gemessen wird; mehr sind ruhiger und langsamer.',
    'sft.data':
      'Datei mit Antworten samt Aufgaben, aus denen die Methode SFT lernt; Läufe, die diese Seite startet, haben keine.',
    'sft.length':
      'Dauer des SFT-Trainings, gezählt wie bei den anderen Methoden; ohne Angabe so lang wie sie.',
    'sft.sequences':
      'Antworten eines SFT-Updates; mehr machen seine Schritte ruhiger (8 ohne Angabe).',
    'sft.maxTokens':
      'Längste Antwort samt Aufgabe, die SFT lernt, in Token; ohne Angabe so lang wie die der Aufgabe.',
    'sft.learningRate': 'Schrittweite von SFT; ohne Angabe 1e-5, bei Adaptern 2e-4.',
    'sft.warmupUpdates': 'Updates, in denen die Schrittweite von SFT von 0 an steigt.',
    'sft.schedule': 'Verlauf der Schrittweite von SFT nach dem Anstieg; ohne Angabe konstant.',
    'experiment.epochs':
      'Durchgänge von FULL durch den ganzen Vorrat, also Spalten der Belohnungsmatrix; bei wenigen sind die Kurven zu kurz zum Bewerten.',
    'experiment.methods': 'Methoden, die trainiert und verglichen werden, als JSON-Liste.',
    'experiment.budget':
      'Ob Methoden nach gleich vielen Updates verglichen werden oder nach gleich vielen Durchgängen durch ihre eigenen Prompts.',
    'experiment.armLength':
      'Wie lange jede Auswahl trainiert wird, in der Einheit des Vergleichs (budget).',
    'experiment.fullLength':
      'Wie lange FULL trainiert wird, in der Einheit des Vergleichs (budget); ohne Angabe bis zum Ende seiner Durchgänge.',
    'experiment.readouts':
      'Zeitpunkte, zu denen jede Methode ausgewertet wird, als JSON-Liste in der Einheit des Vergleichs (budget).',
    'experiment.tableReadout': 'Die Auswertung, die in der Ergebnistabelle steht.',
    'experiment.checkpointEvery':
      'Iterationen zwischen zwei Zwischenständen; bei weniger geht beim Schließen des Tabs weniger Arbeit verloren.',
    'experiment.keepWeights':
      'Ob trainierte Gewichte beim Lauf bleiben, damit sich seine Modelle später fragen lassen; ohne Angabe ja.',
    'evaluation.prompts':
      'Höchstzahl der Testaufgaben je Stufe, die gestellt werden; mehr ergeben engere Intervalle.',
    'evaluation.samples':
      'Gezogene Antworten auf jede Testaufgabe, neben der wahrscheinlichsten (LIMR: 4).',
    'evaluation.temperature': 'Wie mutig diese Antworten gezogen werden (LIMR: 0,4).',
    'evaluation.topP':
      'Anteil der Wahrscheinlichkeit, aus dem diese Antworten gezogen werden (LIMR: 0,95).',
  },
};
