"""Class `translate`: English phrases into German, French, Spanish and Italian, from a phrase
table and small sentence frames."""

from dialogue import Example, draw

LANGUAGES = ["German", "French", "Spanish", "Italian"]
PHRASES = [
    "Good morning.|Guten Morgen.|Bonjour.|Buenos días.|Buongiorno.",
    "Good evening.|Guten Abend.|Bonsoir.|Buenas tardes.|Buonasera.",
    "Good night.|Gute Nacht.|Bonne nuit.|Buenas noches.|Buona notte.",
    "Thank you.|Danke.|Merci.|Gracias.|Grazie.",
    "Please.|Bitte.|S'il vous plaît.|Por favor.|Per favore.",
    "Goodbye.|Auf Wiedersehen.|Au revoir.|Adiós.|Arrivederci.",
    "How are you?|Wie geht es dir?|Comment vas-tu?|¿Cómo estás?|Come stai?",
    "I am fine.|Mir geht es gut.|Je vais bien.|Estoy bien.|Sto bene.",
    "What is your name?|Wie heißt du?|Comment tu t'appelles?|¿Cómo te llamas?|Come ti chiami?",
    "Where is the station?|Wo ist der Bahnhof?|Où est la gare?|¿Dónde está la estación?|Dove è la "
    "stazione?",
    "I do not understand.|Ich verstehe nicht.|Je ne comprends pas.|No entiendo.|Non capisco.",
    "I love you.|Ich liebe dich.|Je t'aime.|Te quiero.|Ti amo.",
    "See you tomorrow.|Bis morgen.|À demain.|Hasta mañana.|A domani.",
    "Happy birthday.|Alles Gute zum Geburtstag.|Joyeux anniversaire.|Feliz cumpleaños.|Buon "
    "compleanno.",
    "What time is it?|Wie spät ist es?|Quelle heure est-il?|¿Qué hora es?|Che ora è?",
    "I am hungry.|Ich habe Hunger.|J'ai faim.|Tengo hambre.|Ho fame.",
    "I am thirsty.|Ich habe Durst.|J'ai soif.|Tengo sed.|Ho sete.",
    "It is cold.|Es ist kalt.|Il fait froid.|Hace frío.|Fa freddo.",
    "Excuse me.|Entschuldigung.|Excusez-moi.|Perdón.|Scusi.",
    "Yes.|Ja.|Oui.|Sí.|Sì.",
]
# English | German (article in the nominative, accusative) | French | Spanish | Italian, each with
# gender m, f or n.
NOUNS = [
    "dog|m Hund|m chien|m perro|m cane",
    "cat|f Katze|m chat|m gato|m gatto",
    "house|n Haus|f maison|f casa|f casa",
    "table|m Tisch|f table|f mesa|m tavolo",
    "book|n Buch|m livre|m libro|m libro",
    "car|n Auto|f voiture|m coche|f macchina",
    "garden|m Garten|m jardin|m jardín|m giardino",
    "bridge|f Brücke|m pont|m puente|m ponte",
    "door|f Tür|f porte|f puerta|f porta",
    "window|n Fenster|f fenêtre|f ventana|f finestra",
    "horse|n Pferd|m cheval|m caballo|m cavallo",
    "bread|n Brot|m pain|m pan|m pane",
    "flower|f Blume|f fleur|f flor|m fiore",
    "train|m Zug|m train|m tren|m treno",
    "boat|n Boot|m bateau|m barco|f barca",
    "room|n Zimmer|f chambre|f habitación|f camera",
    "bottle|f Flasche|f bouteille|f botella|f bottiglia",
    "bird|m Vogel|m oiseau|m pájaro|m uccello",
    "hat|m Hut|m chapeau|m sombrero|m cappello",
    "lamp|f Lampe|f lampe|f lámpara|f lampada",
]
ADJECTIVES = [
    "big|groß|grand grande|grande grande|grande grande",
    "small|klein|petit petite|pequeño pequeña|piccolo piccola",
    "old|alt|vieux vieille|viejo vieja|vecchio vecchia",
    "new|neu|nouveau nouvelle|nuevo nueva|nuovo nuova",
    "beautiful|schön|beau belle|bonito bonita|bello bella",
    "red|rot|rouge rouge|rojo roja|rosso rossa",
    "white|weiß|blanc blanche|blanco blanca|bianco bianca",
    "black|schwarz|noir noire|negro negra|nero nera",
    "expensive|teuer|cher chère|caro cara|caro cara",
    "green|grün|vert verte|verde verde|verde verde",
]
THE = {
    "German": {"m": "der", "f": "die", "n": "das"},
    "French": {"m": "le", "f": "la"},
    "Spanish": {"m": "el", "f": "la"},
    "Italian": {"m": "il", "f": "la"},
}
A = {
    "German": {"m": "einen", "f": "eine", "n": "ein"},
    "French": {"m": "un", "f": "une"},
    "Spanish": {"m": "un", "f": "una"},
    "Italian": {"m": "un", "f": "una"},
}
# English frame: how German, French, Spanish and Italian say it; {} is "the/a noun".
FRAMES_A = {
    "I see a {}.": ["Ich sehe {}.", "Je vois {}.", "Veo {}.", "Vedo {}."],
    "We have a {}.": ["Wir haben {}.", "Nous avons {}.", "Tenemos {}.", "Abbiamo {}."],
    "She is looking for a {}.": [
        "Sie sucht {}.",
        "Elle cherche {}.",
        "Ella busca {}.",
        "Lei cerca {}.",
    ],
}
ENGLISH_IS = ["The {0} is {1}.", "The {0} is not {1}.", "Is the {0} {1}?"]
IS = {
    "German": ["{0} ist {1}.", "{0} ist nicht {1}.", "Ist {0} {1}?"],
    "French": ["{0} est {1}.", "{0} n'est pas {1}.", "Est-ce que {0} est {1}?"],
    "Spanish": ["{0} es {1}.", "{0} no es {1}.", "¿Es {1} {0}?"],
    "Italian": ["{0} è {1}.", "{0} non è {1}.", "È {1} {0}?"],
}
ASK = ["Translate into {0}: {1}", "How do you say in {0}: {1}", "{1} What is that in {0}?"]


