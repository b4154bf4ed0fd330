"""New facts about the task, remarks on what was shown, and words that ask for nothing."""

from __future__ import annotations

import re

from p2m_agent.agent.dialogue.readings import Place

_POLITE = (
    r"(?:many )?thanks?(?: you)?(?: (?:so|very) much| a (?:lot|bunch|million))?|thx(?: a (?:lot|bunch))?"
    r"|perfect|excellent|wonderful"
    r"|brilliant|(?:that|this|it) sounds (?:good|great|interesting)|sounds (?:good|great|interesting)"
    r"|fine|no worries|all right|nice one"
    r"|klar|alles klar|passt|super danke|merci(?: beaucoup)?|obrigado|grazie|perfecto|muy bien|de nada"
    r"|thx|ty|cheers|great|cool|nice|wow|lol|haha|hm+|oh|ah|ok(?:ay)?|alright|got it"
    r"|i see|understood|interesting|awesome|good|super|prima|toll|danke(?: schön| sehr)?|vielen dank"
    r"|verstehe|aha|gracias"
    r"|muchas gracias|genial|entiendo|vale|ありがとう(?:ございます|ございました)?|了解(?:です)?|なるほど|すごい|merci"
)
_GREETING = (
    r"hi(?: there)?|hello(?: there)?|hey(?: there)?|good (?:morning|afternoon|evening|night)|hallo"
    r"|guten (?:morgen|tag|abend)"
    r"|servus|moin|hola|buen[oa]s(?: (?:días|tardes|noches))?|yo|greetings|how are you|howdy|こんにちは"
    r"|おはよう(?:ございます)?|こんばんは|やあ"
)
_DONE = (
    r"(?:that is|that's|that was) (?:all|it)(?: for now| for today)?|nothing else|das war(?:'s| es"
    r"| alles)?|das ist alles"
    r"|eso es todo|nada más|以上です|see you|no problem|never ?mind|forget it|egal|no pasa nada"
)
_QUIET = rf"(?:{_POLITE}|{_GREETING}|{_DONE})"

_GENERAL = (
    r"\b(?:always|never|whenever|every time|counts? as|belongs? (?:to|in)|goes? (?:to|into|under)|means?"
    r"|refers? to|includes?"
    r"|treated? as|regard\w* as|considered?|even (?:when|if|though)|unless|except|instead of|ignore"
    r"|note that|keep in mind|by the way"
    r"|btw|fyi|actually,|remember that|in our (?:case|company|shop)|our (?:customers?|users?|clients?"
    r"|team|people|mails?|messages?)"
    r"|if (?:a|an|the|two|there|it|someone|they|both|no)\b|when (?:a|an|the|someone|they)\b|should (?:be"
    r"|also|not|count|ignore|go|get|always"
    r"|only|treat|handle|keep|include|mention)|must (?:be|not|also)|are (?:usually|often|mostly"
    r"|typically)|start(?:s)? with)\b"
    r"|\b(?:immer|niemals|nie|gehör\w* (?:zu|in)|zähl\w* als|gilt als|gelten als|bedeutet|wenn|auch wenn"
    r"|außer|übrigens|unsere"
    r"|sollte?n?)\b|\b(?:siempre|nunca|cuentan? como|pertenecen?|significan?|si (?:un|una|el|la|hay)"
    r"|nuestros?|nuestras?|deben?|por cierto)\b"
    r"|必ず|常に|とみなす|として扱|に分類|の場合は|ちなみに|無視して|含め"
)
_DOMAIN = (
    r"\b(?:we|our|us|they|them|people|somebody|someone|anything|everything|most|some|many|few|customers?"
    r"|users?|clients?|messages?|mails?"
    r"|e-?mails?|texts?|tickets?|questions?|requests?|notes?|letters?|reviews?|comments?|sentences?"
    r"|words?|inputs?|treat|wir|unsere\w*|kunden"
    r"|nachrichten|mails|fragen|texte|meisten\w*|viele|nosotros|clientes|mensajes|correos|preguntas"
    r"|textos|quejas|muchos?|algunos?)\b"
    r"|メール|お客|問い合わせ|文章|質問"
)
_TO_YOU = r"\b(?:you|your|du|dich|dir|usted|tú)\b(?!.*\bshould\b)|\b(?:joke|poem|weather|pizza|cheese|football)\b"
"""What is said about the agent is no fact about the task."""
_JUDGES = (
    r"\b(?:wrong|missed the point|(?:went|going|works?) (?:well|badly)|backwards?|upside down"
    r"|expected (?:more|better)|hoped for|happy|sad|shame"
    r"|pity|stupid|useless|fantastic|wow|weak|not what i (?:meant|want\w*)|misunderst\w+|bad|terrible"
    r"|awful|poor|too (?:slow|big|large|low|long)|disappoint\w+|weird"
    r"|strange|ugly|nice|great|impressive|good|excellent|amazing|perfect|confusing|unclear|nonsense"
    r"|don't like|not good|not (?:right|correct))\b"
    r"|\bschwach\b|\bschade\b|\bsuper\b|\btoll\b|\blangsam\b|\bfalsch\b|\bschlecht\b|\bmissverstanden\b"
    r"|\bnicht richtig\b|\bzu (?:langsam|groß)\b|\bgut\b|\bmal\b|\bincorrecto\b|\bno es lo que\b"
    r"|\bmalo\b|\blento\b|\bequivocad\w+|違う|間違|悪い|遅い|良い|すごい"
)


def is_quiet(text: str) -> bool:
    """Whether a line only thanks, greets or comments in a word: nothing is to be done about it."""
    line = re.sub(r"[^\w\s']", " ", text.replace("’", "'"))
    line = " ".join(line.split())
    if not line:
        return not re.search(r"[?？]", text)  # an emoji, three dots
    return re.fullmatch(rf"(?:{_QUIET})(?:\s+(?:{_QUIET}))*", line, re.IGNORECASE) is not None


def is_fact(text: str, place: Place) -> bool:
    """Whether a line says something about the task that holds for its rows from now on."""
    line = " ".join(text.split())
    size = len(line.split()) if line.isascii() or " " in line else len(line) / 2
    if size < 3 or line.endswith(("?", "？")):
        return False
    named = any(re.search(rf"(?<!\w){re.escape(each)}(?!\w)", line, re.IGNORECASE) for each in place.labels)
    general = re.search(_GENERAL, line, re.IGNORECASE) is not None
    domain = re.search(_DOMAIN, line, re.IGNORECASE) is not None and size >= 4
    said_of_label = named and re.search(r"\b(?:is|are|ist|sind|es|son)\b|です", line, re.IGNORECASE) is not None
    talks = re.search(_TO_YOU, line, re.IGNORECASE) is not None
    return not talks and (general or ((said_of_label or domain) and not is_judgement(line)))


def is_judgement(text: str) -> bool:
    """Whether a line judges what was shown, without saying what should be otherwise."""
    line = " ".join(text.split())
    return len(line.split()) <= 9 and re.search(_JUDGES, line, re.IGNORECASE) is not None


FACTS = (
    "messages about the invoice belong to payments",
    "treat short notes as questions",
    "the texts come from a chat and contain slang",
    "ignore everything after the signature",
    "customers write about broken products",
)
REMARKS = (
    "this does not look right",
    "I am not happy with the result",
    "that looks very good",
    "you did not get what I want",
    "the model is slow",
)
"""Sentences that stand for their kind, for likeness of meaning."""
