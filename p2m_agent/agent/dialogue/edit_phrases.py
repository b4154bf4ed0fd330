"""Changes of something named, read from words: a cue with its value; a line that holds only one of them is no edit."""

from __future__ import annotations

import re
from collections.abc import Callable

from p2m_agent.agent.dialogue import label_edits
from p2m_agent.agent.dialogue.names import NUMBER, match, mentioned, number
from p2m_agent.agent.dialogue.readings import Edit, Place
from p2m_agent.agent.dialogue.topics import is_question
from p2m_agent.languages import NAMES
from p2m_agent.types.task import read_share

_METRICS = {"macro f1": "macro_f1", "micro f1": "micro_f1", "accuracy": "accuracy", "exact match": "exact_match",
            "chrf": "chrf", "rouge": "rouge_l", "bleu": "bleu"}  # fmt: skip
_LANGUAGES = {**NAMES, "alemán": "de", "inglés": "en", "francés": "fr", "französisch": "fr", "spanisch": "es",
              "japanisch": "ja", "japonés": "ja", "ドイツ語": "de", "スペイン語": "es", "フランス語": "fr"}  # fmt: skip
_FILE = r"(?P<file>@?[\w./~-]+\.(?:csv|tsv|jsonl?|parquet|xlsx?|txt|zip|gz|ods|db))\b"
_ASKS_BACK = r"^(?:can|could|would) (?:you|we) (?:please )?"
"""`can you switch to distilbert?` asks for a change and not for an answer."""


def read_edit(text: str, place: Place) -> Edit | None:
    """The change that a line names, or None."""
    line = " ".join(text.split()).strip().replace("’", "'")
    asked = match(_ASKS_BACK, line)
    if is_question(line) and not asked:
        return None
    line = re.sub(r",?\s*(?:please|bitte|por favor)$", "", line.rstrip(".!?。？"), flags=re.IGNORECASE)
    for reader in _READERS:
        edit = reader(line, place)
        if edit is not None:
            return edit
    return None


def _target(line: str, place: Place) -> Edit | None:
    spoken = re.sub(r"\s*(?:percent|prozent|por ciento|パーセント|％)", "%", line, flags=re.IGNORECASE)
    found = re.search(
        r"(\d+(?:[.,]\d+)?)\s*%|(?<![\d.$])([01]?[.,]\d+)\b(?!\s*(?:\$|dollar|usd|euro|min|hour))", spoken
    )
    if not found or len(spoken.split()) > 14 or mentioned(line, place.labels):
        return None
    cue = (
        r"\b(?:target|goal|aim|ziel|objetivo|meta|make it|accuracy|score|least|enough|happy|better|need"
        r"|want|reach|mindestens)\b|目標"
    )
    if match(r"\$|dollar|\bsure\b|\bcertain\b|\bof the (?:rows|data)\b", spoken) or not (
        "%" in found[0] or match(cue, spoken)
    ):
        return None
    try:
        return Edit(what="target", to=read_share(found[0]))
    except ValueError:
        return None


def _language(line: str, _place: Place) -> Edit | None:
    code = match(r"^(?:language|sprache|idioma|lang)\s*(?:is|=|:|ist)?\s*(?P<code>\w+)$", line)
    if code:
        said = code["code"].lower()
        found = _LANGUAGES.get(said) or (said if said in set(NAMES.values()) else None)
        return Edit(what="language", to=found) if found else None
    names = "|".join(sorted(map(re.escape, _LANGUAGES), key=len, reverse=True))
    about = (
        r"\b(?:it'?s|they'?re|all|everything|texts?|messages?|e?-?mails?|inputs?|rows?|data|texte|daten"
        r"|nachrichten|mensajes|textos"
        r"|correos|customers?|people|users?|kunden|clientes|alles|todo)\b"
    )
    says = r"\b(?:is|are|be|'s|'re|write|written|in|auf|sind|ist|están|está|son|schreiben|escriben)\b|'s|'re"
    named = list(re.finditer(rf"(?<!\w)(?P<name>{names})(?!\w)", line, re.IGNORECASE))
    japanese = match(rf"^(?:メール|テキスト|入力|データ)は(?P<name>{names})", line)
    if japanese:
        return Edit(what="language", to=_LANGUAGES[japanese["name"].lower()])
    if len(named) != 1 or len(line.split()) > 8 or match(r"translat|learn|sort|classif|label", line):
        return None
    fits = match(about, line) and match(says, line)
    return Edit(what="language", to=_LANGUAGES[named[0]["name"].lower()]) if fits else None


