"""MovieLens: every form of release gives the same ratings, titles are as people say them, and bad lines are named."""

from __future__ import annotations

import functools
import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from aecore.datasets import movielens
from aecore.datasets.movielens import Movie, Ratings, load_ratings, other_titles, parse_title
from aecore.errors import DataError

REAL = Path(os.environ.get("AECORE_DATA", "/nowhere"))
needs_movielens = pytest.mark.skipif(
    not (REAL / "ml-latest-small" / "ratings.csv").is_file(),
    reason="needs MovieLens: set AECORE_DATA to a folder that holds ml-latest-small",
)

# user, movie, stars, seconds; not in order, neither by user nor by movie.
ROWS = [(7, 10, 4.5, 100), (2, 30, 0.5, 90), (2, 10, 5.0, 80), (7, 20, 3.0, 70), (9, 30, 1.0, 60)]
STARS = np.array([[5, 0, 0.5], [4.5, 3, 0], [0, 0, 1]], np.float32)  # users 2, 7, 9; movies 10, 20, 30
TITLES = {
    10: ("Matrix, The (1999)", "Action|Sci-Fi"),
    20: ("Été, L' (Summer, The) (1968)", "Drama"),
    30: ("Babylon 5", ""),
    40: ("Never Rated (2000)", "Comedy"),
}
CSV_RATINGS = "userId,movieId,rating,timestamp\n" + "".join(f"{u},{m},{s},{t}\n" for u, m, s, t in ROWS)
CSV_MOVIES = "movieId,title,genres\n" + "".join(
    f'{number},"{title}",{genres or "(no genres listed)"}\n' for number, (title, genres) in TITLES.items()
)


