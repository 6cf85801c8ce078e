from __future__ import annotations

from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kclassify.core.taxonomy import Category, Taxonomy, TaxonomyDiff
from kclassify.errors import TaxonomyError

TOML = """
name = "knowledge"
tie_breakers = ["Choose the most specific fit."]

[[category]]
name = "playbook"
definition = "a concrete, ordered procedure"
choose_when = ["it lays out explicit, ordered steps"]
not_when = ["it is a tip"]
examples = ["Rotate the key: first this, then that"]

[[category]]
name = "insight"
definition = "a lesson that holds elsewhere"

[[category]]
name = "convention"
retired = true
"""


class Topic(StrEnum):
    PLAYBOOK = "playbook"
    INSIGHT = "insight"
    CONVENTION = "convention"


DEFINITIONS: dict[Topic, str | Category] = {
    Topic.PLAYBOOK: Category(
        name="playbook",
        definition="a concrete, ordered procedure",
        choose_when=("it lays out explicit, ordered steps",),
        not_when=("it is a tip",),
        examples=("Rotate the key: first this, then that",),
    ),
    Topic.INSIGHT: "a lesson that holds elsewhere",
}


def of_topics() -> Taxonomy[Topic]:
    return Taxonomy.of(
        Topic,
        definitions=DEFINITIONS,
        retired=[Topic.CONVENTION],
        tie_breakers=["Choose the most specific fit."],
        name="knowledge",
    )


def test_toml_and_enum_make_the_same_taxonomy() -> None:
    assert Taxonomy.from_toml(TOML) == of_topics()
    assert Taxonomy.from_toml(TOML).digest == of_topics().digest


def test_retired_categories_are_known_and_never_offered() -> None:
    taxonomy = Taxonomy.from_toml(TOML)
    assert taxonomy.labels == ("playbook", "insight")
    assert [category.name for category in taxonomy.active] == ["playbook", "insight"]
    assert taxonomy.known == {"playbook", "insight", "convention"}
    with pytest.raises(ValueError, match="'convention' is not an active category of knowledge"):
        taxonomy.label("convention")


def test_labels_of_an_enum_are_its_members() -> None:
    taxonomy = of_topics()
    assert taxonomy.label("playbook") is Topic.PLAYBOOK
    assert taxonomy.labels == (Topic.PLAYBOOK, Topic.INSIGHT)
    with pytest.raises(ValueError, match="'Playbook' is not"):
        taxonomy.label("Playbook")


def test_a_label_that_is_no_member_any_more_may_be_retired() -> None:
    taxonomy = Taxonomy.of(Topic, definitions={**DEFINITIONS, Topic.CONVENTION: "x"}, retired=["t"])
    assert taxonomy.known == {"playbook", "insight", "convention", "t"}
    assert "t" not in taxonomy.labels


def test_an_enum_names_its_taxonomy_unless_a_name_is_given() -> None:
    taxonomy = Taxonomy.of(Topic, definitions=DEFINITIONS, retired=[Topic.CONVENTION])
    assert taxonomy.name == "Topic"


def test_the_fragment_holds_every_word_of_active_categories_and_none_of_retired_ones() -> None:
    category = Category(
        name="old", definition="gone", choose_when=("never",), not_when=("ever",), retired=True
    )
    taxonomy = Taxonomy.from_toml(TOML)
    with_old = Taxonomy[str]("k", (*taxonomy.categories, category), taxonomy.tie_breakers)
    assert with_old.prompt_fragment == (
        "playbook: a concrete, ordered procedure\n"
        "  choose it when it lays out explicit, ordered steps\n"
        "  not when it is a tip\n"
        "  example: Rotate the key: first this, then that\n\n"
        "insight: a lesson that holds elsewhere\n\n"
        "When two categories fit:\n- Choose the most specific fit."
    )


