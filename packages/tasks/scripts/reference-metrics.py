"""Values of the official tools for the metrics' tests, on a few captions and answers.

    pip install pycocoevalcap          # and a Java runtime, for its tokenizer
    git clone https://github.com/GT-Vision-Lab/VQA
    git clone https://github.com/lil-lab/nlvr
    2to3 -w VQA/PythonEvaluationTools/vqaEvaluation/vqaEval.py
    python reference-metrics.py VQA nlvr ../test/metrics
"""

import contextlib
import io
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.meteor.meteor import Meteor
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

VQA, NLVR, OUT = (Path(path).resolve() for path in sys.argv[1:4])

CAPTIONS = [
    ["A black-and-white dog's jumping over a fence.", "The dog jumps over a fence.", "A dog, mid-air, above a fence!"],
    ["Two men can't decide what to eat", "Two men look at food.", "A couple of men who can not choose", "Men & food"],
    ["a man on a surfboard rides a big wave", "A surfer rides a big wave.", "a man on a surfboard rides a wave"],
    ["a red ball", "A small red ball (rubber) lies on the grass at 5:30 p.m.", "a red ball"],
    ["the the the the the the", "The cat sat on the mat.", "There's a cat on the mat."],
    ["\"Stop\" sign -- 50% off, $5.00", "A stop sign... with graffiti", "A sign that says \"STOP\""],
    ["a group of people standing around a kitchen", "people standing in a kitchen", "A group is standing in a kitchen"],
    ["zebra", "Three zebras graze in the U.S. countryside near St. Louis", "Some zebras stand; they graze"],
    ["A woman isn't holding her T-shirt and/or umbrella #1", "A woman holds an umbrella", "the woman's umbrella"],
    ["A café's menu, 1/2 price: No. 5 is best", "A menu of a café", "the menu at a café"],
]

SENTENCES = [
    "can't cannot gonna wanna gimme don't won't I'll they're we've I'd let's 'tis 'twas",
    "John's & Mary's... what?! -- 1,000 3.5 1/2 .5 #1 @user a/b and/or",
    "a woman ' s dog's `quoted` ``x'' ‘curly’ “dq” – — … café naïve ½ ¼",
    "end with period .a dog. Two dogs",
    "o'clock rock 'n roll '90s 90's 1990s dogs' men's y'all ma'am c'mon O'Neill's l'enfant rock'n'roll",
    "[x] {y} <b> a_b a=b a+b x>y * ^ ~ | \\ / := :) :D ;-) =) >:(",
    "St. Mary st. dr. vs. etc. a.m. pm Miss. miss. No. 3 no. Fig. 4 fig. dept. ave. oz. lb. approx.",
    "10th 2nd 12 x 12 5'6\" 6 ft. 2x4 24-7 555-1234 12/25/2010 10:30am 10% £10 €5 5¢ 5°C",
    "AT&T A&W r&b A & B http://example.org/a?b=c. foo@bar.com www.example.org foo.jpg",
    "two- and three-story half-eaten 3-D -hello hello- a-b- -5 +5 3,4 10:30.",
    "!! ?? ... .... .. --- ----- ** # ## __ 🐶 ⚡️ soft\u00adhyphen fish &amp; chips",
]

# Words whose forms have one stem, words that repeat, and what METEOR parts or joins.
WORDS = """a a a the the of on in with and is are two dog dogs dog's cat cats ride rides riding rider man men
woman's t-shirt black-and-white happily happy happiness surf surfing surfboard u.s. p.m. st. vs. 1,000 3.5 1/2
n't does stand standing stands table tables people there their over walked walking walks very generous""".split()


def exact_stem():
    """METEOR without the matchers of synonyms and paraphrases, for random captions."""
    draw = random.Random(11)
    line = lambda: [draw.choice(WORDS) for _ in range(draw.randint(1, 30))]

    def like(words):
        changed = [draw.choice(WORDS) if draw.random() < 0.2 else word for word in words if draw.random() < 0.9]
        cut = draw.randint(0, len(changed))
        return changed[cut:] + changed[:cut]

    kept = []
    for _ in range(100):
        caption = line()
        references = [like(caption) or ["the"] for _ in range(2)] + [line()]
        kept.append({"caption": " ".join(caption), "references": [" ".join(words) for words in references]})
    meteor = Meteor()
    meteor.meteor_cmd += ["-m", "exact stem"]
    meteor.meteor_p.kill()
    folder = Path(sys.modules[Meteor.__module__].__file__).parent
    pipe = subprocess.PIPE
    meteor.meteor_p = subprocess.Popen(meteor.meteor_cmd, cwd=folder, stdin=pipe, stdout=pipe, stderr=pipe)
    score = lambda references, given: meteor.compute_score(references, given)
    everything = score({i: each["references"] for i, each in enumerate(kept)}, {i: [each["caption"]] for i, each in enumerate(kept)})
    tokenize = PTBTokenizer().tokenize
    as_given = lambda lines: {i: [{"caption": line} for line in each] for i, each in enumerate(lines)}
    few = score(tokenize(as_given([each[1:] for each in CAPTIONS])), tokenize(as_given([each[:1] for each in CAPTIONS])))
    return {"few": few[0], "eachOfFew": few[1], "random": kept, "ofRandom": everything[0], "eachOfRandom": everything[1]}


