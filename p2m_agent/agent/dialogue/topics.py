"""What a question is about: cues in four languages; sentences that stand for a topic, for likeness of meaning."""

from __future__ import annotations

import re

from p2m_agent.agent.dialogue.readings import Topic

_LEAD = r"^(?:(?:and|but|so|hm+|ok(?:ay)?|well|hey|und|aber|also|y|pero|entonces|please|bitte),? )*"
_SUBJECT = (
    r"(?:it|this|that|these|those|they|you|we|i|he|there|the|a|an|my|our|your|any|something|anything|es|das|der|die|du"
    r"|ich|wir|man)"
)
_OPENS = (
    rf"{_LEAD}(?:wh(?:y|at|ich|en|ere|o|ose|ats)(?:'s)?|how(?:'s)?|any (?:ideas?|chance|way|news)"
    rf"|for what reason|on which"
    rf"|(?:is|are|was|were|does|did|can|could|would|should|will|has|have|had|couldn't|isn't|doesn't|won't) {_SUBJECT}"
    r"|do (?:i|we|you|they|the)|(?:show|tell|give|remind) (?:me|us)|explain|summari[sz]e|describe|list the|still"
    r"|wieso|warum|weshalb|was|wie|wann|wo|wer|woran|woher|wofür|welche\w*|wieviele?|zeig\w*|erklär\w*"
    r"|(?:kann|ist|hat|wird|sind|gibt|kannst|muss) (?:es|das|der|die|ich|du|man|wir|sie)"
    r"|por qué|qué|cuál\w*|cuánt\w*|cuándo|cómo|dónde|quién|muéstra\w*|explica\w*)\b"
)
_JAPANESE_ASKS = (
    r"(?:か|の|かな|でしょう|ですか)[?？。]?$|なぜ|どうして|いくら|どのくらい|どれくらい|何が|教えて|見せて"
)
_WHY = (
    r"\bwhy\b|\bspricht für\b|\bgood for\b|\breasoning\b|\bfor what reason\b"
    r"|\bspeaks for\b|\bcouldn't you\b|\bwhat made\b"
    r"|\bwarum\b|\bwieso\b|\bweshalb\b|por qu[ée]|なぜ|どうして|\breason\b|\bhow come\b"
)
_FIRST: tuple[tuple[Topic, str], ...] = (
    (
        "progress",
        r"\btaking so long\b|\bstill (?:running|working|going|training|busy)\b|\b(?:done|finished|ready) yet\b"
        r"|\bso lange gedauert\b|\bup to\?|\bterminaste\b|\bacabaste\b",
    ),
    (
        "next",
        r"\b(?:how|what) (?:can|could|should|do|would) (?:i|we|you) (?:\w+ ){0,2}(?:get|gain|reach"
        r"|do|try|have|need|improve|suggest)\b"
        r"|\bwie (?:kann|komme) (?:ich|wir)\b",
    ),
    (
        "glossary",
        r"^what(?:'s| is| are)(?: an?| the)? (?:baselines?|dev|teacher|student|epoch|leak"
        r"|encoder|setfit|linear head"
        r"|locked test|macro f1|interval|base model|fine-?tun\w+|synthetic proxy)\??$",
    ),
    ("data", r"^who (?:made|wrote|labell?ed|collected)\b"),
    ("score", r"\bon the test\b"),
)
"""Whole forms that single words would mislead about."""
_CUES: tuple[tuple[Topic, str], ...] = (
    ("glossary", r"\bwhat (?:does .+ mean|is (?:an?|the) (?!accuracy|score|status|budget|cost|time|target"
        r"|next|plan|best|model"
                 r"|linear head and why)[\w\s-]+$|are (?:dev|locked))|was (?:bedeutet|heißt|ist (?:ein"
                 r"|eine|der|die|das)) (?!nächste)"
                 r"|qué (?:es un|significa)|とは(?:何|なん)"),
    ("who", r"\bwho (?:decides?|steers?|chooses?|picks?|is (?:in charge|driving|steering))\b|which (?:llm"
        r"|ai) |are you an? (?:llm|ai)"
            r"|wer entscheidet|quién decide|誰が決め"),
    ("smaller",
     r"\bcompact\b|\blighter\b|\blightweight\b|\bfewer parameters\b|\bhalf (?:the|as) (?:size|big)\b"
     r"|\bon a (?:phone|laptop|pi)\b|\bfit on\b|\bsmaller\b|\btiny\b|\bkleiner\w*|más pequeñ\w*|小さい|小さく"
     r"|\bhalf the size\b|\bshrink\b"),
    ("errors", r"\bmix(?:es|ed|-?ups?)?\b|\bbad (?:predictions?|answers?|examples?)\b|\bmisclassif\w*"
        r"|\bmisses\b|\binaccura\w*|\bproblem\w*|\bhardest\b|\bdifficult\b|\bdaneben\b"
        r"|\bverwechsel\w*|\bschwer tut\b|\bproblemas?\b|\bconfunde\w*|混同|\bwrong\b|\bmistakes?\b"
        r"|\berrors?\b|\bfail\w*|\bconfus\w*|\bmix\w* up\b|\bstruggl\w*|\bweak\w*|\bfalsch\b"
        r"|\bfehler\w*"
               r"|equivoca|\berrores?\b|\bfalla\b|間違|誤り|ミス|苦手"),
    ("cost", r"\bfree\b|\bdamage\b|\bcharged?\b|\bbill(?:ed)?\b|\bafford\b|\bcheap\w*|\bgratis\b"
        r"|\bkostenlos\b|\bbezahl\w*|\bausgegeben\b|\bpag(?:ar|o)\b|\bgratuito\b|無料|お金|\bcosts?\b"
        r"|\bmoney\b|\bexpensive\b|\bprice\b|\bbudget\b|\bspen[dt]\b|\bpay\b|\bdollars?\b"
        r"|how much (?:will|would|is)"
             r"(?: that| this| it)?(?: be)?\??$|\bkostet\b|\bkosten\b|\bteuer\b|\bgeld\b|cuesta|costar"
             r"|\bcaro\b|dinero|gastad|いくら|費用|料金|コスト"),
    ("time", r"\bready\b|\btoday\b|\btonight\b|\btomorrow\b|\bforever\b|\bhow soon\b|\bhow quick\w*"
        r"|\bminutes?\b|\bhours?\b|\bby when\b|\bwie lange\b|\bbis wann\b|\bminuten\b|\bfalta\b"
        r"|\bminutos\b|あとどれ|\bhow (?:long|m[uc]+h (?:time|longer))\b|\bwhen (?:will|is|are|do)\b"
        r"|\bhow many (?:minutes|hours)\b|\beta\b|\btime (?:left|does"
             r"|will|is)\b|\bfast\b|\bwie lange?\b|\bwann\b|\bdauert\b|\bcuánto (?:tiempo|tarda|falta)"
             r"|\btarda\w*|\bcuándo\b|時間|いつ終わ|どれくらいかか"
             r"|どのくらいかか"),
    ("next", r"\band now\b|\bnow what\b|\boptions?\b|\bideas?\b|\bsuggest\w*|\brecommend\w*"
        r"|\bto the target\b|\breach (?:the )?\w*target\b|\bmore accurate\b|\bmake it better\b"
        r"|\bbetter score\b|\bhigher\b|\braise\b|\bbesser\b|\bempfiehl\w*|\bund jetzt\b|\bqué más\b"
        r"|\by ahora\b|\bmejorar\w*|どうすれば|\bnext\b|\bimprove\w*|\bbetter\??$|\bget better\b"
        r"|\bincrease\b|\bboost\b|\bnächste\w*|\bverbesser\w*|\bals nächstes\b|\bahora qué\b"
             r"|\bmejor(?:ar|arlo|a)\b|\bsiguiente\b|次は|次に|改善|\bwhat (?:else )?(?:can|could|should) (?:we"
             r"|i|you) (?:do|try)\b"),
    ("score", r"\btrust\b|\brel(?:y|iable)\b|\bbeat\b|\bsure (?:are you|is)\b|\bconfiden\w*|\bguess(?:es"
        r"|ing)?\b|\bperform\w*|\bworth\b|\bgood\b|\bresults?\b|\bprecision\b|\brecall\b"
        r"|\binterval\b|\bworse\b|\bhow .* (?:right|correct)\b|\bzuverlässig\b|\bvertrauen\b"
        r"|\bergebnis\w*|\btaugt\b|\bconfiar\b|\bresultados?\b|\bbueno\b|信頼|結果|\bhow (?:good"
        r"|accurate|well|bad|reliable)\b|\baccura\w*|\bscores?\b|\bany good\b|\bcompare\w*"
        r"|\bbaselines?\b|\bf1\b|\bgpt\b"
              r"|\bbetter than\b|\bgood enough\b|\bquality\b|\bteacher\b|\bwie gut\b|\bgenauigkeit\b"
              r"|\bqué tan (?:bueno|preciso)\b|\bprecis\w*"
              r"|\bcómo de bueno\b|\bfiable\b|精度|性能|どれくらい(?:良|い)い|正解率"),
    ("progress", r"\bstill (?:running|working|going|there|training|busy)\b|\btaking so long\b"
        r"|\bhappening\b|\bhanging\b|\bstuck\b|\bfinished\b|\bdone\b|\bready yet\b|\brunning\b"
        r"|\bcurrently\b|\bat the moment\b|\bso far\b(?!.*\bspen)|\bhängt\b|\bläuft\b"
        r"|\bterminado\b|\blisto\b|終わりました|動いて|\bhow far\b|\bwhere are we\b"
        r"|\bwhere do(?:es)? (?:we|it|this) stand\b|\bstatus\b|\bprogress\b"
        r"|\bwhat are you doing\b"
                 r"|\bwhat(?:'s| is) (?:going on|happening|running)\b|\bare you (?:done|finished|ready"
                 r"|still)\b|\bis it (?:done|finished|ready)\b"
                 r"|\bwie weit\b|\bfertig\b|\bwas machst du\b|\bqué (?:estás )?hac(?:es|iendo)\b"
                 r"|\bcómo va\b|進捗|どこまで|今何"),
    ("data", r"\bhow big is the (?:data|training|set)\b|\bhow many (?:\w+ )?(?:rows?|examples?|messages?"
        r"|samples?)\b|\btraining (?:set|data|rows)\b|\blearn(?:t|ed)? from\b|\btrained on\b"
        r"|\bbeispiele\b|\bdaten\b|\bejemplos\b|データ|\b(?:data|rows?|examples?|dataset"
        r"|messages?) .*\bfrom\b|\bwhere (?:are|is|did|do) (?:these|those|they|this|the (?:data"
        r"|rows))\b"
             r"|\bhow (?:many|much) (?:rows?|data|examples?)\b|\bwieviele? zeilen\b|\bwie viele (?:zeilen"
             r"|beispiele)\b|\bwoher\b|\bcuántas filas\b"
             r"|\bcuántos (?:datos|ejemplos)\b|\bde dónde\b|何件|どこから|\blicen[cs]e\b"),
    ("spec", r"\btask\b|\bunderst(?:and|ood)\b|\bcategories\b|\blabels?\b|\bclasses\b|\bsummari[sz]e\b"
        r"|\baufgabe\b|\bverstanden\b|\bkategorien\b|\btarea\b|\bentendido\b|タスク|\b(?:which"
        r"|what)(?:'s| is| are)? (?:the |my )?(?:labels?|categories|classes|task|target|language"
        r"|metric)\b"
             r"|\bwhat (?:labels?|categories|do you (?:understand|think))\b"
             r"|\bwelche (?:labels?|kategorien)\b|\bqué (?:etiquetas|categorías)\b|ラベルは(?:何|どれ)"
             r"|\bdid you understand\b|\bunderstand\b"),
)  # fmt: skip
_WHY_CUES: tuple[tuple[Topic, str], ...] = (
    ("why_data", r"\bdata\w*\b|\bsets?\b|\brows\b|\bdatensatz\b|\bdaten\b|\bdatos\b|\bconjunto\b|データ"),
    ("why_method", r"\bmethod\b|\blinear\b|\bhead\b|\bsetfit\b|\bfine.?tun\w*|\brecipe\b|\bencoder\b"
        r"|\bcausal\b|\bmethode\b|\bverfahren\b"
                   r"|\bmétodo\b|手法|方法"),
    ("why_base", r"\bmodell?s?\b|\bbase\b|\bminilm\b|\w*bert\b|\bmodelo\b|モデル"),
    ("errors", r"\bwrong\b|\bmistake\w*|\bconfus\w*|\bfail\w*"),
    ("progress", r"\bso (?:long|slow)\b|\bso lange\b|\btanto\b"),
    ("score", r"\bscore\b|\baccura\w*|\bworse\b|\bbetter\b|\blow\b|\bbad\b|\bschlecht\w*"),
)  # fmt: skip

