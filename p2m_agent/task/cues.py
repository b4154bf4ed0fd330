"""Words in a request that speak for one kind of task or the other. Weights are rough odds, set by hand."""

from __future__ import annotations

import re

_ASSESS = (
    r"(?:tell|say|decide|determine|judge|check|predict|find out|identify|detect|"
    r"see|recogni[sz]e|work out|know|guess|verify)"
)

CLASSIFICATION: tuple[tuple[float, str], ...] = (
    (4.0, r"\bclassif(?:y|ies|ied|ier|ying|ication)\b|\bcategori[sz]\w*|\btriage\b|\bdistinguish\b"),
    (4.0, r"\byes or no\b|\byes ?/ ?no\b|\btrue or false\b|\btrue ?/ ?false\b"),
    (4.0, r"\b(?:tell|telling|keep|set)\b[^.]*\bapart\b"),
    (
        3.0,
        rf"\b{_ASSESS}\b[^.]{{0,80}}?\b(?:whether|if|which|how (?:urgent|likely|angry|positive|similar|difficult))\b",
    ),
    (3.0, r"\bflag(?:s|ging)?\b|\broute[sd]?\b|\brouting\b|\bmoderat(?:e|es|ing|ion)\b|\bspot(?:s|ting)?\b|\bwarn\b"),
    (1.0, r"\bsort(?:s|ing)?\b"),
    (3.0, r"\bsort(?:s|ing)?\b[^.]*\b(?:into|to|by|in)\b(?! alphabetical)"),
    (3.0, r"\b(?:what|which) (?:kind|type|sort|category|class|topic|intent|department|team|label|of)\b"),
    (2.5, r"\bdetect(?:s|ing|ion)?\b|\brecogni[sz](?:e|es|ing)\b|\bfilter(?:s|ing)?\b|\bassign(?:s|ing)?\b|\bgroup\b"),
    (2.5, r"\b(?:label|labels|labelled|labelling|labeled|labeling|tag|tags|tagging)\b|\bmark (?:each|every|all|the)\b"),
    (
        2.5,
        r"\bor not\b|\bwhether\b|\bsentiment\b|\bpolarity\b|\bone of (?:the|these|our|those"
        r"|\w+ (?:classes|categories))",
    ),
    (2.5, r"\b(?:positive|negative|neutral)\b[^.]{0,30}\b(?:or|and|/)\b|\bentailment\b|\bcontradiction\b"),
    (2.0, r"\bspam\b|\bphishing\b|\b(?:sarcas|iron|toxic|hate|offensiv)\w*|\bclickbait\b|\bstance\b|\bemotions?\b"),
    (
        2.0,
        r"^(?:is|are|does|do|did|was|were|has|have|can|should) (?!you\b|i\b|we\b)|[.!?] (?:is|are|does"
        r"|do) (?:it|this|the|an?)\b",
    ),
    (2.0, r"\b(?:rate|rates|rating|grade|score|scoring|rank|prioriti[sz]e)\b"),
    (1.5, r"\bintents?\b|\bcategor(?:y|ies)\b|\bclass(?:es)?\b|\bqueues?\b|\btopics?\b|\bdepartments?\b|\bgenre\b"),
    (1.5, r"\burgen(?:t|cy)\b|\bseverity\b|\bpriority\b|\bleaning\b|\bdifficulty\b|\bmood\b|\bauthorship\b|\bfake\b"),
    (1.5, r"\b(?:identify|predict|guess|determine|pick|choose|judge|decide|assess|estimate|tell)\b"),
    (3.0, r"\bseparat(?:e|es|ing)\b[^.]*\bfrom\b|\b(?:the|its) (?:right|correct|appropriate|proper) \w+\b"),
    (2.5, r"\b(?:put|puts|place|file|bin|bucket|divide|split|split up)\b[^.]*\b(?:into|in|under|to)\b"),
    (2.0, r"\bhow \w+ (?:people|customers|guests|users|someone|it|they|he|she|an?|the|our) "),
    (
        2.0,
        r"^(?:which|who|whose)\b|\bbelongs? (?:to|in)\b|\bfits?\b|\bmultiple.choice\b"
        r"|\bmore (?:plausible|likely|similar)\b",
    ),
    (
        1.5,
        r"\b(?:the )?same (?:meaning|thing|intent|topic|author)?\b|\bdifferent\b|\bor that\b"
        r"|\bat risk\b|\beligib\w+|\bacceptab\w+",
    ),
    (1.5, r"\bquality\b|\bgood\b[^.]*\bbad\b|\b(?:anger|angry|happy|sad|joy)\b|\bfeel(?:s|ing|ings)?\b|\bopinions?\b"),
    # German, Dutch
    (
        3.0,
        r"\b(?:klassifizier|kategorisier|sortier|einsortier|einteil|einstuf|markier|classificeer"
        r"|sorteer|onderscheid|unterscheid)\w*",
    ),
    (
        3.0,
        r"\bordne\b|\bzuordn\w*|\beinordn\w*|\b(?:erkenn|entscheid|prüf|bestimm"
        r"|bepaal)\w*\b[^.]*\b(?:ob|welche\w*|of)\b",
    ),
    (2.0, r"\berkenn\w*|\bstimmung\b|\bkategorien?\b|\bthem(?:a|en)\b|\babteilung\w*"),
    # French, Spanish, Italian, Portuguese
    (
        3.0,
        r"\bclass(?:e|er|ez|ifie\w*)\b|\b(?:catégoris|étiquet|trie[rz]?)\w*|\bclasific\w*"
        r"|\bclassific\w*|\bcategoriz\w*",
    ),
    (
        3.0,
        r"\b(?:dis|dites|dire|détermin\w*|décid\w*|di|dime|decid\w*|determin\w*|dimmi|diga)\b[^.]*\b(?:si|s'il|se)\b",
    ),
    (2.5, r"\bdétect\w*|\bdetect[ae]\w*|\brilev\w*|\breconnai\w*|\betiquet\w*|\bsentimento?s?\b|\bsentimient\w*"),
    # Russian, Arabic, Hindi, Chinese, Japanese, Korean
    (3.0, r"классифиц|определи|распредел|тональност|категори"),
    (3.0, r"صنف|تصنيف|حدد|المشاعر|वर्गीकृत|वर्गीकरण|भावना|पहचान"),
    (
        3.0,
        r"分类|分類|判断|判定|识别|識別|仕分け|振り分け|是否|かどうか|どれか|情感|感情|检测|検出|분류|판단|감정|감지",
    ),
)

