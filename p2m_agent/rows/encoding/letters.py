"""What texts look like: the letters beyond ASCII of each language, and how often a script uses its letters.

Frequencies are in percent of running text and rough; they tell right readings from wrong ones, which permute letters.
"""

from __future__ import annotations

LATIN_ALPHABETS = {
    "ca": "àçèéíïòóúü",
    "cs": "áčďéěíňóřšťúůýž",
    "da": "æøåé",
    "de": "äöüß",
    "es": "áéíóúñü",
    "et": "äõöüšž",
    "fi": "äöå",
    "fr": "éèêëàâçùûüîïôœæÿ",
    "hr": "čćđšž",
    "hu": "áéíóöőúüű",
    "is": "áðéíóúýþæö",
    "it": "àèéìòùî",
    "lt": "ąčęėįšųūž",
    "lv": "āčēģīķļņšūž",
    "nb": "æøåéòô",
    "nl": "ëïéèöüêàáíó",
    "pl": "ąćęłńóśźż",
    "pt": "ãõáéíóúâêôçà",
    "ro": "ăâîșțşţ",
    "sk": "áäčďéíĺľňóôŕšťúýž",
    "sl": "čšž",
    "sq": "ëç",
    "sv": "åäöé",
    "tr": "çğıöşüâî",
    "en": "éïèêñçöüá",
}
ALSO = {"no": "nb", "nn": "nb", "bs": "hr", "sr": "hr", "gl": "es", "oc": "ca", "ga": "es", "az": "tr"}

CYRILLIC = {
    **dict(
        zip("оеаинтсрвлкмдпуяыь", (11, 8.5, 8, 7.4, 6.7, 6.3, 5.5, 4.7, 4.5, 4.4, 3.5, 3.2, 3, 2.8, 2.6, 2, 1.9, 1.7))
    ),
    **dict(zip("гзбчйхжшюцщэфъё", (1.7, 1.65, 1.6, 1.4, 1.2, 1, 0.9, 0.7, 0.6, 0.5, 0.36, 0.3, 0.26, 0.2, 0.2))),
    **dict(zip("іїєґјљњћђџў", (5, 0.7, 0.5, 0.1, 3, 0.5, 0.7, 0.5, 0.2, 0.1, 0.9))),
}
GREEK = {
    **dict(zip("αοιετσςνηρπκμλυ", (10, 8, 6.5, 6.5, 8.5, 4.9, 4, 7.9, 4.5, 4.2, 5, 4.2, 3.4, 3.3, 3.3))),
    **dict(
        zip("ωγδχθφβξζψάίόέήύώϊΐ", (1.6, 2, 1.7, 1.2, 1.3, 0.8, 0.7, 0.4, 0.4, 0.2, 2, 2, 2, 2, 1.6, 1, 0.8, 0.1, 0.1))
    ),
}
HEBREW = {
    **dict(zip("יוהלאתרשמנבםחדעקכפ", (11, 10, 9, 7.5, 6.5, 5.7, 5.6, 5, 5, 4, 4.7, 3.3, 2.5, 2.6, 3, 2.2, 2.3, 2.1))),
    **dict(zip("ןטגסזצךףץ", (1.4, 1.3, 1.3, 1.5, 1.3, 1.3, 0.9, 0.3, 0.2))),
}
ARABIC = {
    **dict(
        zip(
            "الميونرتبةعدسفهكقأحج", (12, 11, 6, 6.5, 6, 6, 5, 4.5, 4.4, 4, 3.8, 3.4, 3, 3, 3.5, 2.5, 2.4, 2.5, 2.4, 1.5)
        )
    ),
    **dict(
        zip(
            "شصىخإطزذثضغءئؤظآپچژگکی",
            (1.3, 1.1, 1.1, 1, 1, 0.8, 0.8, 0.7, 0.6, 0.6, 0.5, 0.5, 0.4, 0.3, 0.3, 0.3) + (1,) * 6,
        )
    ),
}
THAI = dict(zip("านรอกเงมยลวดทสตะปบคหแจพชขใไโผถซธณฟศษญฐอิีุู่้ั็์ำ", (5.0,) * 16 + (2.0,) * 8 + (1.0,) * 30))
FREQUENCIES = {"cyrillic": CYRILLIC, "greek": GREEK, "hebrew": HEBREW, "arabic": ARABIC, "thai": THAI}

FREQUENT_HAN = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种"
    "這個們來為國說時會對過發後裡點無與麼開關長問請謝嗎沒還將電話處理日本語車時間見分何私前今行東京都会社員月水火木金土"
)

TYPICAL_MARKS = frozenset("’‘“”„‚–—…€£§°«»·•¿¡©®™²³½¼№×´ªº\u00a0‹›₪₴،؛؟。、「」『』，！？：；（）《》【】～・〜")

SCRIPTS = (
    ("latin", 0x0041, 0x024F),
    ("latin", 0x1E00, 0x1EFF),
    ("greek", 0x0370, 0x03FF),
    ("cyrillic", 0x0400, 0x052F),
    ("hebrew", 0x0590, 0x05FF),
    ("arabic", 0x0600, 0x06FF),
    ("thai", 0x0E00, 0x0E7F),
    ("kana", 0x3040, 0x30FF),
    ("han", 0x4E00, 0x9FFF),
    ("hangul", 0xAC00, 0xD7A3),
    ("half_kana", 0xFF61, 0xFF9F),
)


def script_of(letter: str) -> str:
    """The script of a letter; empty for what is none of the above."""
    code = ord(letter)
    if not letter.isalpha() and code < 0x0590:
        return ""
    return next((name for name, first, last in SCRIPTS if first <= code <= last), "")
