"""The loop that kclassify replaces: a row is read, changed, audited and committed, one by one."""

from __future__ import annotations

from sqlalchemy import Engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    pass


class Article(Base):
    __tablename__ = "articles"

    id: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str]
    category: Mapped[str]


class Change(Base):
    __tablename__ = "changes_by_row"

    id: Mapped[int] = mapped_column(primary_key=True)
    article: Mapped[int]
    before: Mapped[str]
    after: Mapped[str]


def write(engine: Engine, keys: range) -> None:
    Change.__table__.create(engine, checkfirst=True)  # type: ignore[attr-defined]
    with Session(engine) as session:
        for key in keys:
            article = session.get_one(Article, key)
            session.add(Change(article=key, before=article.category, after="left"))
            article.category = "left"
            session.commit()
