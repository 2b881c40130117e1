"""Pages made to be hard to read, from a seed.

Invariant: the same seed gives the same pages; each page is some of the snippets below, in random boxes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

_WORDS = """kettle order price Ann 42 total ship red müller 価格 שלום مرحبا 😀 naïve O'Neil "quoted" a&amp;b x&lt;y"""
_BOXES = (
    "<div>{}</div>",
    "<section>{}</section>",
    "<section aria-label='Part'>{}</section>",
    "<article>{}</article>",
    "<nav>{}</nav>",
    "<aside>{}</aside>",
    "<main>{}</main>",
    "<div style='display:flex'>{}</div>",
    "<div style='display:contents'>{}</div>",
    "<div style='display:grid'>{}</div>",
    "<span>{}</span>",
    "<div style='position:relative;overflow:auto'>{}</div>",
    "<div dir=rtl>{}</div>",
    "<div style='white-space:pre-wrap'>{}</div>",
    "<div style='text-transform:uppercase'>{}</div>",
    "<form>{}</form>",
    "<fieldset><legend>Group</legend>{}</fieldset>",
    "<div role=presentation>{}</div>",
    "<div role=group aria-label=Set>{}</div>",
    "<header>{}</header>",
    "<footer>{}</footer>",
    "<p>{}</p>",
    "<blockquote>{}</blockquote>",
    "<ul><li>{}<li>next</ul>",
    "<details open><summary>Open</summary>{}</details>",
    "<div style='float:left'>{}</div>",
    "<div style='position:absolute'>{}</div>",
)


_FIELDS = """text checkbox radio email number password search tel url range date time color file month datetime-local"""
_ROLES = """checkbox radio switch tab menuitem menuitemcheckbox option treeitem slider spinbutton textbox combobox
 listbox progressbar link button heading img tooltip dialog toolbar tablist menu separator searchbox meter radiogroup
 tree figure article note term definition math row cell listitem list region form alertdialog application document feed
 complementary search code unknown"""
_STATES = """aria-checked=true aria-checked=mixed aria-selected=true aria-expanded=true tabindex=0 aria-label=Widget
 aria-required=true aria-valuenow=5 aria-valuemax=9 aria-level=2 aria-modal=true aria-multiselectable=true
 aria-orientation=vertical aria-disabled=true aria-readonly=true aria-busy=true aria-current=page aria-valuetext=five
 title=Tip aria-invalid=true aria-controls=e1 aria-keyshortcuts=Alt+A aria-roledescription=slide aria-autocomplete=list
 aria-placeholder=Hint aria-haspopup=dialog"""


class _Maker:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._num_ids = 0

    def words(self, most: int = 4) -> str:
        return " ".join(self.word(_WORDS) for _ in range(self.random.randint(1, most)))

    def word(self, words: str) -> str:
        """One of the words."""
        return self.random.choice(words.split())

    def some(self, words: str, chance: float = 0.25) -> str:
        """Each of the words with that chance."""
        return " ".join(word for word in words.split() if self.random.random() < chance)

    def id(self) -> str:
        self._num_ids += 1
        return f"e{self._num_ids}"

    def one(self, *choices: str) -> str:
        return self.random.choice(choices)

    def maybe(self, text: str, chance: float = 0.4) -> str:
        return text if self.random.random() < chance else ""

    def inline(self) -> str:
        tag = self.one(
            "b", "em", "strong", "i", "code", "span", "mark", "small", "sub", "time", "kbd", "q", "abbr title=T"
        )
        space = self.one("", " ", "\n  ")
        return (
            f"{self.words(2)}{space}<{tag}>{self.one('', ' ')}{self.words(2)}</{tag.split()[0]}>{space}{self.words(2)}"
        )


def _labels(m: _Maker) -> str:
    a, b = m.id(), m.id()
    kind = m.word(_FIELDS)
    state = m.some("required disabled checked readonly", 0.3)
    value = m.one("", "value=7", "value=''", "value='a b'")
    return (
        f"<label for={a}>{m.inline()}</label><input id={a} type={kind} {state} {value} {m.maybe('placeholder=Hint')}>"
        f"<label>{m.words()} <input type={kind} {m.maybe('title=Tip')}> {m.words(2)}</label>"
        f"<input id={b} type={kind} {m.some('placeholder=Hint aria-label=Named title=Tip', 0.4)}>"
    )


