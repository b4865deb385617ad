"""Names of people in many scripts, each with the ASCII form its user name is made of. Invented pairings."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

# share (of 64), language, given names, family names; native=ascii where the script is not Latin
_POOLS = (
    (
        24,
        "en",
        "James Mary Robert Patricia Olivia Liam Emma Noah Ava Ethan Sophia Mason Isabella Logan Mia"
        " Lucas Charlotte Jackson Amelia Aiden Harper Caleb Evelyn Owen Abigail Wyatt Ella Henry Grace Isaac"
        " Mary-Kate D'Andre Jo",
        "Smith Johnson Williams Brown Jones Davis Miller Wilson Moore Taylor Anderson Thomas Jackson White"
        " Harris Martin Thompson Robinson Clark Lewis Walker Hall Young King Wright Scott Green Baker Adams"
        " Nelson O'Brien O'Connor Smith-Jones MacLeod Washington Begay Kealoha",
    ),
    (
        14,
        "es",
        "José María Luis Sofía Juan Valentina Carlos Camila Ángel Lucía Jesús Ximena Iván Renée Óscar"
        " Martín Nicolás Inés Raúl Belén",
        "García Hernández Martínez López González Rodríguez Pérez Sánchez Ramírez Torres Flores Rivera Gómez"
        " Díaz Reyes Morales Núñez Ibáñez Peña Muñoz",
    ),
    (
        4,
        "vi",
        "Nguyệt Anh Đức Hằng Minh Thảo Tuấn Linh Hương Quốc Phương Ngọc",
        "Nguyễn Trần Lê Phạm Hoàng Vũ Đặng Bùi Đỗ Hồ Ngô Dương",
    ),
    (
        3,
        "de",
        "Jürgen Käthe Björn Zoë Sören Anaïs François Chloé Åsa Søren Þóra Maël",
        "Müller Schröder Groß Jäger Lefèvre Côté Bjørnstad Åkesson Þórsdóttir Göransson Weiß Beauchêne",
    ),
    (
        2,
        "pl",
        "Łukasz Żaneta Michał Małgorzata Jiří Kateřina Ștefan Gökçe İlker Dávid Žofie Ağca",
        "Wójcik Kowalczyk Dvořák Černý Şahin Yıldız Popović Țepeș Szabó Łęcki Nový Kağan",
    ),
    (
        2,
        "pt",
        "João Conceição Tomás Inês Gonçalo Assunção",
        "Gonçalves Simões Araújo Guimarães Brandão Leitão",
    ),
    (
        3,
        "zh",
        "伟=wei 芳=fang 秀英=xiuying 敏=min 静=jing 丽=li 强=qiang 磊=lei 洋=yang 艳=yan 子涵=zihan 欣怡=xinyi",
        "王=wang 李=li 张=zhang 刘=liu 陈=chen 杨=yang 赵=zhao 黄=huang 周=zhou 吴=wu 徐=xu 孙=sun",
    ),
    (
        2,
        "ar",
        "محمد=mohammed فاطمة=fatima أحمد=ahmed عائشة=aisha يوسف=yusuf مريم=maryam عمر=omar زينب=zainab",
        "العلي=alali حسن=hassan الخطيب=alkhatib منصور=mansour النجار=alnajjar حداد=haddad",
    ),
    (
        2,
        "ru",
        "Александр=aleksandr Мария=maria Дмитрий=dmitri Анна=anna Олексій=oleksii Їванна=yivanna"
        " Наталья=natalia Пётр=petr",
        "Иванов=ivanov Смирнова=smirnova Кузнецов=kuznetsov Шевченко=shevchenko Коваленко=kovalenko"
        " Щербаков=shcherbakov",
    ),
    (
        2,
        "ko",
        "민준=minjun 서연=seoyeon 지호=jiho 하은=haeun 도윤=doyun 수아=sua",
        "김=kim 이=lee 박=park 최=choi 정=jung 강=kang",
    ),
    (
        2,
        "hi",
        "आरव=aarav अनन्या=ananya विवान=vivaan दीया=diya कृष्ण=krishna प्रिया=priya",
        "शर्मा=sharma वर्मा=verma गुप्ता=gupta सिंह=singh पटेल=patel त्रिपाठी=tripathi",
    ),
    (
        1,
        "ja",
        "蓮=ren 陽菜=hina さくら=sakura 悠真=yuma ハルト=haruto 美咲=misaki",
        "佐藤=sato 鈴木=suzuki 高橋=takahashi 田中=tanaka 渡辺=watanabe 伊藤=ito",
    ),
    (
        1,
        "el",
        "Γιώργος=giorgos Ελένη=eleni Άννα=anna Νίκος=nikos",
        "Παπαδόπουλος=papadopoulos Νικολάου=nikolaou Γεωργίου=georgiou",
    ),
    (1, "he", "נועם=noam מאיה=maya דוד=david תמר=tamar", "כהן=cohen לוי=levi מזרחי=mizrahi"),
    (1, "th", "สมชาย=somchai มาลี=malee อนันต์=anan กมล=kamon", "ศรีสุข=srisuk วงศ์ทอง=wongthong ใจดี=jaidee"),
)
_ODD = str.maketrans(
    {
        "ß": "ss",
        "ø": "o",
        "Ø": "o",
        "ł": "l",
        "Ł": "l",
        "đ": "d",
        "Đ": "d",
        "þ": "th",
        "Þ": "th",
        "ı": "i",
        "ð": "d",
        "'": "",
        "-": "",
    }
)


class Name(NamedTuple):
    """A person's name as written, and the ASCII stem of the user name."""

    given: str
    family: str
    middle: str
    stem: str
    language: str


class _Pool(NamedTuple):
    language: str
    given: tuple[tuple[str, str], ...]
    family: tuple[tuple[str, str], ...]


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFD", text.translate(_ODD))
    return "".join(c for c in plain if c.isascii() and c.isalpha()).lower()


def _pairs(words: str) -> tuple[tuple[str, str], ...]:
    found = []
    for word in words.split():
        native, _, latin = word.partition("=")
        found.append((native, latin or _ascii(native)))
    return tuple(found)


_WHEEL = tuple(
    pool
    for share, language, given, family in _POOLS
    for pool in [_Pool(language, _pairs(given), _pairs(family))] * share
)


def pick_name(own: int, home: int, changed: int = 0) -> Name:
    """The name for two large numbers: `own` chooses the given name, `home` (a family's) the rest.

    `changed` counts changes of the family name since the first day.
    """
    pool = _WHEEL[home % 64]
    given, latin = pool.given[own // 64 % len(pool.given)]
    family, stem = pool.family[(home // 64 + changed) % len(pool.family)]
    middle = pool.given[own // 4096 % len(pool.given)][0] if own % 5 == 0 else ""
    return Name(given, family, middle, f"{latin}.{stem}", pool.language)
