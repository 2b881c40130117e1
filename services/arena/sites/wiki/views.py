"""The encyclopedia's pages about articles: reading, searching, talking, editing, watching.

There are no accounts: whoever reads may write, signed as VISITOR. Pages about places are in
place_views.py.
"""

from __future__ import annotations

import json
import sqlite3

from starlette.responses import Response

from services.arena.sites.wiki import content
from services.arena.web import Visit

MATCHES = (
    "SELECT a.title AS title, '/wiki/' || a.slug AS href, a.category AS note FROM wiki_article a"
    " WHERE {article} LIKE ? ESCAPE '\\' UNION ALL"
    " SELECT p.name, '/place/' || p.slug, p.kind || ' in ' || t.title FROM wiki_place p"
    " JOIN wiki_article t ON t.id = p.town_id WHERE {place} LIKE ? ESCAPE '\\' ORDER BY 1"
)


async def home(visit: Visit) -> Response:
    """The main page: the featured article, categories and towns."""
    featured = visit.db.one("SELECT a.* FROM wiki_featured f JOIN wiki_article a ON a.id = f.article_id")
    return visit.render(
        "wiki/home.html",
        featured=featured,
        num_articles=visit.db.count("SELECT count(*) FROM wiki_article"),
        num_places=visit.db.count("SELECT count(*) FROM wiki_place"),
        categories=visit.db.rows("SELECT category, category_slug FROM wiki_article GROUP BY category"),
        towns=towns(visit),
    )


async def search(visit: Visit) -> Response:
    """Articles and places whose title holds the words; without any, those whose text does."""
    words = visit.query.get("q", "").strip()
    like = f"%{_escaped(words)}%"
    page = visit.paged(MATCHES.format(article="a.title", place="p.name"), like, like)
    if not page.items:
        page = visit.paged(MATCHES.format(article="a.summary", place="p.address"), like, like)
    return visit.render(
        "wiki/listing.html",
        heading=f"Search results for {words}" if words else "All articles and places",
        page=page,
        note=f"{page.num_items} found",
        empty="No article or place matches your search.",
        choices=(),
    )


async def category(visit: Visit) -> Response:
    """All articles of one category, by title."""
    page = visit.paged(
        "SELECT title, '/wiki/' || slug AS href, category, '' AS note FROM wiki_article"
        " WHERE category_slug = ? ORDER BY title",
        visit.params["category"],
    )
    if not page.items:
        return visit.not_found("There is no such category.")
    return visit.render(
        "wiki/listing.html",
        heading=f"Category: {page.items[0]['category']}",
        page=page,
        note=f"Articles in this category: {page.num_items}",
        empty="",
        choices=(),
    )


async def article(visit: Visit) -> Response:
    """One article with its facts, sections and related articles."""
    row = _article(visit)
    if row is None:
        return visit.not_found("There is no article under this address.")
    facts = visit.db.rows("SELECT * FROM wiki_fact WHERE article_id = ? ORDER BY position", row["id"])
    named = json.dumps([fact["value"] for fact in facts])
    return visit.render(
        "wiki/article.html",
        article=row,
        tab="article",
        watched=_watched(visit, row["id"]),
        facts=facts,
        sections=visit.db.rows("SELECT * FROM wiki_section WHERE article_id = ? ORDER BY position", row["id"]),
        related=visit.db.rows(
            "SELECT slug, title FROM wiki_article WHERE title IN (SELECT value FROM json_each(?)) LIMIT 3", named
        ),
        place=visit.db.one("SELECT slug, name FROM wiki_place WHERE name IN (SELECT value FROM json_each(?))", named),
        is_town=row["category_slug"] == "towns",
    )


async def history(visit: Visit) -> Response:
    """The changes made to one article, newest first."""
    row = _article(visit)
    if row is None:
        return visit.not_found("There is no article under this address.")
    page = visit.paged("SELECT * FROM wiki_revision WHERE article_id = ? ORDER BY id DESC", row["id"])
    return visit.render(
        "wiki/history.html",
        article=row,
        tab="history",
        watched=_watched(visit, row["id"]),
        latest=visit.db.one("SELECT * FROM wiki_revision WHERE article_id = ? ORDER BY id DESC LIMIT 1", row["id"]),
        page=page,
    )