def _labelledby(m: _Maker) -> str:
    a, b, c = m.id(), m.id(), m.id()
    return (
        f"<span id={a}{m.one('', ' hidden', ' style=display:none', ' aria-label=Other')}>{m.inline()}</span>"
        f"<div id={b} aria-labelledby='{c} {a}'>{m.words()}</div>"
        f"<button id={c} aria-labelledby='{m.one(f'{a} {c}', f'{a} {b}', f'{b}', 'nowhere', f'{c} {a}')}' "
        f"{m.maybe('aria-label=Own')}>{m.words()}</button>"
    )


def _hidden(m: _Maker) -> str:
    how = m.one("hidden", "style='display:none'", "style='visibility:hidden'", "aria-hidden=true", "inert",
                "style='content-visibility:hidden'", "style='opacity:0'", "style='width:0;height:0;overflow:hidden'",
                "style='position:absolute;left:-9999px'", "style='clip-path:inset(50%)'")  # fmt: skip
    inside = m.one("<b style='visibility:visible'>seen</b>", "<button>in</button>", m.words(), "<p>deep <i>x</i></p>")
    return f"<div {how}>{m.words()} {inside}</div><a href=/x>{m.words(1)}<span {how}>{m.words(1)}</span></a>"


def _tables(m: _Maker) -> str:
    role = m.one("", "", "", "role=presentation", "role=grid", "role=none", "role=table")
    caption = m.maybe(f"<caption>{m.words()}</caption>")
    head = m.maybe("<thead><tr><th>A<th scope=col>B<th></tr></thead>", 0.6)
    rows = "".join(
        f"<tr>{m.one('<td>', '<th>', '<th scope=row>')}{m.words(2)}<td>{m.inline()}"
        f"<td>{m.maybe('<button>Go</button>')}</tr>"
        for _ in range(m.random.randint(1, 3))
    )
    foot = m.maybe("<tfoot><tr><td colspan=3>Sum</tfoot>", 0.2)
    return f"<table {role} {m.maybe('border=1')}>{caption}{head}<tbody>{rows}</tbody>{foot}</table>"


def _selects(m: _Maker) -> str:
    options = "".join(
        f"<option {m.maybe('selected')} {m.some('disabled value=v label=L', 0.2)}> {m.words(2)} "
        for _ in range(m.random.randint(1, 4))
    )
    group = m.maybe(f"<optgroup label='{m.one('G', 'Two words')}'>{options}</optgroup>")
    kind = m.one("", "", "multiple", "size=3", "disabled", "required")
    name = m.one("aria-label=Size", "title=Size", "")
    return f"<select {kind} {name}>{options}{group}</select>"


def _texts(m: _Maker) -> str:
    return (
        f"<p>{m.inline()}{m.one('<br>', '<br><br>', ' <br> ', '')}{m.inline()}</p>"
        f"<div>{m.words()}<p>{m.words()}</p> {m.words()} <span> </span> <span>{m.words(1)}</span></div>"
        f"<pre>{m.words()}\n  {m.words()}\n</pre>"
        f"<div>{m.inline()}<img src=x alt='{m.one('', 'Pic', 'A b')}'> {m.words(1)}</div>"
        f"<p>{m.words(1)}&nbsp;<wbr>{m.words(1)} &nbsp; {m.words(1)}</p>"
    )


def _buttons(m: _Maker) -> str:
    states = m.some(
        "aria-pressed=true aria-expanded=false disabled aria-haspopup=true aria-label=Own title=Tip",
        0.2,
    )
    button = m.one(m.inline(), "<img src=x alt=Icon>", "<svg><title>Vec</title></svg>", "", "X")
    link = m.one(m.inline(), "<img src=x>", "<div>block</div><div>two</div>", "<h3>Head</h3>")
    return (
        f"<button {states}>{button}</button><a href=/y {states}>{link}</a><a>{m.words()}</a>"
        f"<input type={m.one('submit', 'button', 'reset', 'image alt=Im')} {m.maybe('value=Press')}>"
    )


def _widgets(m: _Maker) -> str:
    inside = m.one(m.words(), m.inline(), "<span>in</span><b>side</b>", "")
    return f"<div role={m.word(_ROLES)} {m.some(_STATES)}>{inside}</div>"


def _live(m: _Maker) -> str:
    kind = m.word("aria-live=polite aria-live=assertive aria-live=off role=alert role=status role=log role=timer")
    more = m.some("aria-atomic=true aria-relevant=all aria-busy=true", 0.4)
    return f"<div {kind} {more}>{m.words()} <p>{m.inline()}</p></div><output>{m.words(1)}</output>"


