"""Class `code`: short Python and C++ functions with varied names. The check runs them."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from dialogue import Example, draw

VERBS = "get find make compute do run build give load work".split()
THINGS = (
    "value result number total item score price weight data point size level rate count sum".split()
)
LISTS = "values numbers items scores prices weights points sizes levels rates".split()
SCALARS = "x y a b n m p q k t".split()

# task: (wording, Python, C++, test). FUNC, LIST, X, Y, C stand for names and a constant; the test
# is an expression of both languages that must be true, with DATA = 4, 1, 12.
TASKS = {
    "add": (
        "adds two numbers X and Y",
        """
def FUNC(X, Y):
    return X + Y
""",
        """
int FUNC(int X, int Y) {
    return X + Y;
}
""",
        "FUNC(3, 4) == 7",
    ),
    "multiply": (
        "multiplies two numbers X and Y",
        """
def FUNC(X, Y):
    return X * Y
""",
        """
int FUNC(int X, int Y) {
    return X * Y;
}
""",
        "FUNC(3, 4) == 12",
    ),
    "larger": (
        "returns the larger of X and Y",
        """
def FUNC(X, Y):
    return X if X > Y else Y
""",
        """
int FUNC(int X, int Y) {
    return X > Y ? X : Y;
}
""",
        "FUNC(3, 4) == 4 and FUNC(9, 2) == 9",
    ),
    "square": (
        "returns the square of X",
        """
def FUNC(X):
    return X * X
""",
        """
int FUNC(int X) {
    return X * X;
}
""",
        "FUNC(5) == 25",
    ),
    "plus": (
        "adds C to X",
        """
def FUNC(X):
    return X + C
""",
        """
int FUNC(int X) {
    return X + C;
}
""",
        "FUNC(5) == 5 + C",
    ),
    "times": (
        "multiplies X by C",
        """
def FUNC(X):
    return X * C
""",
        """
int FUNC(int X) {
    return X * C;
}
""",
        "FUNC(5) == 5 * C",
    ),
    "even": (
        "checks whether X is even",
        """
def FUNC(X):
    return X % 2 == 0
""",
        """
bool FUNC(int X) {
    return X % 2 == 0;
}
""",
        "FUNC(4) and not FUNC(7)",
    ),
    "divides": (
        "checks whether X is divisible by C",
        """
def FUNC(X):
    return X % C == 0
""",
        """
bool FUNC(int X) {
    return X % C == 0;
}
""",
        "FUNC(3 * C) and not FUNC(C * 3 + 1)",
    ),
    "factorial": (
        "returns the factorial of X",
        """
def FUNC(X):
    result = 1
    for i in range(2, X + 1):
        result *= i
    return result
""",
        """
int FUNC(int X) {
    int result = 1;
    for (int i = 2; i <= X; i++) {
        result *= i;
    }
    return result;
}
""",
        "FUNC(5) == 120",
    ),
    "sum": (
        "returns the sum of a list LIST",
        """
def FUNC(LIST):
    result = 0
    for X in LIST:
        result += X
    return result
""",
        """
int FUNC(const std::vector<int>& LIST) {
    int result = 0;
    for (int X : LIST) {
        result += X;
    }
    return result;
}
""",
        "FUNC(DATA) == 17",
    ),
    "above": (
        "counts the elements of LIST above C",
        """
def FUNC(LIST):
    result = 0
    for X in LIST:
        if X > C:
            result += 1
    return result
""",
        """
int FUNC(const std::vector<int>& LIST) {
    int result = 0;
    for (int X : LIST) {
        if (X > C) {
            result++;
        }
    }
    return result;
}
""",
        "FUNC(DATA) == (4 > C) + (1 > C) + (12 > C)",
    ),
    "maximum": (
        "returns the maximum of a list LIST",
        """
def FUNC(LIST):
    result = LIST[0]
    for X in LIST:
        if X > result:
            result = X
    return result
""",
        """
int FUNC(const std::vector<int>& LIST) {
    int result = LIST[0];
    for (int X : LIST) {
        if (X > result) {
            result = X;
        }
    }
    return result;
}
""",
        "FUNC(DATA) == 12",
    ),
}
PHRASES = [
    "Write a {language} function {f} that {task}.",
    "{language}: a function {f} that {task}, please.",
    "I need a {language} function named {f} that {task}.",
]


def propose(rng):
    name = f"{rng.choice(VERBS)}_{rng.choice(THINGS)}"
    x, y = rng.sample(SCALARS, 2)
    words = {"FUNC": name, "X": x, "Y": y, "LIST": rng.choice(LISTS), "C": str(rng.randint(2, 9))}
    language, task = rng.choice(["Python", "C++"]), rng.choice(sorted(TASKS))
    phrase = rng.choice(PHRASES)
    return ("code", language, task, name), lambda: make(language, task, words, phrase)


def fill(text, words):
    """The text with its placeholders replaced, whole words only."""
    return re.sub(r"\b(FUNC|LIST|X|Y|C)\b", lambda found: words[found[0]], text)


def make(language, task, words, phrase):
    wording, python, cpp, test = (fill(text, words) for text in TASKS[task])
    question = phrase.format(language=language, f=words["FUNC"], task=wording)
    answer = f"```python{python}```" if language == "Python" else f"```cpp{cpp}```"
    return Example(question, answer, {"language": language, "test": test})


def sample(rng, test):
    return draw(rng, test, propose)


def check(example, answer):
    """The answer is one code block whose function passes the task's test when it is run."""
    language, test = example.facts["language"], example.facts["test"]
    fence = "python" if language == "Python" else "cpp"
    block = re.fullmatch(rf"```{fence}\n(.*)\n```", answer, re.S)
    if not block:
        return False
    if language == "Python":
        program = f"{block[1]}\nDATA = [4, 1, 12]\nassert {test}\n"
        return succeeds(sys.executable, "-I", "-c", program)
    return compiles_and_succeeds(
        f"#include <vector>\n{block[1]}\nint main() {{\n    std::vector<int> DATA = {{4, 1, 12}};\n"
        f"    return ({test}) ? 0 : 1;\n}}\n"
    )


def compiles_and_succeeds(program):
    with tempfile.TemporaryDirectory() as folder:
        source, binary = Path(folder, "answer.cc"), str(Path(folder, "answer"))
        source.write_text(program)
        return succeeds("g++", "-std=c++17", "-O0", "-o", binary, str(source)) and succeeds(binary)


def succeeds(*command):
    try:
        return subprocess.run(command, capture_output=True, timeout=20).returncode == 0
    except subprocess.TimeoutExpired:
        return False
