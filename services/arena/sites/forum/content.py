"""The forum's tables and how a seeded world fills them.

Everything is drawn from `names` and `rng` only, so one seed is one forum. Each board, user and thread title
carries an invented word, so the forums of two partitions share no full name. Scores in `forum_threads` and
`forum_comments` are what others gave; the votes of the signed-in user are rows of `forum_votes`, so a vote
can be taken back without knowing what the score was before.
"""

from __future__ import annotations

import random
import sqlite3
from datetime import date, timedelta

from services.arena.names import Names
from services.arena.site import Account, today

NUM_USERS = 25
NUM_THREADS = 60
NUM_COMMENTS = 150

SCHEMA = """
CREATE TABLE forum_users (
  id INTEGER PRIMARY KEY, username TEXT NOT NULL UNIQUE, password TEXT NOT NULL, name TEXT NOT NULL,
  bio TEXT NOT NULL, location TEXT NOT NULL, joined TEXT NOT NULL, points INTEGER NOT NULL);
CREATE TABLE forum_boards (
  id INTEGER PRIMARY KEY, slug TEXT NOT NULL UNIQUE, name TEXT NOT NULL, description TEXT NOT NULL,
  rule TEXT NOT NULL, moderator_id INTEGER NOT NULL REFERENCES forum_users(id), created TEXT NOT NULL,
  members INTEGER NOT NULL);
CREATE TABLE forum_threads (
  id INTEGER PRIMARY KEY, board_id INTEGER NOT NULL REFERENCES forum_boards(id),
  author_id INTEGER NOT NULL REFERENCES forum_users(id), title TEXT NOT NULL, body TEXT NOT NULL,
  created TEXT NOT NULL, score INTEGER NOT NULL);
CREATE TABLE forum_comments (
  id INTEGER PRIMARY KEY, thread_id INTEGER NOT NULL REFERENCES forum_threads(id),
  author_id INTEGER NOT NULL REFERENCES forum_users(id), body TEXT NOT NULL, created TEXT NOT NULL,
  score INTEGER NOT NULL);
CREATE TABLE forum_votes (
  user_id INTEGER NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('thread', 'comment')),
  target_id INTEGER NOT NULL, value INTEGER NOT NULL CHECK (value IN (-1, 1)),
  PRIMARY KEY (user_id, kind, target_id));
CREATE TABLE forum_subscriptions (user_id INTEGER NOT NULL, board_id INTEGER NOT NULL,
  PRIMARY KEY (user_id, board_id));
CREATE TABLE forum_saved (user_id INTEGER NOT NULL, thread_id INTEGER NOT NULL,
  PRIMARY KEY (user_id, thread_id));
CREATE INDEX forum_threads_by_board ON forum_threads(board_id, created);
CREATE INDEX forum_comments_by_thread ON forum_comments(thread_id, id);
"""

# topic: (things people write about, what the board asks of its members)
TOPICS: dict[str, tuple[tuple[str, ...], str]] = {
    "Cooking": (("soup", "stew", "bread", "sauce", "noodle", "pickle"), "Name the recipe"),
    "Gardening": (("rose", "hedge", "seedling", "tomato", "fern", "compost"), "Say where you live"),
    "Cycling": (("saddle", "brake", "wheel", "pannier", "route", "helmet"), "Wear a helmet"),
    "Books": (("novel", "memoir", "poem", "sequel", "atlas", "diary"), "Hide the ending"),
    "Music": (("guitar", "album", "drum", "concert", "chord", "piano"), "Link the recording"),
    "Travel": (("ferry", "hostel", "visa", "train", "harbour", "market"), "Share the price"),
    "Games": (("quest", "puzzle", "dice", "level", "console", "map"), "No cheats"),
    "Repairs": (("kettle", "lamp", "zipper", "hinge", "radio", "clock"), "Unplug it first"),
}
TITLES = (
    "Best {noun} from {word}?",
    "My {word} {noun} is broken",
    "How old is the {word} {noun}?",
    "Review of the {word} {noun}",
    "Is the {word} {noun} worth it?",
    "Found a {noun} in {word}",
    "Help with a {word} {noun}",
    "Selling my {word} {noun}",
)
BODIES = (
    "I have had it for {num} weeks and would like to hear what you think.",
    "A friend in {place} told me about it {num} days ago.",
    "It cost me {num} coins and I am still not sure.",
    "I tried it {num} times. Any ideas are welcome.",
)
COMMENTS = (
    "Ask in {word}, they know it well.",
    "Mine from {word} lasted {num} years.",
    "I would pay {num} coins at most.",
    "Try the one by {word} instead.",
    "Same here, {word} was no better.",
    "Wait {num} days and try again.",
    "You want the {word} manual, page {num}.",
    "Thanks, {word} fixed it for me.",
)
BIOS = (
    "Collects stamps from {place}.",
    "Learning the cello in {place}.",
    "Retired baker from {place}.",
    "Runs a small shop in {place}.",
    "Walks two dogs around {place}.",
    "Teaches maths in {place}.",
)