TWO = '[[category]]\nname = "a"\ndefinition = "x"\n[[category]]\nname = "b"\ndefinition = "x"\n'
BAD_FILES = {
    "not TOML": ("name = ", "not TOML: "),
    "no name": (TWO, "name: "),
    "blank name": (f'name = " "\n{TWO}', "a taxonomy needs a name"),
    "unknown key": (f'name = "t"\ncolour = 1\n{TWO}', "colour: unknown key"),
    "unknown key in a category": (
        f'name = "t"\n{TWO}colour = 1',
        "category 'b': colour: unknown key",
    ),
    "unnamed category": (
        f'name = "t"\n{TWO}[[category]]\ndefinition = "x"',
        "category number 3: name: ",
    ),
    "wrong type": (f'name = "t"\n{TWO}examples = "x"', "category 'b': examples: "),
    "number for a name": ('name = "t"\n[[category]]\nname = 3', "category 3: name: "),
    "twice": (
        f'name = "t"\n{TWO}[[category]]\nname = "a"\ndefinition = "y"',
        "category 'a' is there 2 times",
    ),
    "no definition": (f'name = "t"\n{TWO}[[category]]\nname = "c"', "category 'c': it needs a def"),
    "blank definition": (
        f'name = "t"\n{TWO}[[category]]\nname = "c"\ndefinition = " "',
        "category 'c': it needs a definition",
    ),
    "retired among the examples": (
        f'name = "t"\n{TWO}[[category]]\nname = "c"\nretired = true\nexamples = ["x"]',
        "category 'c': it is retired, so it cannot have examples",
    ),
    "one category": (
        'name = "t"\n[[category]]\nname = "a"\ndefinition = "x"',
        "at least two active categories are needed, there is only 'a'",
    ),
    "none active": (
        'name = "t"\n[[category]]\nname = "a"\nretired = true',
        "at least two active categories are needed, there is none",
    ),
    "no category": ('name = "t"', "at least two active categories"),
    "white space around a name": (
        f'name = "t"\n{TWO}[[category]]\nname = "c "\ndefinition = "x"',
        "category 'c ': a name has no surrounding white space",
    ),
    "line break in a name": (
        f'name = "t"\n{TWO}[[category]]\nname = "c\\nd"\ndefinition = "x"',
        r"category 'c\\nd': a name has",
    ),
    "empty discriminator": (f'name = "t"\n{TWO}not_when = [""]', "category 'b': an entry of not_"),
    "empty tie-breaker": (f'name = "t"\ntie_breakers = [" "]\n{TWO}', "one of its tie-breakers is"),
}