def put(folder: Path, **contents: str | bytes) -> Path:
    """Files of a folder: `ratings_csv="..."` is ratings.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        path = folder / name.replace("_", ".")
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def csv_release(folder: Path, ratings: str | bytes = CSV_RATINGS, movies: str | bytes = CSV_MOVIES) -> Path:
    return put(folder, ratings_csv=ratings, movies_csv=movies)


def dat_release(folder: Path, encoding: str = "latin-1") -> Path:
    return put(
        folder,
        ratings_dat="".join(f"{u}::{m}::{s:g}::{t}\n" for u, m, s, t in ROWS),
        movies_dat="".join(f"{n}::{title}::{genres}\n" for n, (title, genres) in TITLES.items()).encode(encoding),
    )


def item_line(number: int, title: str, genres: str) -> str:
    flags = ["1" if name in (genres.split("|") if genres else ["unknown"]) else "0" for name in movielens._GENRES_100K]
    return "|".join([str(number), title, "01-Jan-1995", "", "http://example.org/?a,b", *flags])


def item_release(folder: Path) -> Path:
    return put(
        folder,
        u_data="".join(f"{u}\t{m}\t{s:g}\t{t}\n" for u, m, s, t in ROWS),
        u_item="".join(item_line(n, *described) + "\n" for n, described in TITLES.items()).encode("latin-1"),
    )


@pytest.fixture(autouse=True)
def no_data_and_no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AECORE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("AECORE_DATA", raising=False)
    monkeypatch.setattr(movielens, "_ADDRESS", (tmp_path / "server").as_uri() + "/")


class TestTitles:
    @pytest.mark.parametrize(
        ("stored", "title", "year"),
        [
            ("Toy Story (1995)", "Toy Story", 1995),
            ("Matrix, The (1999)", "The Matrix", 1999),
            ("Beautiful Mind, A (2001)", "A Beautiful Mind", 2001),
            ("American Werewolf in London, An (1981)", "An American Werewolf in London", 1981),
            ("Jetée, La (1962)", "La Jetée", 1962),
            ("Misérables, Les (1995)", "Les Misérables", 1995),
            ("Samouraï, Le (Godson, The) (1967)", "Le Samouraï", 1967),
            ("Avventura, L' (a.k.a. Adventure, The) (1960)", "L'Avventura", 1960),
            ("Untergang, Der (2004)", "Der Untergang", 2004),
            ("Boot, Das (Boat, The) (1981)", "Das Boot", 1981),
            ("Postino, Il (1994)", "Il Postino", 1994),
            ("Vitelloni, I (a.k.a. The Young and the Passionate) (1953)", "I Vitelloni", 1953),
            ("Norte, El (1984)", "El Norte", 1984),
            ("Hip Hop Witch, Da (2000)", "Da Hip Hop Witch", 2000),
            # A comma that is not in front of an article, or not the last one.
            (
                "Good, the Bad and the Ugly, The (Buono, il brutto, il cattivo, Il) (1966)",
                "The Good, the Bad and the Ugly",
                1966,
            ),
            (
                "Chronicles of Narnia: The Lion, the Witch and the Wardrobe, The (2005)",
                "The Chronicles of Narnia: The Lion, the Witch and the Wardrobe",
                2005,
            ),
            ("I, Robot (2004)", "I, Robot", 2004),
            ("Play It Again, Sam (1972)", "Play It Again, Sam", 1972),
            ("Paris, Texas (1984)", "Paris, Texas", 1984),
            ("Crouching Tiger, the (1999)", "The Crouching Tiger", 1999),
            # Parentheses: further titles go, what belongs to the title stays.
            ("Seven (a.k.a. Se7en) (1995)", "Seven", 1995),
            ("Frontière(s) (2007)", "Frontière(s)", 2007),
            ("(500) Days of Summer (2009)", "(500) Days of Summer", 2009),
            (
                "Evangelion: 2.0 You Can (Not) Advance (Evangerion shin gekijôban: Ha) (2009)",
                "Evangelion: 2.0 You Can (Not) Advance",
                2009,
            ),
            (
                "Birdman: Or (The Unexpected Virtue of Ignorance) (2014)",
                "Birdman: Or (The Unexpected Virtue of Ignorance)",
                2014,
            ),
            (
                "Hotel Chevalier (Part 1 of 'The Darjeeling Limited') (2007)",
                "Hotel Chevalier (Part 1 of 'The Darjeeling Limited')",
                2007,
            ),
            ("Songs (Lieder (und Tänze)) (1990)", "Songs", 1990),
            ("Unclosed (Never (1990)", "Unclosed (Never", 1990),
            # Years.
            ("2001: A Space Odyssey (1968)", "2001: A Space Odyssey", 1968),
            ("1984 (Nineteen Eighty-Four) (1984)", "1984", 1984),
            ("Fawlty Towers (1975-1979)", "Fawlty Towers", 1975),
            ("Death Note: Desu nôto (2006–2007)", "Death Note: Desu nôto", 2006),
            ("Doctor Who (1963-89)", "Doctor Who", 1963),
            ("Big Bang Theory, The (2007-)", "The Big Bang Theory", 2007),
            ("Diplomatic Immunity (2009– )", "Diplomatic Immunity", 2009),
            (
                "Land Before Time III: The Time of the Great Giving (1995) (V)",
                "Land Before Time III: The Time of the Great Giving",
                1995,
            ),
            ("Mona and the Time of Burning Love (1983))", "Mona and the Time of Burning Love", 1983),
            ("Babylon 5", "Babylon 5", None),
            ("The OA", "The OA", None),
            ("Agent (007)", "Agent", None),
            ("(1999)", "(1999)", None),
            # Space.
            ("96 Minutes (2011) ", "96 Minutes", 2011),
            ("  Two   Spaces  (2001)\t", "Two Spaces", 2001),
            ("Matrix, The(1999)", "The Matrix", 1999),
            ("", "", None),
        ],
    )
    def test_a_title_as_people_say_it(self, stored: str, title: str, year: int | None) -> None:
        assert parse_title(stored) == (title, year)

    @pytest.mark.parametrize(
        ("stored", "others"),
        [
            ("Toy Story (1995)", ()),
            ("Seven (a.k.a. Se7en) (1995)", ("Se7en",)),
            ("City of Lost Children, The (Cité des enfants perdus, La) (1995)", ("La Cité des enfants perdus",)),
            ("School of Flesh, The (École de la chair, L') (1998)", ("L'École de la chair",)),
            ("Léon: The Professional (a.k.a. The Professional) (Léon) (1994)", ("The Professional", "Léon")),
            (
                "Bicycle Thieves (a.k.a. The Bicycle Thief) (A.K.A.  The Bicycle Thieves) (1948)",
                ("The Bicycle Thief", "The Bicycle Thieves"),
            ),
            ("Godzilla (Gojira) (Gojira) (1954)", ("Gojira",)),
            ("Bride of Frankenstein, The (The Bride of Frankenstein) (1935)", ()),
            ("Birdman: Or (The Unexpected Virtue of Ignorance) (2014)", ()),
            ("Empty () (1954)", ()),
        ],
    )
    def test_further_titles(self, stored: str, others: tuple[str, ...]) -> None:
        assert other_titles(stored) == others
        assert Movie(1, stored, *parse_title(stored), ()).other_titles == others

    def test_a_label_has_the_year_where_there_is_one(self) -> None:
        assert Movie(1, "Matrix, The (1999)", "The Matrix", 1999, ()).label == "The Matrix (1999)"
        assert Movie(2, "Babylon 5", "Babylon 5", None, ()).label == "Babylon 5"

    @given(st.text(alphabet="aT(he), 19'85-A.k\u2013", max_size=40))
    def test_whatever_is_stored_something_is_said(self, stored: str) -> None:
        title, year = parse_title(stored)
        assert bool(title) == bool(stored.strip())
        assert year is None or 1800 <= year <= 2099
        assert title not in other_titles(stored)

    @given(st.text(alphabet="abc déÖ", min_size=1, max_size=20).map(str.strip).filter(bool), st.integers(1900, 2030))
    def test_what_is_stored_with_an_article_behind_is_said_with_it_in_front(self, name: str, year: int) -> None:
        said = " ".join(name.split())
        assert parse_title(f"{name}, The ({year})") == (f"The {said}", year)
        assert parse_title(f"{name}, L' (Other, An) ({year})") == (f"L'{said}", year)


class TestForms:
    @pytest.mark.parametrize("release", [csv_release, dat_release, item_release])
    def test_each_form_gives_the_same_ratings(self, release, tmp_path: Path) -> None:
        ratings = load_ratings(release(tmp_path / "mine"))
        np.testing.assert_array_equal(ratings.matrix.toarray(), STARS)
        np.testing.assert_array_equal(ratings.users, [2, 7, 9])
        assert [movie.id for movie in ratings.movies] == [10, 20, 30]  # 40 is never rated
        assert [movie.label for movie in ratings.movies] == ["The Matrix (1999)", "L'Été (1968)", "Babylon 5"]
        assert [movie.genres for movie in ratings.movies] == [("Action", "Sci-Fi"), ("Drama",), ()]
        assert ratings.movies[1].stored == "Été, L' (Summer, The) (1968)"
        assert len(ratings) == 5
        np.testing.assert_array_equal(ratings.support, [2, 1, 2])

    def test_the_matrix_is_in_the_form_it_promises(self, tmp_path: Path) -> None:
        matrix = load_ratings(csv_release(tmp_path)).matrix
        assert isinstance(matrix, sp.csr_array)
        assert (matrix.dtype, matrix.indices.dtype) == (np.float32, np.int32)
        again = sp.csr_array((matrix.data, matrix.indices, matrix.indptr), shape=matrix.shape)  # looks for itself
        assert again.has_canonical_format

    def test_the_10m_release_is_utf_8(self, tmp_path: Path) -> None:
        movies = load_ratings(dat_release(tmp_path, encoding="utf-8")).movies
        assert movies[1].title == "L'Été"

    def test_windows_lines_a_byte_order_mark_and_no_last_line_end(self, tmp_path: Path) -> None:
        ratings = b"\xef\xbb\xbf" + CSV_RATINGS.strip().replace("\n", "\r\n").encode()
        movies = b"\xef\xbb\xbf" + CSV_MOVIES.strip().replace("\n", "\r\n").encode()
        loaded = load_ratings(csv_release(tmp_path, ratings, movies))
        np.testing.assert_array_equal(loaded.matrix.toarray(), STARS)
        assert loaded.movies[0].genres == ("Action", "Sci-Fi")

    def test_blank_lines_hold_nothing(self, tmp_path: Path) -> None:
        folder = csv_release(tmp_path, CSV_RATINGS.replace("\n", "\n\n"), CSV_MOVIES.replace("\n", "\n\n"))
        np.testing.assert_array_equal(load_ratings(folder).matrix.toarray(), STARS)

    def test_quotes_inside_a_title(self, tmp_path: Path) -> None:
        movies = CSV_MOVIES.replace("Babylon 5", '""Great Performances"" Cats (1998)')
        movie = load_ratings(csv_release(tmp_path, movies=movies)).movies[2]
        assert (movie.title, movie.year) == ('"Great Performances" Cats', 1998)

    def test_colons_inside_a_title_of_a_dat_file(self, tmp_path: Path) -> None:
        folder = put(tmp_path, ratings_dat="1::1::5::0\n", movies_dat="1::Half::Way (1998)::Drama\n")
        assert load_ratings(folder).movies[0].title == "Half::Way"

    def test_the_children_of_old_and_new_releases_share_a_genre(self, tmp_path: Path) -> None:
        folder = put(tmp_path, ratings_dat="1::1::5::0\n", movies_dat="1::Babe (1995)::Children's|Comedy\n")
        assert load_ratings(folder).movies[0].genres == ("Children", "Comedy")

    def test_several_of_one_name_stay_apart(self, tmp_path: Path) -> None:
        movies = "movieId,title,genres\n10,Emma (1996),Drama\n20,Emma (1996),Comedy\n30,Emma (2020),Drama\n"
        loaded = load_ratings(csv_release(tmp_path, movies=movies)).movies
        assert [(movie.id, movie.label) for movie in loaded] == [
            (10, "Emma (1996)"),
            (20, "Emma (1996)"),
            (30, "Emma (2020)"),
        ]

    @settings(max_examples=40)
    @given(
        st.dictionaries(
            st.tuples(st.integers(0, 300), st.integers(0, 50)), st.integers(1, 10), min_size=1, max_size=60
        ),
        st.randoms(),
    )
    def test_any_ratings_in_any_order(self, given_stars: dict[tuple[int, int], int], random) -> None:
        rows = [(user, movie, half / 2) for (user, movie), half in given_stars.items()]
        random.shuffle(rows)
        users, movies = (np.array([row[axis] for row in rows], np.int32) for axis in (0, 1))
        stars = np.array([row[2] for row in rows], np.float32)
        known = {number: Movie(number, f"M{number}", f"M{number}", None, ()) for number in range(51)}
        ratings = movielens._collect(
            Path(), movielens._FORMATS[0], "r", known, users, movies, stars, np.zeros(len(rows))
        )
        expected = {(int(user), movie.id): 0.0 for user in ratings.users for movie in ratings.movies}
        expected |= {(user, movie): star for user, movie, star in rows}
        dense = ratings.matrix.toarray()
        for row, user in enumerate(ratings.users):
            for column, movie in enumerate(ratings.movies):
                assert dense[row, column] == expected[int(user), movie.id]
        assert len(ratings) == len(rows)

    def test_rated_twice_the_later_counts(self, tmp_path: Path) -> None:
        header, *lines = CSV_RATINGS.splitlines()
        earlier, later, same = "7,10,1.0,99", "2,30,3.5,91", "9,30,2.5,60"
        text = "\n".join([header, later, *lines, earlier, same]) + "\n"
        expected = STARS.copy()
        expected[0, 2], expected[2, 2] = 3.5, 2.5
        ratings = load_ratings(csv_release(tmp_path, text))
        np.testing.assert_array_equal(ratings.matrix.toarray(), expected)
        assert len(ratings) == 5

    def test_many_small_chunks_are_as_good_as_one(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(movielens, "_CHUNK", 7)
        np.testing.assert_array_equal(load_ratings(dat_release(tmp_path)).matrix.toarray(), STARS)

    def test_numbers_too_large_for_a_table(self, tmp_path: Path) -> None:
        text = CSV_RATINGS.replace("\n9,", "\n999999999999,")
        ratings = load_ratings(csv_release(tmp_path, text))
        assert ratings.users.tolist() == [2, 7, 999_999_999_999]
        np.testing.assert_array_equal(ratings.matrix.toarray(), STARS)


class TestMalformed:
    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            ("2,10,5.0", "found 3 fields"),
            ("2,10,5.0,80,1", "found 5 fields"),
            ("2;10;5.0;80", "found 1 fields"),
            ("two,10,5.0,80", "whole numbers"),
            ("2,1.5,5.0,80", "whole numbers"),
            (",10,5.0,80", "whole numbers"),
            ("-2,10,5.0,80", "whole numbers"),
            ("2,99999999999999999999,5.0,80", "whole numbers"),
            ("2,10,,80", "stars must be"),
            ("2,10,five,80", "stars must be"),
            ("2,10,0,80", "stars must be"),
            ("2,10,5.5,80", "stars must be"),
            ("2,10,4.7,80", "stars must be"),
            ("2,10,nan,80", "stars must be"),
            ("2,10,inf,80", "stars must be"),
            ('2,10,"5.0",80', "stars must be"),
            ("2,10,5.0,", "whole number of seconds"),
            ("2,10,5.0,1995-01-01", "whole number of seconds"),
            ("\x00,10,5.0,80", "whole numbers"),
        ],
    )
    @pytest.mark.parametrize("chunk", [1 << 25, 20])
    def test_a_bad_rating_is_named_by_its_line(
        self, line: str, reason: str, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(movielens, "_CHUNK", chunk)
        lines = CSV_RATINGS.splitlines()
        lines[3] = line
        lines.insert(1, "")  # a blank line counts, though it holds nothing
        folder = csv_release(tmp_path, "\n".join(lines))
        with pytest.raises(DataError, match=rf"ratings\.csv, line 5: .*{reason}.*; got "):
            load_ratings(folder)

    @pytest.mark.parametrize("good", ["2,10,5,80", "2,10,5.00,80", "2,10,05.0,80", "2,10,.5,80", "2,10,4.50,-80"])
    def test_ways_to_write_a_good_rating(self, good: str, tmp_path: Path) -> None:
        lines = CSV_RATINGS.splitlines()
        lines[3] = good
        stars = load_ratings(csv_release(tmp_path, "\n".join(lines))).matrix.toarray()
        assert stars[0, 0] == float(good.split(",")[2])
        movielens._raise_malformed(tmp_path, 1, good.encode(), b",")  # finds nothing either

    def test_the_right_line_of_other_forms(self, tmp_path: Path) -> None:
        folder = dat_release(tmp_path / "dat")
        text = (folder / "ratings.dat").read_text()
        for bad in ("1,2,3,4", "2::10:5::80", "2::10::6::80"):
            (folder / "ratings.dat").write_text(text + bad + "\n")
            with pytest.raises(DataError, match=r"ratings\.dat, line 6: "):
                load_ratings(folder)
        folder = item_release(tmp_path / "item")
        (folder / "u.data").write_text((folder / "u.data").read_text() + "2 10 5 80\n")
        with pytest.raises(DataError, match=r"u\.data, line 6: expected user, movie, stars and time between '\\t'"):
            load_ratings(folder)

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            ("20,Title", "found 2 fields"),
            ("20,Title, with a comma (1990),Drama", "found 4 fields"),
            ("x,Title (1990),Drama", "must be a whole number, not 'x'"),
            ("20, ,Drama", "title is empty"),
            ('20,"Title (1990),Drama', "unexpected end of data"),
            ("10,Title (1990),Drama", "movie 10 is named a second time"),
        ],
    )
    def test_a_bad_movie_is_named_by_its_line(self, line: str, reason: str, tmp_path: Path) -> None:
        lines = CSV_MOVIES.splitlines()
        lines[2] = line
        with pytest.raises(DataError, match=rf"movies\.csv, line 3: .*{reason}.*; got "):
            load_ratings(csv_release(tmp_path, movies="\n".join(lines)))

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            ("20|Title (1990)|||", "expected 24 fields"),
            (item_line(20, "Title", "Drama").replace("|1|", "|2|"), "flags must be 0 or 1"),
        ],
    )
    def test_a_bad_line_of_u_item(self, line: str, reason: str, tmp_path: Path) -> None:
        folder = item_release(tmp_path)
        lines = (folder / "u.item").read_text("latin-1").splitlines()
        lines[1] = line
        (folder / "u.item").write_text("\n".join(lines))
        with pytest.raises(DataError, match=rf"u\.item, line 2: .*{reason}"):
            load_ratings(folder)

    def test_a_bad_line_of_movies_dat(self, tmp_path: Path) -> None:
        folder = put(tmp_path, ratings_dat="1::1::5::0\n", movies_dat="1::Good (1990)::Drama\n2::Bad\n")
        with pytest.raises(DataError, match=r"movies\.dat, line 2: expected MovieID::Title::Genres, found 2 fields"):
            load_ratings(folder)

    def test_a_csv_that_is_not_utf_8(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"movies\.csv, line 3: not UTF-8"):
            load_ratings(csv_release(tmp_path, movies=CSV_MOVIES.encode("latin-1")))

    def test_another_header(self, tmp_path: Path) -> None:
        text = CSV_RATINGS.replace("userId,movieId", "movieId,userId", 1)
        with pytest.raises(
            DataError, match=r"line 1: the header must be userId,movieId,rating,timestamp; got 'movieId,"
        ):
            load_ratings(csv_release(tmp_path, text))

    def test_a_rated_movie_that_nobody_describes(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(movielens, "_CHUNK", 30)
        lines = CSV_RATINGS.splitlines()
        lines.insert(2, "")
        folder = csv_release(tmp_path, "\n".join([*lines, "7,77,4.0,1", "8,77,4.0,1"]))
        with pytest.raises(DataError, match=r"ratings\.csv, line 8: movie 77 is not in movies\.csv"):
            load_ratings(folder)

    @pytest.mark.parametrize("text", ["userId,movieId,rating,timestamp\n", "userId,movieId,rating,timestamp\n\n\n"])
    def test_no_rating_at_all(self, text: str, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"ratings\.csv holds no rating"):
            load_ratings(csv_release(tmp_path, text))

    def test_an_empty_file(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"ratings\.csv, line 1: the header must be"):
            load_ratings(csv_release(tmp_path, ""))

    def test_a_long_line_is_not_quoted_whole(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"\.\.\.'$") as error:
            load_ratings(csv_release(tmp_path, CSV_RATINGS + "x" * 10_000))
        assert len(str(error.value)) < 400

    def test_ratings_that_do_not_fit_their_movies(self) -> None:
        movies = (Movie(1, "A", "A", None, ()),)
        wide = sp.csr_array(np.ones((1, 2), np.float32))
        with pytest.raises(DataError, match=r"shape \(1, 1\).*got csr_array of shape \(1, 2\)"):
            Ratings(wide, np.array([1]), movies, "r")
        with pytest.raises(DataError, match="got ndarray"):
            Ratings(np.ones((1, 1), np.float32), np.array([1]), movies, "r")
        with pytest.raises(DataError, match="must be float32, got float64"):
            Ratings(sp.csr_array(np.ones((1, 1))), np.array([1]), movies, "r")


class TestWhere:
    def test_a_folder_of_the_releases_name_comes_first(self, tmp_path: Path) -> None:
        csv_release(tmp_path, "userId,movieId,rating,timestamp\n1,10,5.0,1\n")
        assert len(load_ratings(tmp_path)) == 1
        csv_release(tmp_path / "ml-latest-small")
        assert len(load_ratings(tmp_path)) == 5

    def test_the_name_is_the_folders_where_it_is_a_releases(self, tmp_path: Path) -> None:
        assert load_ratings(csv_release(tmp_path / "ml-25m")).release == "ml-25m"
        assert load_ratings(dat_release(tmp_path / "ml-10M100K")).release == "ml-10m"
        assert load_ratings(tmp_path, release="ml-10m").release == "ml-10m"
        assert load_ratings(csv_release(tmp_path / "something")).release == "ml-latest-small"
        assert load_ratings(tmp_path, release="something").release == "something"

    def test_aecore_data_comes_before_the_cache(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        csv_release(tmp_path / "cache" / "ml-latest-small", "userId,movieId,rating,timestamp\n1,10,5.0,1\n")
        assert len(load_ratings()) == 1
        monkeypatch.setenv("AECORE_DATA", str(tmp_path / "own"))
        assert len(load_ratings()) == 1
        csv_release(tmp_path / "own" / "ml-latest-small")
        assert len(load_ratings()) == 5

    def test_a_given_folder_is_the_only_one(self, tmp_path: Path) -> None:
        csv_release(tmp_path / "cache" / "ml-latest-small")
        with pytest.raises(DataError, match=r"elsewhere.*Allow the download of 1 MB, or get it from"):
            load_ratings(tmp_path / "elsewhere", download=False)

    def test_half_a_release_is_none(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"expected ratings\.csv or ratings\.dat or u\.data"):
            load_ratings(put(tmp_path, ratings_csv=CSV_RATINGS), download=False)

    @pytest.mark.parametrize("name", ["../secret", "/etc", "", ".", "ml latest"])
    def test_a_release_is_the_name_of_a_folder(self, name: str, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="a release is the name of a folder"):
            load_ratings(tmp_path, release=name)


def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, release: str, folder: Path, inside: str) -> bytes:
    """Let the server of releases have this one, of the files in a folder."""
    (folder / "README.txt").write_text("for research")
    (folder / "tags.csv").write_text("not needed")
    server = tmp_path / "server"
    server.mkdir(exist_ok=True)
    with zipfile.ZipFile(server / f"{release}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{inside}/", "")
        for path in sorted(folder.iterdir()):
            archive.write(path, f"{inside}/{path.name}")
    content = (server / f"{release}.zip").read_bytes()
    known = movielens._Archive(1, md5=hashlib.md5(content).hexdigest())
    monkeypatch.setitem(movielens._ARCHIVES, release, known)
    return content


class TestDownload:
    @pytest.mark.parametrize(
        ("release", "make", "inside", "files"),
        [
            ("ml-25m", csv_release, "ml-25m", ["README.txt", "movies.csv", "ratings.csv"]),
            ("ml-10m", dat_release, "ml-10M100K", ["README.txt", "movies.dat", "ratings.dat"]),
            ("ml-100k", item_release, "ml-100k", ["README.txt", "u.data", "u.item"]),
        ],
    )
    def test_a_release_is_fetched_once(
        self, release: str, make, inside: str, files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        content = serve(tmp_path, monkeypatch, release, make(tmp_path / "made"), inside)
        steps: list[tuple[int, int | None]] = []
        ratings = load_ratings(release=release, progress=lambda *step: steps.append(step))
        np.testing.assert_array_equal(ratings.matrix.toarray(), STARS)
        assert ratings.release == release
        assert steps[-1] == (len(content), len(content))
        assert os.listdir(tmp_path / "cache") == [release]  # the archive is gone
        assert sorted(os.listdir(tmp_path / "cache" / release)) == files
        (tmp_path / "server" / f"{release}.zip").unlink()
        assert len(load_ratings(release=release)) == 5

    def test_into_the_given_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        serve(tmp_path, monkeypatch, "ml-32m", csv_release(tmp_path / "made"), "ml-32m")
        load_ratings(tmp_path / "mine", release="ml-32m")
        assert os.listdir(tmp_path / "mine" / "ml-32m")
        assert not (tmp_path / "cache").exists()

    def test_another_file_than_the_published_one_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        serve(tmp_path, monkeypatch, "ml-1m", dat_release(tmp_path / "made"), "ml-1m")
        monkeypatch.undo()  # the checksum is GroupLens's again
        monkeypatch.setenv("AECORE_CACHE", str(tmp_path / "cache"))
        monkeypatch.delenv("AECORE_DATA", raising=False)
        monkeypatch.setattr(movielens, "_ADDRESS", (tmp_path / "server").as_uri() + "/")
        with pytest.raises(DataError, match=r"not the expected file .*expected c4d9eecfca2ab87c1945afe126590906"):
            load_ratings(release="ml-1m")
        assert os.listdir(tmp_path / "cache") == []

    @pytest.mark.parametrize("content", [b"no zip at all", b""])
    def test_what_is_no_archive(self, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        put(tmp_path / "server", ml__zip=content)
        (tmp_path / "server" / "ml..zip").rename(tmp_path / "server" / "ml-1m.zip")
        known = movielens._Archive(1, md5=hashlib.md5(content).hexdigest())
        monkeypatch.setitem(movielens._ARCHIVES, "ml-1m", known)
        with pytest.raises(DataError, match=r"ml-1m could not be written: .*zip"):
            load_ratings(release="ml-1m")
        assert os.listdir(tmp_path / "cache") == []

    def test_an_archive_without_ratings(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = put(tmp_path / "made", links_csv="movieId\n")
        serve(tmp_path, monkeypatch, "ml-1m", folder, "ml-1m")
        with pytest.raises(DataError, match="holds no ratings in a form that is known here"):
            load_ratings(release="ml-1m")

    def test_without_a_network_it_says_what_to_do(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"ml-latest-small is not in .*, and .*could not be downloaded") as error:
            load_ratings()
        assert "Check the network" in str(error.value)

    def test_a_release_that_changes_cannot_be_checked(self, tmp_path: Path) -> None:
        with pytest.raises(
            DataError, match=r"ml-latest is not in .*only ml-latest-small, .* can be downloaded: get it"
        ):
            load_ratings(release="ml-latest")

    def test_every_archive_has_one_checksum(self) -> None:
        for archive in movielens._ARCHIVES.values():
            assert [len(sum_) for sum_ in (archive.md5, archive.sha256) if sum_] in ([32], [64])


def test_movies_can_be_known_without_pandas_and_torch() -> None:
    code = (
        "import sys; from aecore.datasets.movielens import parse_title; print(parse_title('Matrix, The (1999)'));"
        "print([name for name in ('torch', 'pandas', 'sklearn') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["('The Matrix', 1999)", "[]"]


@functools.cache
def real() -> Ratings:
    return load_ratings(REAL)


@needs_movielens
class TestReal:
    @pytest.fixture
    def ratings(self) -> Ratings:
        return real()

    def test_as_many_as_its_readme_says(self, ratings: Ratings) -> None:
        assert (len(ratings), ratings.matrix.shape, ratings.release) == (100_836, (610, 9_724), "ml-latest-small")
        assert np.unique(ratings.matrix.data).tolist() == [half / 2 for half in range(1, 11)]
        assert ratings.matrix.data.mean() == pytest.approx(3.5015569, abs=1e-5)

    def test_the_first_and_the_last(self, ratings: Ratings) -> None:
        assert ratings.movies[0].label == "Toy Story (1995)"
        assert ratings.movies[-1].label == "Andrew Dice Clay: Dice Rules (1991)"
        assert ratings.matrix[0, [0, 1, 2]].toarray().tolist() == [4, 0, 4]
        assert ratings.matrix[609, -1] == 0
        assert ratings.users.tolist() == list(range(1, 611))

    def test_most_rated(self, ratings: Ratings) -> None:
        best = ratings.movies[int(ratings.support.argmax())]
        assert (best.label, ratings.support.max()) == ("Forrest Gump (1994)", 329)

    def test_titles(self, ratings: Ratings) -> None:
        by_label = {movie.label: movie for movie in ratings.movies}
        assert {"The Matrix (1999)", "Les Misérables (1998)", "L'Avventura (1960)", "Das Boot (1981)"} <= set(by_label)
        assert "La Haine" in by_label["Hate (1995)"].other_titles
        assert sum(movie.year is None for movie in ratings.movies) == 12
        # Taking the further titles off makes no two movies alike: the five pairs of one label share their stored title.
        assert len({" ".join(movie.stored.split()) for movie in ratings.movies}) == len(by_label) == 9_719
        assert not [movie for movie in ratings.movies if movie.title.endswith((", The", ", A", ", An", ", La", ", Le"))]
