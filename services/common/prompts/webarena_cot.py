"""The paper's agent: chain of thought, two examples, the hint that an impossible task is answered N/A.

System text and examples come first and never change, so that they are a shared prefix of every step.
"""

from __future__ import annotations

import re

from services.common.prompts.grammar import ACTION
from services.common.prompts.view import Part, PromptFormat, Thought, View

_FENCE = re.compile(r"```(?:\w+\n)?\s*(.+?)\s*```", re.DOTALL)
_LEAD = "In summary, the next action I will perform is"

SYSTEM = """You are an autonomous agent that works in a web browser. You are given a task and carry it out by \
single actions on the page in front.

What you get each time:
OBSERVATION: the accessibility tree of the page; an element that you can act on starts with its id, as in [12].
URL: the address of the page. OBJECTIVE: the task. PREVIOUS ACTION: what you did last.

Actions on the page:
`click [id]`: click an element.
`type [id] [content] [press_enter_after=0|1]`: put the content into a field; Enter follows unless the last is 0.
`select [id] [option]`: choose an option of a list by its label.
`drag [id] [id]`: drag the first element onto the second.
`hover [id]`: move the pointer over an element.
`press [key_comb]`: press a key or a combination, e.g. Ctrl+v.
`scroll [direction=down|up]`: scroll the page.
Actions on tabs: `new_tab`, `tab_focus [index]`, `close_tab`.
Actions on addresses: `goto [url]`, `go_back`, `go_forward`.
The end: `stop [answer]`: when the task is done, or with the answer when it asks for one. \
If you believe that the task is impossible, answer `stop [N/A]`.

Rules:
1. Only act on what the current observation shows.
2. One action at a time.
3. Think step by step, then end with "In summary, the next action I will perform is" and the action in ``````, \
for example: In summary, the next action I will perform is ```click [1234]```.
4. Issue stop when the objective is reached, and write nothing after it."""

_LAMP_PAGE = """[1744] link 'Lamp with paper shade, white'
\t\t[1749] StaticText '$24.50'
\t\t[1757] button 'Add to Cart'
[1760] button 'Add to Wish List'"""
_MAP_PAGE = """[164] textbox 'Search' focused: True required: False
[171] button 'Go'
[174] link 'Find directions'
[212] heading 'Results'"""
_LAMP_THOUGHT = "This page shows the lamp with the paper shade. Its price is $24.50, which answers the question"
_MAP_THOUGHT = "The page has a search box with the id [164]. I search for the restaurants and press Enter"
_EXAMPLES = (
    (
        View(_LAMP_PAGE, "http://shop.example/lamps/white", "What does the lamp with the paper shade cost?", ""),
        Thought(_LAMP_THOUGHT, "stop [$24.50]"),
    ),
    (
        View(_MAP_PAGE, "http://map.example", "Show me the restaurants near the old harbour", ""),
        Thought(_MAP_THOUGHT, "type [164] [restaurants near the old harbour] [1]"),
    ),
)


def _question(view: View, max_tokens: int) -> list[Part]:
    role, name = view.previous_element
    previous = view.previous or "None"
    if role:
        previous = f"{previous} where the element is {role} '{name}'"
    rest = f"\nURL: {view.url}\nOBJECTIVE: {view.intent}\nPREVIOUS ACTION: {previous}"
    return [
        Part("user", "OBSERVATION:\n"),
        Part("user", view.observation, max_tokens),
        Part("user", rest),
    ]


def build(view: View, max_tokens: int) -> list[Part]:
    """System, two examples, and the step; only the observation is cut."""
    parts = [Part("system", SYSTEM)]
    for example, thought in _EXAMPLES:
        parts += [*_question(example, 0), Part("assistant", phrase(thought))]
    return [*parts, *_question(view, max_tokens)]


def extract(response: str) -> str | None:
    """The last code fence."""
    found: list[str] = _FENCE.findall(response)
    return found[-1] if found else None


def phrase(thought: Thought) -> str:
    """The thought, then the action behind the phrase that ends every answer."""
    return f"Let's think step-by-step. {thought.text}. {_LEAD} ```{thought.action}```"


FORMAT = PromptFormat(
    name="webarena-cot",
    build=build,
    extract=extract,
    phrase=phrase,
    claimed=lambda _: "",
    observation_format="webarena-axtree",
    max_observation_tokens=1920,
    max_new_tokens=384,
    reserved_tokens=1200,
    regex=rf"(?:[^`]|\n)*{_LEAD} ```{ACTION}```",
)