TEXT_TO_TEXT: tuple[tuple[float, str], ...] = (
    (4.5, r"\btranslat\w*|\bsummar\w*|\bparaphras\w*|\brewrit\w*|\brephras\w*|\breword\w*|\bsimplif\w*|\btl;?dr\b"),
    (
        4.0,
        r"\b(?:turn|turns|convert|converts|transform|transforms|change|changes|make"
        r"|rework)\b[^.]*\b(?:into|to|from|shorter)\b",
    ),
    (
        4.0,
        r"\bnormali[sz]\w*|\bstandardi[sz]\w*|\breformat\w*|\btransliterat\w*|\btranscri(?:be|bes"
        r"|bing)\b|\bunscrambl\w*",
    ),
    (
        4.0,
        r"\b(?:anonymi[sz]|redact|pseudonymi[sz])\w*|\balphabetical\w*|\bpunctuat(?:e|ion)\b"
        r"|\bspell(?:s)? out\b|\bstory problem",
    ),
    (
        3.0,
        r"\b(?:generate|generates|generating|write|writes|compose|composes|draft|drafts|produce"
        r"|produces|create|creates|suggest)\b",
    ),
    (3.0, r"\b(?:extract|extracts|extracting|pull|pulls)\b|\bfind the (?:span|answer|words|sentence|part|passage)\b"),
    (
        3.0,
        r"\banswer(?:s|ing)?\b (?!yes|no\b|true|with|in one|asks|a question asks)|\bthat answers\b"
        r"|\brepl(?:y|ies) to\b",
    ),
    (3.0, r"\b(?:shorten|condense|expand|abbreviat|complete|fill in|continue|translit|decod|encod|clean up|tidy)\w*"),
    (3.0, r"\b(?:solve|solves|compute|computes|calculate|calculates|work out the (?:sum|result|total|value))\b"),
    (
        3.0,
        r"\b(?:remove|removes|strip|strips|mask|masks|replace|replaces|get rid of|delete"
        r"|(?<!the )(?<!its )correct|corrects|fix|fixes|repair|restore|restores)\b",
    ),
    (
        3.0,
        r"\bnegat(?:e|es|ing) (?:a|the|each|every|sentence)\w*|\bantonyms?\b|\bopposites?\b"
        r"|\bsynonyms?\b|\bplurals?\b|\b(?:past|present) tense\b",
    ),
    (
        2.5,
        r"\b(?:describe|describes|explain|explains|list the|list all|return|returns|bring|output"
        r"|outputs|name the|give (?:me )?(?:a|an|the|one)\w*)\b",
    ),
    (
        2.0,
        r"\bsql\b|\bpython\b|\bbash\b|\bshell command|\bregex|\bregular expression|\bjson\b|\bhtml\b"
        r"|\blatex\b|\bone-liner\b",
    ),
    (
        2.0,
        r"\b(?:headline|title|caption|slogan|subject line|commit message|reply|response|question"
        r"|poem)\b for\b|\bpolite reply\b",
    ),
    (
        2.0,
        r"\b(?:passive|active) (?:voice|form)\b|\bplain english\b|\bin (?:one|a single) (?:sentence"
        r"|line)\b|\bword problems?\b",
    ),
    (
        2.0,
        r"\bto (?:digits|words|text|numbers|code|markdown|uppercase|lowercase)\b|\bin iso\b"
        r"|\biso format\b|\bgist\b|\bin, [^.]* out\b",
    ),
    (
        2.0,
        r"\bwhat(?:'s| is| are) the (?!sentiment|topic|intent|mood|emotion|language|genre)|\bchatbot\b"
        r"|\bmake (?:it|them|my|the|our|sentences)\b",
    ),
    # German, Dutch
    (
        4.0,
        r"\b(?:übersetz|umschreib|umformulier|zusammenfass|vereinfach|normalisier|korrigier|extrahier"
        r"|generier|ergänz)\w*",
    ),
    (
        4.0,
        r"\bschreib\w*\b|\bfass\w*\b[^.]*\bzusammen\b|\b(?:wandl?e?|form\w*)\b[^.]*\bum\b"
        r"|\bbeantwort\w*|\bfülle\b|\bvertaal\b",
    ),
    # French, Spanish, Italian, Portuguese
    (
        4.0,
        r"\btradui\w*|\btraduc\w*|\btraduz\w*|\btradur\w*|\brésum\w*|\bresum(?:e|ir|en|a|i) (?:un|el"
        r"|la|los|las|o|os|as|est|cada)\w*|\briassum\w*|\bsimplifi\w*|\bsemplific\w*",
    ),
    (
        4.0,
        r"\bréécri\w*|\breescrib\w*|\breescrev\w*|\briscriv\w*|\breformul\w*|\bconvert\w*"
        r"|\bconviert\w*|\bconverti\w*|\btransform\w*",
    ),
    (
        3.0,
        r"\bextrai\w*|\bextrae\w*|\bestra\w+|\bgén[éè]r\w*|\bgenera\w*|\bcorrige\w*|\bcorreg\w*"
        r"|\brépon\w*|\brespond\w*|\bécri\w*|\bescrib\w*",
    ),
    # Russian, Arabic, Hindi, Chinese, Japanese, Korean
    (4.0, r"перевед|перевод|перефраз|сократи|извлек|исправ|преобраз|кратк\w* содержан|ответь|напиши"),
    (4.0, r"ترجم|لخص|تلخيص|اكتب|حول|استخرج|अनुवाद|सारांश|बदलें|लिखें"),
    (
        4.0,
        r"翻译|翻訳|概括|总结|摘要|要約|转换|变换|変換|改写|改寫|书き換え|書き換え|言い換え|生成|提取|抽出|回答|纠正|修正|直し|번역|요약|변환|추출|생성",
    ),
)


def compiled(cues: tuple[tuple[float, str], ...]) -> tuple[tuple[float, re.Pattern[str]], ...]:
    """The cues, ready to search with."""
    return tuple((weight, re.compile(pattern, re.IGNORECASE)) for weight, pattern in cues)