@pytest.mark.parametrize(("text", "message"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_bad_taxonomy_is_one_line_that_names_what_is_at_fault(text: str, message: str) -> None:
    with pytest.raises(TaxonomyError) as raised:
        Taxonomy.from_toml(text)
    assert message.replace("\\\\", "\\") in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_enum_member_without_a_definition_is_named() -> None:
    with pytest.raises(TaxonomyError, match="category 'convention': it needs a definition"):
        Taxonomy.of(Topic, definitions=DEFINITIONS)


def test_a_definition_for_no_member_is_named() -> None:
    class Other(StrEnum):
        TIP = "tip"

    stray: dict[Topic, str | Category] = {**DEFINITIONS, Other.TIP: "x"}  # type: ignore[dict-item]  # pyright: ignore[reportAssignmentType]
    with pytest.raises(TaxonomyError, match="'tip' has a definition but is no member of Topic"):
        Taxonomy.of(Topic, definitions=stray)


def test_a_category_under_another_members_name_is_named() -> None:
    swapped = {**DEFINITIONS, Topic.INSIGHT: Category(name="playbook", definition="x")}
    with pytest.raises(TaxonomyError, match="'insight' is defined by a category named 'playbook'"):
        Taxonomy.of(Topic, definitions=swapped, retired=[Topic.CONVENTION])


def test_an_empty_enum_value_is_named() -> None:
    class Empty(StrEnum):
        A = "a"
        NOTHING = ""

    with pytest.raises(TaxonomyError, match="category ''"):
        Taxonomy.of(Empty, definitions={Empty.A: "x", Empty.NOTHING: "y"})


def test_the_digest_stays_what_it_was() -> None:
    """Recorded verdicts are keyed by it: this may change with a new schema version only."""
    expected = "610a4684647b17b8caa98fd82d7c3dae0b2c1caffdce0b539b69fdc41a603755"
    assert Taxonomy.from_toml(TOML).digest == expected


words = st.text("abc é-", min_size=1, max_size=6).filter(str.strip)
categories = st.builds(
    Category,
    name=st.sampled_from("abcdefgh"),
    definition=words,
    choose_when=st.lists(words, max_size=2).map(tuple),
    not_when=st.lists(words, max_size=2).map(tuple),
    retired=st.just(False),
)
taxonomies = st.builds(
    Taxonomy[str],
    st.sampled_from(["one", "two"]),
    st.lists(categories, min_size=2, max_size=4, unique_by=lambda c: c.name).map(tuple),
    st.lists(words, max_size=2).map(tuple),
)


@given(taxonomies, taxonomies)
def test_digests_agree_exactly_when_the_diff_is_empty(
    ours: Taxonomy[str], theirs: Taxonomy[str]
) -> None:
    assert (ours.digest == theirs.digest) == (not ours.diff(theirs)) == (ours == theirs)


@given(taxonomies, st.data())
def test_every_single_change_shows_in_digest_and_diff(
    taxonomy: Taxonomy[str], data: st.DataObject
) -> None:
    first, *others = taxonomy.categories
    field, value = data.draw(
        st.sampled_from(
            [
                ("definition", first.definition + "!"),
                ("choose_when", (*first.choose_when, "!")),
                ("not_when", (*first.not_when, "!")),
                ("examples", ("!",)),
            ]
        )
    )
    changed = Taxonomy[str](
        taxonomy.name,
        (first.model_copy(update={field: value}), *others),
        taxonomy.tie_breakers,
    )
    assert changed.digest != taxonomy.digest
    assert taxonomy.diff(changed) == TaxonomyDiff(reworded=(first.name,))
    assert changed.prompt_fragment != taxonomy.prompt_fragment


@given(taxonomies)
def test_a_copy_has_the_digest_of_the_original(taxonomy: Taxonomy[str]) -> None:
    copied = tuple(Category.model_validate(c.model_dump()) for c in taxonomy.categories)
    assert Taxonomy[str](taxonomy.name, copied, taxonomy.tie_breakers).digest == taxonomy.digest


def test_the_diff_tells_what_changed_by_name() -> None:
    def category(name: str, *, retired: bool = False, words: str = "x") -> Category:
        return Category(name=name, definition=words, retired=retired)

    old = Taxonomy[str](
        "t", (category("a"), category("b"), category("c"), category("d", retired=True))
    )
    new = Taxonomy[str](
        "t",
        (
            category("b", retired=True),
            category("a", words="y"),
            category("d"),
            category("e"),
        ),
        ("rule",),
    )
    assert old.diff(new) == TaxonomyDiff(
        added=("e",),
        removed=("c",),
        retired=("b",),
        revived=("d",),
        reworded=("a",),
        tie_breakers_changed=True,
        renamed=False,
        reordered=True,
    )
    assert old.diff(Taxonomy[str]("u", old.categories)) == TaxonomyDiff(renamed=True)
    assert not old.diff(old)


@pytest.mark.parametrize("name", ["", "  ", " lead", "two\nlines"])
def test_a_retired_category_may_have_any_name_that_an_old_table_holds(name: str) -> None:
    categories = (
        Category(name="a", definition="x"),
        Category(name="b", definition="y"),
        Category(name=name, retired=True),
    )
    taxonomy = Taxonomy[str]("t", categories)
    assert name in taxonomy.known
    assert name not in taxonomy.labels
    with pytest.raises(TaxonomyError, match="surrounding white space"):
        Taxonomy[str]("t", (*categories[:2], Category(name=name, definition="z")))
