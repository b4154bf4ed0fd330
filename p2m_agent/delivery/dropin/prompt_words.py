"""Words by which prompts are told from inputs, in the languages that callers write prompts in most."""

from __future__ import annotations

INSTRUCTING = (
    # to sort
    r"\b(classif(y|ies|ied|ication)|categori[sz](e|ation)|klassifi|kategorisier|einordnen|ordne\b|zuordne|sortiere"
    r"|class(e|ez|er|ifie)\b|classifi|catégoris|étiquet|clasifi|categori[zc]|etiquet|classific|etichett|classifice"
    r"|categoriseer|sklasyfikuj|klasyfik|luokit|sınıfland|klasificera|klassificér|классифиц|определите)"
    r"|分类|分類|归类|분류",
    # what is meant
    r"\b(following|given|above|below)\s+(\w+\s+)?(message|text|e-?mail|ticket|query|request|utterance|sentence|review|"
    r"input|passage|comment|question|document)s?\b|\b(message|text|e-?mail|ticket|query|request|input|passage)s?"
    r"\s+(below|above|between|delimited|enclosed|within|inside|in\s+(triple|tags|quotes|backticks))\b|folgende[nrs]?\s+\w+"
    r"|(nachricht|text|anfrage|message|texte|demande|mensaje|texto)\s+(unten|oben|ci-dessous|suivante?|siguiente"
    r"|de abajo|abaixo|seguinte)\b|\b(le|la|el)\s+(siguiente|message|texte|demande)\s+(suivante?|mensaje|texto)?\b"
    r"|siguiente\s+(mensaje|texto|consulta)|seguinte\s+\w+|seguente\s+\w+|volgende\s+(bericht|tekst|vraag)"
    r"|następuj|seuraava|aşağıdaki|следующ|以下|次の|다음",
    # what comes back
    r"\b(answer|reply|respond|return\s+(only|just|the|an?|your|one|exactly)|output|write|give|print|say|provide|use)\b[^.\n]{0,40}\b(only|just|exactly|"
    r"nothing\s+else|one\s+word|single|json|label|category|name\s+of|no\s+other)\b"
    r"|\b(only|just)\s+(answer|reply|respond|return|output|write|give)\b"
    r"|\b(antworte|gib|nenne|schreib)\w*\b[^.\n]{0,40}\b(nur|ausschließlich|genau|einzig|label|kategorie)"
    r"|\b(réponds?|répondez|donne|renvoie|indique)\w*\b[^.\n]{0,40}\b(seule?(ment)?|uniquement|que\s|étiquette|catégorie)"
    r"|\b(responde|contesta|devuelve|indica|escribe)\w*\b[^.\n]{0,40}\b(s[oó]lo|[uú]nicamente|apenas|solamente"
    r"|etiqueta|categor[ií]a)|\brispondi\b|\bantwoord\s+(alleen|met)|\bodpowiedz\b|\bvastaa\b|\bsvara\s+(bara|endast)",
    r"\b(nothing\s+else|no\s+(explanations?|other\s+(text|words)|commentary)|(do\s+not|don't|without)\s+(\w+\s+)?"
    r"(explain|explanation|add|comment)\w*|nichts\s+(anderes|weiter)|keine\s+erklärung|ohne\s+erklärung"
    r"|sans\s+(explication|commentaire)|rien\s+d'autre|nada\s+más|sin\s+(explic|coment)|niente\s+altro)",
    # out of what
    r"\b(one\s+of\s+(the|these|those)\s+(following\s+)?(label|categor|class|queue|option|intent|topic|tag|value)\w*"
    r"|(choose|pick|select)\s+(one|from|between|exactly|the\s+(best|right|most|label|category))"
    r"|which\s+(\w+\s+)?(queue|category|label|class|intent|topic|tag|department)\b"
    r"|(possible|allowed|available|valid)\s+(labels|categories|classes|values|options|queues|answers)"
    r"|(the|exactly|single|best)\s+one\s+label|one\s+label|label\s+only|the\s+label\b"
    r"|(eine[rsm]?|welche[rsm]?)\s+(der\s+)?(folgenden\s+)?(kategorie|label|klasse|warteschlange)\w*|wähle\b"
    r"|mögliche\s+\w+|choisi(s|ssez)\b|l'une?\s+des\b|quelle\s+(catégorie|étiquette|file)|elige\b|escoge\b"
    r"|una\s+de\s+las\b|qué\s+(categoría|etiqueta|cola)|(étiquettes|etiquetas|kategorien|categorías|catégories)"
    r"\s*(possibles|posibles)?\s*:)",
    # who is spoken to
    r"(^|\n|\.\s)[ \t]{0,9}(you\s+are\s+(an?|the)\s|your\s+(task|job|role|goal)\s|act\s+as\s+an?\s|du\s+bist\s+ein"
    r"|deine\s+aufgabe|tu\s+es\s+une?\s|vous\s+êtes\s+une?\s|ta\s+tâche|eres\s+una?\s|tu\s+tarea|sei\s+un)",
)
"""One pattern for each kind of sign."""
