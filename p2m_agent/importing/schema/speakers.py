"""Who is who in a conversation: the names that tools and people in many languages give to its parties."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from p2m_agent.importing.schema.cells import first_key

Role = Literal["system", "user", "assistant", "tool"]
ROLE_KEYS = ("role", "from", "author", "speaker", "sender")
ROLES: Mapping[str, Role] = {
    **dict.fromkeys(("system", "developer", "sys", "systemprompt"), "system"),
    **dict.fromkeys(
        [
            "user",
            "human",
            "usr",
            "prompter",
            "customer",
            "client",
            "person",
            "caller",
            "question",
            "visitor",
            "guest",
            "patient",
            "inquirer",
            "kunde",
            "kundin",
            "nutzer",
            "benutzer",
            "mensch",
            "anrufer",
            "usuario",
            "cliente",
            "utente",
            "usuário",
            "utilisateur",
            "humain",
            "klant",
            "gebruiker",
            "klient",
            "użytkownik",
            "пользователь",
            "клиент",
            "zákazník",
            "müşteri",
            "kullanıcı",
            "用户",
            "客户",
            "ユーザー",
            "顧客",
            "お客様",
            "사용자",
            "고객",
            "مستخدم",
            "عميل",
        ],
        "user",
    ),
    **dict.fromkeys(
        [
            "assistant",
            "gpt",
            "chatgpt",
            "chatbot",
            "bot",
            "model",
            "ai",
            "bing",
            "bard",
            "claude",
            "llm",
            "agent",
            "operator",
            "support",
            "advisor",
            "responder",
            "assistent",
            "assistentin",
            "agentin",
            "berater",
            "beraterin",
            "mitarbeiter",
            "mitarbeiterin",
            "asistente",
            "agente",
            "assistente",
            "agentka",
            "assistante",
            "conseiller",
            "conseillère",
            "medewerker",
            "konsultant",
            "asystent",
            "ассистент",
            "оператор",
            "помощник",
            "asistent",
            "asistan",
            "temsilci",
            "助手",
            "客服",
            "アシスタント",
            "オペレーター",
            "担当者",
            "상담원",
            "어시스턴트",
            "مساعد",
            "موظف",
        ],
        "assistant",
    ),
    **dict.fromkeys(("tool", "function", "observation", "functioncall", "functionresponse", "ipython"), "tool"),
}


@dataclass(frozen=True)
class Speakers:
    """Who is who in a file."""

    names: Mapping[str, Role] = field(default_factory=lambda: ROLES)
    guessed: Mapping[str, Role] = field(default_factory=dict)
    """Names that no known tool uses, taken for a role by when they speak."""

    def of(self, name: object) -> Role | None:
        """The role that a name stands for; None for a name that means nothing."""
        key = _role_key(name)
        return self.names.get(key) or self.guessed.get(key)


def roles_of(conversations: Iterable[Sequence[Mapping[str, object]]]) -> Speakers:
    """Who is who, by names that tools use, else by who has the last word."""
    last: Counter[str] = Counter()
    unknown: dict[str, None] = {}
    known: set[Role] = set()
    for messages in conversations:
        names = [_role_key(message.get(first_key(message, ROLE_KEYS))) for message in messages]
        known |= {ROLES[name] for name in names if name in ROLES}
        unknown |= dict.fromkeys(name for name in names if name not in ROLES)
        last.update(names[-1:])
    if not unknown:
        return Speakers()
    answering = "" if "assistant" in known else max(unknown, key=lambda name: last[name])
    return Speakers(guessed={name: "assistant" if name == answering else "user" for name in unknown})


@lru_cache(1024)
def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _role_key(name: object) -> str:
    return _plain(name if isinstance(name, str) else str(name))