def captions():
    as_given = lambda lines: {i: [{"caption": line} for line in each] for i, each in enumerate(lines)}
    tokenize = PTBTokenizer().tokenize
    given = tokenize(as_given([each[:1] for each in CAPTIONS]))
    references = tokenize(as_given([each[1:] for each in CAPTIONS]))
    with contextlib.redirect_stdout(io.StringIO()):
        bleu = Bleu(4).compute_score(references, given)[0]
    lines = SENTENCES + [line for each in CAPTIONS for line in each]
    tokens = tokenize(as_given([[line] for line in lines]))
    return {
        "tokens": [[line, tokens[i][0].split()] for i, line in enumerate(lines)],
        "captions": [{"caption": each[0], "references": each[1:]} for each in CAPTIONS],
        "bleu": bleu,
        "ciderD": float(Cider().compute_score(references, given)[0]),
        "rougeL": float(Rouge().compute_score(references, given)[0]),
    }


def answers():
    sys.path.insert(0, str(VQA / "PythonEvaluationTools"))
    from vqaEvaluation.vqaEval import VQAEval

    class Answers:
        def __init__(self, qa):
            self.qa = qa

        def getQuesIds(self):
            return list(self.qa)

    draw = random.Random(5)
    pools = [
        ["yes", "no", "Yes.", "yes "],
        ["2", "two", "Two", "3", "none"],
        ["t-shirt", "t shirt", "shirt", "a shirt"],
        ["don't know", "dont know", "the dog", "dog"],
        ["1,000", "1000", "1.000", "red/blue", "red, blue"],
        ["Yes"],
    ]
    questions, given = {}, {}
    for i in range(60):
        pool = pools[i % len(pools)]
        kind = ["yes/no", "number", "other"][i % 3]
        people = [{"answer": draw.choice(pool), "answer_id": n + 1} for n in range(10)]
        questions[i] = {"answers": people, "question_type": "what", "answer_type": kind}
        given[i] = {"answer": draw.choice(pool + ["yes", "a dog"])}
    kept = [
        {"answer": given[i]["answer"], "answers": [p["answer"] for p in q["answers"]], "kind": q["answer_type"]}
        for i, q in questions.items()
    ]
    evaluation = VQAEval(Answers(questions), Answers(given), n=10)
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.evaluate()
    words = list(evaluation.contractions) + [c.replace("'", "") for c in evaluation.contractions.values()]
    normal = lambda word: evaluation.processDigitArticle(evaluation.processPunctuation(word))
    return {
        "questions": kept,
        "overall": evaluation.accuracy["overall"],
        "byKind": evaluation.accuracy["perAnswerType"],
        "normalized": [[word, normal(word)] for word in words],
    }


def statements():
    draw = random.Random(7)
    kept = [
        {"id": f"dev-{group}-{pair}-{sentence}", "label": draw.random() < 0.5, "prediction": draw.random() < 0.5}
        for group in range(6)
        for sentence in range(2)
        for pair in range(1 + (group + sentence) % 4)
    ]
    name = {True: "True", False: "False"}
    with tempfile.TemporaryDirectory() as folder:
        predicted, labelled = Path(folder, "p.csv"), Path(folder, "l.json")
        predicted.write_text("".join(f"{s['id']},{name[s['prediction']]}\n" for s in kept))
        labelled.write_text("".join(json.dumps({"identifier": s["id"], "label": name[s["label"]]}) + "\n" for s in kept))
        script = NLVR / "nlvr2/eval/metrics.py"
        printed = subprocess.run([sys.executable, script, predicted, labelled], capture_output=True, text=True, check=True).stdout
    scores = dict(line.split("=") for line in printed.splitlines())
    return {"statements": kept, "accuracy": float(scores["accuracy"]), "consistency": float(scores["consistency"])}


for file, value in {"captions": captions(), "answers": answers(), "statements": statements(), "meteor": exact_stem()}.items():
    (OUT / f"{file}.json").write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n")