def the(language, gender, noun):
    if language == "French" and noun[0] in "aeiou":
        return "l'" + noun
    if language == "Italian" and gender == "m" and noun[0] in "aeiou":
        return "l'" + noun
    return THE[language][gender] + " " + noun


def capital(text):
    for i, c in enumerate(text):
        if c.isalpha():
            return text[:i] + c.upper() + text[i + 1 :]
    return text


def propose(rng):
    column = rng.randrange(4)
    language, ask = LANGUAGES[column], rng.choice(ASK)
    kind = rng.choice(["phrase", "a", "is", "is"])
    if kind == "phrase":
        row = rng.choice(PHRASES).split("|")
        english, answer, key = row[0], row[1 + column], ask
    else:
        noun = rng.choice(NOUNS).split("|")
        gender, word = noun[1 + column].split(" ")
        key = ""
    if kind == "a":
        frame = rng.choice(sorted(FRAMES_A))
        english = frame.format(noun[0])
        answer = FRAMES_A[frame][column].format(A[language][gender] + " " + word)
    if kind == "is":
        adjective = rng.choice(ADJECTIVES).split("|")
        forms = adjective[1 + column].split(" ")
        frame = rng.randrange(3)
        english = ENGLISH_IS[frame].format(noun[0], adjective[0])
        answer = capital(
            IS[language][frame].format(
                the(language, gender, word), forms[-1] if gender == "f" else forms[0]
            )
        )
    return ("translate", language, english, key), lambda: Example(
        ask.format(language, english), answer
    )


def sample(rng, test):
    return draw(rng, test, propose)


def check(example, answer):
    return answer == example.answer