def _metric(line: str, _place: Place) -> Edit | None:
    found = match(rf"\b(?P<name>{'|'.join(_METRICS)})\b", line.replace("_", " "))
    cue = (
        r"\bmetric\b|\bmeasur\w*|\bscor(?:e|ed|ing) (?:it |them )?(?:by|with)\b|\bjudge\b|\bmetrik\b"
        r"|\bmiss\b|\bmide\b|\bbewerte\b"
    )
    return Edit(what="metric", to=_METRICS[found["name"].lower()]) if found and match(cue, line) else None


def _data(line: str, _place: Place) -> Edit | None:
    found = match(_FILE, line)
    no = found is None or match(r"\b(?:not|don't|without|ignore|nicht|sin)\b", line)
    return None if no or found is None else Edit(what="data", to=found["file"].lstrip("@"))


def _columns(line: str, place: Place) -> Edit | None:
    names = mentioned(line, place.columns)
    inputs = r"\binputs?\b|\btexts?\b|\bmessages?\b|\beingabe\b|\bentrada\b|入力"
    output = r"\boutputs?\b|\blabels?\b|\banswers?\b|\btarget\b|\bausgabe\b|\bsalida\b|出力"
    if not names or match(r"\b(?:wrong|not|nicht|no)\b", line):
        return None
    if len(names) == 1 and match(output, re.sub(re.escape(names[0]), "", line, flags=re.IGNORECASE)):
        return Edit(what="columns", to=names[0])
    if match(inputs, line) and not match(output, line):
        return Edit(what="columns", names=names)
    return None


def _money(line: str, _place: Place) -> Edit | None:
    amount = r"(?:\$\s*(?P<n>\d+(?:[.,]\d+)?)|(?P<m>\d+(?:[.,]\d+)?)\s*(?:\$|dollars?|dólares|usd|euros?|€|ドル))"
    found = match(amount, line)
    limits = (
        r"\b(?:at most|up to|more than|max\w*|budget|spend|pay|limit|höchstens|maximal|mehr als|ausgeben"
        r"|máximo|gastar|más de"
        r"|a lo sumo|under|within|cap)\b|予算|まで"
    )
    if not found or not match(limits, line) or match(r"\b(?:paid|spent|mention|message)\w*\b", line):
        return None
    return Edit(what="budget_usd", to=float((found["n"] or found["m"]).replace(",", ".")))


def _minutes(line: str, _place: Place) -> Edit | None:
    units = r"(?P<unit>minutes?|min\b|hours?|h\b|minuten|stunden?|minutos|horas?|分|時間)"
    line = re.sub(r"\bhalf an hour\b|\beine halbe stunde\b|\bmedia hora\b", "30 minutes", line, flags=re.IGNORECASE)
    found = match(rf"{NUMBER}\s*{units}", line)
    limits = (
        r"\b(?:at most|up to|more than|max\w*|within|you have|i have|only|du hast|tienes|done in"
        r"|finish\w*|fertig|budget|limit|fine|enough"
        r"|höchstens|maximal|máximo|tengo|habe|nur|under|time)\b|以内|まで"
    )
    if not found or not match(limits, line) or len(line.split()) > 11:
        return None
    return Edit(what="max_minutes", to=number(found["n"]) * (60 if found["unit"].lower()[0] in "hs時" else 1))


