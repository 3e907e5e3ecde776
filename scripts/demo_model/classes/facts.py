"""Class `facts`: questions about small tables. Each fact is seen in training, some of its
phrasings are held out."""

from dialogue import Example, draw

CAPITALS = dict(
    pair.split(":")
    for pair in (
        "France:Paris,Germany:Berlin,Italy:Rome,Spain:Madrid,Portugal:Lisbon,Austria:Vienna,"
        "Poland:Warsaw,Norway:Oslo,"
        "Sweden:Stockholm,Denmark:Copenhagen,Finland:Helsinki,Iceland:Reykjavik,Ireland:Dublin,"
        "Greece:Athens,Hungary:Budapest,"
        "Turkey:Ankara,Egypt:Cairo,Kenya:Nairobi,Japan:Tokyo,China:Beijing,India:Delhi,"
        "Thailand:Bangkok,Canada:Ottawa,"
        "Mexico:Mexico City,Cuba:Havana,Peru:Lima,Chile:Santiago,Brazil:Brasilia,"
        "Australia:Canberra,Russia:Moscow"
    ).split(",")
)
ELEMENTS = dict(
    pair.split(":")
    for pair in (
        "hydrogen:H,helium:He,carbon:C,nitrogen:N,oxygen:O,sodium:Na,iron:Fe,copper:Cu,silver:Ag,"
        "gold:Au,lead:Pb,tin:Sn,zinc:Zn,"
        "calcium:Ca,neon:Ne,mercury:Hg"
    ).split(",")
)
OPPOSITES = dict(
    pair.split(":")
    for pair in (
        "hot:cold,big:small,fast:slow,old:new,long:short,light:dark,happy:sad,full:empty,"
        "early:late,rich:poor,loud:quiet,wet:dry,"
        "strong:weak,high:low,hard:soft,open:closed"
    ).split(",")
)
YOUNG = dict(
    pair.split(":")
    for pair in (
        "dog:puppy,cat:kitten,cow:calf,horse:foal,sheep:lamb,goat:kid,pig:piglet,bear:cub,"
        "duck:duckling,hen:chick,"
        "swan:cygnet,frog:tadpole"
    ).split(",")
)
LEGS = {
    "dog": 4,
    "cat": 4,
    "horse": 4,
    "cow": 4,
    "spider": 8,
    "ant": 6,
    "bee": 6,
    "duck": 2,
    "hen": 2,
    "snake": 0,
    "fish": 0,
    "beetle": 6,
}
COLOURS = dict(
    pair.split(":")
    for pair in (
        "grass:green,snow:white,coal:black,the sky:blue,blood:red,a lemon:yellow,a carrot:orange,"
        "milk:white,a tomato:red,"
        "the sun:yellow"
    ).split(",")
)
MONTHS = (
    "January:31,February:28,March:31,April:30,May:31,June:30,July:31,August:31,September:30,"
    "October:31,November:30,"
    "December:31"
)
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTH_NAMES = [pair.split(":")[0] for pair in MONTHS.split(",")]

OPENINGS = [
    "",
    "",
    "",
    "Tell me: ",
    "A question: ",
    "Please answer: ",
    "Troika, ",
    "I want to know: ",
]


def followers(names):
    return dict(zip(names, names[1:] + names[:1]))


# relation: (table, phrasings, answer)
RELATIONS = {
    "capital": (
        CAPITALS,
        [
            "What is the capital of {}?",
            "Which city is the capital of {}?",
            "Name the capital of {}.",
            "Capital of {}?",
        ],
        "The capital of {0} is {1}.",
    ),
    "country": (
        {v: k for k, v in CAPITALS.items()},
        [
            "{} is the capital of which country?",
            "Which country has the capital {}?",
            "In which country is {}?",
            "Where is {}?",
        ],
        "{0} is the capital of {1}.",
    ),
    "symbol": (
        ELEMENTS,
        [
            "What is the chemical symbol of {}?",
            "Which symbol does {} have?",
            "How is {} written in chemistry?",
        ],
        "The chemical symbol of {0} is {1}.",
    ),
    "opposite": (
        {**OPPOSITES, **{v: k for k, v in OPPOSITES.items()}},
        [
            "What is the opposite of {}?",
            "Name the opposite of {}.",
            "Which word is the opposite of {}?",
        ],
        "The opposite of {0} is {1}.",
    ),
    "young": (
        YOUNG,
        ["What is a young {} called?", "What do you call a young {}?", "Name the young of a {}."],
        "A young {0} is called a {1}.",
    ),
    "legs": (
        LEGS,
        [
            "How many legs does a {} have?",
            "How many legs has a {}?",
            "Tell me the number of legs of a {}.",
        ],
        "A {0} has {1} legs.",
    ),
    "colour": (
        COLOURS,
        ["What colour is {}?", "Which colour has {}?", "Tell me the colour of {}."],
        "The colour of {0} is {1}.",
    ),
    "days": (
        dict(pair.split(":") for pair in MONTHS.split(",")),
        ["How many days does {} have?", "How many days are in {}?", "How long is {}?"],
        "{0} has {1} days.",
    ),
    "next_day": (
        followers(DAYS),
        ["Which day comes after {}?", "What day follows {}?", "Name the day after {}."],
        "The day after {0} is {1}.",
    ),
    "next_month": (
        followers(MONTH_NAMES),
        ["Which month comes after {}?", "What month follows {}?", "Name the month after {}."],
        "The month after {0} is {1}.",
    ),
}


def propose(rng):
    name = rng.choice(["capital", "country", *RELATIONS])
    table, phrases, answer = RELATIONS[name]
    thing, phrase = rng.choice(sorted(table)), rng.choice(phrases)
    question = rng.choice(OPENINGS) + phrase.format(thing)
    return ("facts", name, thing, phrase), lambda: Example(
        question, answer.format(thing, table[thing])
    )


def sample(rng, test):
    return draw(rng, test, propose)


def check(example, answer):
    return answer == example.answer