def populate(db: sqlite3.Connection, names: Names, rng: random.Random) -> Account:
    """Fill the forum's tables. User 1 is the account that episodes are signed in with."""
    now = today(db)
    _users(db, now, names, rng)
    _boards(db, now, names, rng)
    _threads(db, now, names, rng)
    _comments(db, names, rng)
    _belongings(db, rng)
    username, password, name = db.execute("SELECT username, password, name FROM forum_users WHERE id = 1").fetchone()
    return Account(username, password, name)


def _day(now: date, rng: random.Random, oldest: int, newest: int) -> str:
    """An ISO date between `oldest` and `newest` days before `now`."""
    return (now - timedelta(days=rng.randint(newest, oldest))).isoformat()


def _users(db: sqlite3.Connection, now: date, names: Names, rng: random.Random) -> None:
    for key in range(1, NUM_USERS + 1):
        username, place = names.username(), names.place()
        row = (
            key,
            username,
            names.word() + str(rng.randint(100, 999)),
            f"{names.given()} {names.surname()}",
            rng.choice(BIOS).format(place=place),
            place,
            _day(now, rng, 2500, 400),
            rng.randint(20, 990),
        )
        db.execute("INSERT INTO forum_users VALUES (?,?,?,?,?,?,?,?)", row)


def _boards(db: sqlite3.Connection, now: date, names: Names, rng: random.Random) -> None:
    topics = list(TOPICS)
    rng.shuffle(topics)
    moderators = rng.sample(range(2, NUM_USERS + 1), len(topics))
    for key, (topic, moderator) in enumerate(zip(topics, moderators, strict=True), start=1):
        name = f"{names.brand()} {topic}"
        row = (
            key,
            name.lower().replace(" ", "-"),
            name,
            f"All about {topic.lower()} in {names.place()}.",
            TOPICS[topic][1],
            moderator,
            _day(now, rng, 3600, 2600),
            rng.randint(110, 980),
        )
        db.execute("INSERT INTO forum_boards VALUES (?,?,?,?,?,?,?,?)", row)


def _threads(db: sqlite3.Connection, now: date, names: Names, rng: random.Random) -> None:
    """Threads in order of time: no two on one day, so newest and oldest are never tied on a board."""
    boards = db.execute("SELECT id, name FROM forum_boards ORDER BY id").fetchall()
    scores = rng.sample(range(3, 400), NUM_THREADS)
    for number in range(NUM_THREADS):
        board, name = boards[number % len(boards)]
        noun = rng.choice(TOPICS[name.split()[-1]][0])
        # The signed-in account starts a few threads of its own, so that "my thread" means something.
        author = 1 if number % 11 == 5 else rng.randint(2, NUM_USERS)
        title = rng.choice(TITLES).format(noun=noun, word=names.brand())
        body = rng.choice(BODIES).format(num=rng.randint(2, 40), place=names.place())
        created = (now - timedelta(days=5 * (NUM_THREADS - number) + rng.randint(0, 4))).isoformat()
        row = (101 + number, board, author, title, body, created, scores[number])
        db.execute("INSERT INTO forum_threads VALUES (?,?,?,?,?,?,?)", row)


def _comments(db: sqlite3.Connection, names: Names, rng: random.Random) -> None:
    """Two or three comments a thread, each by another user and never by the signed-in account."""
    threads = db.execute("SELECT id, author_id, created FROM forum_threads ORDER BY id").fetchall()
    extra = set(rng.sample(range(len(threads)), NUM_COMMENTS - 2 * len(threads)))
    key = 1001
    for number, (thread, author, created) in enumerate(threads):
        others = [user for user in range(2, NUM_USERS + 1) if user != author]
        for day, user in enumerate(rng.sample(others, 3 if number in extra else 2)):
            written = (date.fromisoformat(created) + timedelta(days=day)).isoformat()
            body = rng.choice(COMMENTS).format(word=names.brand(), num=rng.randint(2, 60))
            row = (key, thread, user, body, written, rng.randint(1, 60))
            db.execute("INSERT INTO forum_comments VALUES (?,?,?,?,?,?)", row)
            key += 1


def _belongings(db: sqlite3.Connection, rng: random.Random) -> None:
    """What the signed-in account already follows and keeps: four boards and six threads of others."""
    boards = [row[0] for row in db.execute("SELECT id FROM forum_boards ORDER BY id")]
    db.executemany("INSERT INTO forum_subscriptions VALUES (1, ?)", [(b,) for b in rng.sample(boards, 4)])
    others = [row[0] for row in db.execute("SELECT id FROM forum_threads WHERE author_id != 1 ORDER BY id")]
    db.executemany("INSERT INTO forum_saved VALUES (1, ?)", [(t,) for t in rng.sample(others, 6)])