EXEMPLARS: tuple[tuple[Topic, str], ...] = (
    ("why_data", "why was this dataset selected"), ("why_data", "what speaks for these rows"),
    ("why_base", "why was this pretrained model selected"), ("why_method", "why was it trained with this method"),
    ("why_step", "why is this step necessary"), ("why_step", "what is the point of doing this"),
    ("time", "how much time does it take until it is finished"), ("time", "when can I use it"),
    ("cost", "how much money is spent on this"), ("cost", "is it free of charge"),
    ("progress", "what stage has been reached"), ("progress", "what is the agent working on at the moment"),
    ("score", "how well does the model perform"), ("score", "can I rely on the predictions"),
    ("errors", "which inputs are misclassified"), ("errors", "which labels are confused with each other"),
    ("next", "what should be done to raise the score"), ("next", "what are the options from here"),
    ("smaller", "would a more compact model be nearly as good"), ("spec", "what is the task as you understood it"),
    ("spec", "which categories will be predicted"), ("data", "what does the training data look like"),
    ("who", "is a language model making the decisions"), ("glossary", "what does this technical term mean"),
)  # fmt: skip


def is_question(text: str) -> bool:
    """Whether a line asks for something to be told."""
    line = " ".join(text.split()).replace("’", "'")
    if line.endswith(("?", "？")) or re.search(_JAPANESE_ASKS, line):
        return True
    return re.match(_OPENS, line.lstrip("¿ "), re.IGNORECASE) is not None


def topic_of(text: str, about: str) -> Topic | None:
    """What a question asks for, by cues; None where none of them occurs.

    Args:
        text: the question.
        about: what the open question is about: a bare `why?` asks for the step that it would allow.
    """
    line = " ".join(text.split()).replace("’", "'").strip("¿ ")
    if re.search(_WHY, line, re.IGNORECASE):
        return _why(line, about)
    for topic, cue in _FIRST:
        if re.search(cue, line, re.IGNORECASE):
            return topic
    return next((topic for topic, cue in _CUES if re.search(cue, line, re.IGNORECASE)), None)


def _why(line: str, about: str) -> Topic | None:
    if about in ("spend", "plan") and not re.search(r"\bset\b|\bdataset\b|\bmodel\b", line, re.IGNORECASE):
        return "why_step"
    found = next((topic for topic, cue in _WHY_CUES if re.search(cue, line, re.IGNORECASE)), None)
    here = {"rows": "why_data", "columns": "why_data", "delivery": "why_base"}.get(about, "why_step")
    named: Topic = "why_data" if here == "why_data" else "why_base" if here == "why_base" else "why_step"
    bare = len(line.split()) <= 8
    return found or (named if bare else None)