def _rounds(line: str, _place: Place) -> Edit | None:
    found = match(rf"{NUMBER}\s*(?:more )?(?:training )?(?:rounds?\b|runden?\b|rondas?\b|ラウンド|回)", line)
    limits = (
        r"\b(?:at most|up to|more than|max\w*|rounds\s*[=:]|only|nur|solo|limit|enough|do|höchstens"
        r"|maximal|máximo)\b|最大|まで|will do"
    )
    return Edit(what="rounds", to=number(found["n"])) if found and match(limits, line) else None


def _model(line: str, place: Place) -> Edit | None:
    if len(line.split()) > 10 or match(r"\bmetric\b|\b(?:not|don't|no|nicht|bad|wrong|slow)\b", line):
        return None
    cue = (
        r"\b(?:use|try|take|train|switch|go|prefer|rather|nimm|nutze|probier\w*|usa|prueba|want|with"
        r"|instead|how about)\b|使って"
    )
    tokens = [
        token for token in re.findall(r"[\w./-]{4,}", line) if not match(r"^(?:model|base|with|instead|please)$", token)
    ]
    near = {base for token in tokens for base in place.bases if _stem(token) in base.casefold()}
    bare = len(line.split()) <= 2
    if len(near) == 1 and (match(cue, line) or bare):
        return Edit(what="model", to=near.pop())
    looks = [token for token in tokens if re.search(r"bert|llama|qwen|minilm|t5|mistral|gemma|smollm", token, re.I)]
    return Edit(what="model", to=looks[0]) if len(looks) == 1 and match(cue, line) else None


def _stem(token: str) -> str:
    return token.casefold().strip(".-")


def _prefer(line: str, _place: Place) -> Edit | None:
    form = r"\bsmall(?:er|est)?\b|\btin(?:y|ier)\b|\bcompact\b|\bkleine\w*\b|\bklein\b|\bwinzig\w*|\bpequeñ\w*|小さ"
    wants = (
        r"\b(?:want|prefer|need|please|should|must|has to|have to|make|keep|give|rather|nicer|better"
        r"|lieber|bitte|will|brauche|prefiero"
        r"|quiero|soll\w*|use|so|something)\b|ほしい|ください|して"
    )
    no = r"\b(?:too|not|isn't|nicht|demasiado|is) (?:so |as )?(?:small|tiny|klein|pequeñ)"
    return Edit(what="prefer", to="small") if match(form, line) and match(wants, line) and not match(no, line) else None


def _stop_or_redo(line: str, place: Place) -> Edit | None:
    if len(line.split()) > 9 or mentioned(line, place.labels) or place.about != "rest":
        return None
    stops = (
        r"^(?:please )?(?:stop|finish|wrap)\b.*\b(?:here|now|round|up|training|have|got|it)\b"
        r"|\benough\b.*\b(?:finish|stop|wrap)"
        r"|^(?:leave it at that|call it a day|no more rounds)|\b(?:finish|stop)$|\bnach dieser runde\b"
        r"|\bdespués de esta ronda\b"
        r"|^hör\w* .*auf$|このラウンドで(?:終わり|止め)"
    )
    redos = (
        r"^(?:please )?(?:train|do|run|try|repeat)\b.*\b(?:again|once more)$|^(?:please )?(?:retrain|redo|repeat)\b"
        r"|\b(?:noch ?mal|erneut) train\w*"
        r"|^trainier\w* .*(?:noch ?mal|neu|erneut)$|^mach\w* das noch ?mal$|^otra vez$"
        r"|^entrena\w* otra vez|もう一度(?:訓練|学習)"
    )
    if match(stops, line) and not match(r"\b(?:don't|do not|why|if|when it)\b", line):
        return Edit(what="stop")
    return Edit(what="redo") if match(redos, line) else None


Reader = Callable[[str, Place], Edit | None]
_READERS: tuple[Reader, ...] = (
    _stop_or_redo, _data, label_edits.read_merge, _columns, _target, _language, label_edits.read_labels,
    label_edits.read_rename, label_edits.read_drop, label_edits.read_add, _metric, _money, _minutes, _rounds, _prefer,
    _model,
)  # fmt: skip