def _editable(m: _Maker) -> str:
    text = m.one("", "one", "a\nb")
    return (
        f"<div contenteditable {m.maybe('role=textbox')} {m.maybe('aria-label=Rich')}>{m.inline()}</div>"
        f"<textarea {m.maybe('aria-label=Area')} {m.maybe('placeholder=Write')}>{text}</textarea>"
        f"<span contenteditable=plaintext-only>{m.words(1)}</span>"
    )


def _lists(m: _Maker) -> str:
    tag = m.one(
        "ul", "ol", "ol start=3", "ol reversed", "menu", "ul role=none", "ul role=listbox", "ol type=a", "ol type=I"
    )
    style = m.maybe("style='list-style:none'", 0.3) or m.maybe("style='list-style:square inside'", 0.2)
    items = "".join(f"<li{m.maybe(' value=9', 0.1)}>{m.one(m.inline(), '<a href=/z>in</a>')}" for _ in range(3))
    return f"<{tag} {style}>{items}</{tag.split()[0]}><dl><dt>{m.words(1)}<dd>{m.inline()}</dl>"


def _frames(m: _Maker) -> str:
    inner = f"<p>{m.words()}</p><button>{m.words(1).replace(chr(34), '')}</button>".replace('"', "&quot;")
    return f'<iframe {m.maybe("title=Frame")} srcdoc="{inner}"></iframe>'


def _shadow(m: _Maker) -> str:
    return (
        f"<div><template shadowrootmode=open><p>{m.words()}</p><slot name=s>fallback</slot><slot></slot>"
        f"<button>{m.words(1)}</button></template>{m.words()}"
        f"{m.maybe(f'<b slot=s>{m.words(1)}</b>')}<i slot=no>lost</i></div>"
    )


def _generated(m: _Maker) -> str:
    name = m.id()
    content = m.one("'→ '", "'* '", "attr(title)", "'a' / 'alt'", "''", "open-quote", "counter(c) '. '", "none")
    more = m.maybe("display:block;") + m.maybe("position:absolute;", 0.2)
    tag = m.one("p", "span", "button", "a href=/q", "li", "div")
    return (
        f"<style>#{name}::{m.one('before', 'after')}{{content:{content};{more}}}</style>"
        f"<{tag} id={name} {m.maybe('title=Tip')}>{m.words()}</{tag.split()[0]}>"
    )


def _details(m: _Maker) -> str:
    return (
        f"<details {m.maybe('open')} {m.maybe('name=d')}><summary>{m.inline()}</summary><p>{m.words()}</p></details>"
        f"<dialog {m.maybe('open')} {m.maybe('aria-label=D')}><p>{m.words()}</p></dialog>"
    )


def _owns(m: _Maker) -> str:
    a, b = m.id(), m.id()
    return f"<div role=group aria-owns={a} id={b}>{m.words()}</div><p>between</p><button id={a}>{m.words(1)}</button>"


def _pictures(m: _Maker) -> str:
    return (
        f"<img src=x {m.one('alt=Photo', 'alt', '', 'title=Tip', 'role=presentation', 'alt=x role=none')}>"
        f"<figure><img src=x alt=F><figcaption>{m.inline()}</figcaption></figure>"
        f"<svg width=9 height=9 {m.maybe('role=img')} {m.maybe('aria-label=V')}>"
        f"{m.maybe('<title>T</title>')}<text>tx</text></svg>"
        f"<canvas>{m.words(1)}</canvas><meter value=.5>half</meter><progress {m.maybe('value=3 max=9')}></progress>"
    )


def _headings(m: _Maker) -> str:
    level = m.random.randint(1, 6)
    return (
        f"<h{level}>{m.one(m.inline(), '<a href=/h>link</a>', m.words())}</h{level}><hr><address>{m.words()}</address>"
    )


SNIPPETS: tuple[Callable[[_Maker], str], ...] = (
    _labels,
    _labelledby,
    _hidden,
    _tables,
    _selects,
    _texts,
    _buttons,
    _widgets,
    _live,
    _editable,
    _lists,
    _frames,
    _shadow,
    _generated,
    _details,
    _owns,
    _pictures,
    _headings,
)


def pages(num: int, seed: int = 0) -> Iterator[tuple[str, str]]:
    """Name and HTML of so many pages."""
    for number in range(num):
        maker = _Maker(seed * 100_003 + number)
        parts = []
        for _ in range(maker.random.randint(4, 9)):
            part = maker.random.choice(SNIPPETS)(maker)
            for _ in range(maker.random.randint(0, 2)):
                part = maker.random.choice(_BOXES).format(part)
            parts.append(part)
        yield f"hard-{seed}-{number}", f"<!doctype html><title>{maker.words()}</title><body>{''.join(parts)}</body>"