async def talk(visit: Visit) -> Response:
    """What readers wrote about one article, and the form to write."""
    row = _article(visit)
    if row is None:
        return visit.not_found("There is no article under this address.")
    if visit.is_post:
        body = (await visit.form()).get("body", "").strip()
        if not body:
            return visit.redirect(f"/wiki/{row['slug']}/talk", flash="Your comment is empty: write something.")
        visit.db.write(
            "INSERT INTO wiki_comment (article_id, day, author, body) VALUES (?, ?, ?, ?)",
            row["id"],
            visit.today.isoformat(),
            content.VISITOR,
            body,
        )
        return visit.redirect(f"/wiki/{row['slug']}/talk", flash="Your comment was posted.")
    return visit.render(
        "wiki/talk.html",
        article=row,
        tab="talk",
        watched=_watched(visit, row["id"]),
        page=visit.paged("SELECT * FROM wiki_comment WHERE article_id = ? ORDER BY id DESC", row["id"]),
    )


async def edit(visit: Visit) -> Response:
    """Rewrite one section of an article; the change goes into its history."""
    row = _article(visit)
    section = row and visit.db.one(
        "SELECT * FROM wiki_section WHERE article_id = ? AND position = ?", row["id"], visit.params["section"]
    )
    if row is None or section is None:
        return visit.not_found("There is no such section.")
    if not visit.is_post:
        return visit.render("wiki/edit.html", article=row, section=section)
    form = await visit.form()
    body, note = form.get("body", "").strip(), form.get("note", "").strip()
    if not body:
        return visit.redirect(visit.path, flash="A section cannot be empty: write its text.")
    visit.db.write(
        "UPDATE wiki_section SET body = ? WHERE article_id = ? AND position = ?",
        body,
        row["id"],
        section["position"],
    )
    visit.db.write(
        "INSERT INTO wiki_revision (article_id, day, editor, note) VALUES (?, ?, ?, ?)",
        row["id"],
        visit.today.isoformat(),
        content.VISITOR,
        note or f"edited {section['heading']}",
    )
    return visit.redirect(f"/wiki/{row['slug']}", flash=f"Your changes to {section['heading']} were saved.")


async def watch(visit: Visit) -> Response:
    """Put an article on the watchlist or take it off."""
    row = _article(visit)
    if row is None:
        return visit.not_found("There is no article under this address.")
    if (await visit.form()).get("watch") == "yes":
        visit.db.write("INSERT OR IGNORE INTO wiki_watch VALUES (?)", row["id"])
        said = f"{row['title']} is on your watchlist now."
    else:
        visit.db.write("DELETE FROM wiki_watch WHERE article_id = ?", row["id"])
        said = f"{row['title']} was removed from your watchlist."
    return visit.redirect(f"/wiki/{row['slug']}", flash=said)


async def watchlist(visit: Visit) -> Response:
    """The articles that the visitor watches."""
    page = visit.paged(
        "SELECT a.title, '/wiki/' || a.slug AS href, a.category AS note"
        " FROM wiki_watch w JOIN wiki_article a ON a.id = w.article_id ORDER BY a.title"
    )
    return visit.render(
        "wiki/listing.html",
        heading="Your watchlist",
        page=page,
        note=f"Watched articles: {page.num_items}",
        empty="You watch no article.",
        choices=(),
    )


async def recent(visit: Visit) -> Response:
    """The latest changes over all articles."""
    page = visit.paged(
        "SELECT a.title, '/wiki/' || a.slug || '/history' AS href,"
        " r.day || ', ' || r.editor || ': ' || r.note AS note"
        " FROM wiki_revision r JOIN wiki_article a ON a.id = r.article_id ORDER BY r.day DESC, r.id DESC"
    )
    return visit.render("wiki/listing.html", heading="Recent changes", page=page, note="", empty="", choices=())


def towns(visit: Visit) -> list[sqlite3.Row]:
    """The towns as articles, by title."""
    return visit.db.rows("SELECT id, slug, title FROM wiki_article WHERE category = 'Towns' ORDER BY title")


def _article(visit: Visit) -> sqlite3.Row | None:
    return visit.db.one("SELECT * FROM wiki_article WHERE slug = ?", visit.params["article"])


def _watched(visit: Visit, article_id: int) -> bool:
    return visit.db.one("SELECT 1 FROM wiki_watch WHERE article_id = ?", article_id) is not None


def _escaped(words: str) -> str:
    for special in "\\%_":
        words = words.replace(special, "\\" + special)
    return words
