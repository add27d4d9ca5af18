"""Make the sample data: `python data/make_data.py` writes the CSV files beside this script.

The seed is fixed, so the files are the same on every machine; a test compares them.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

HERE = Path(__file__).resolve().parent
SEED = 20_240_501
USERS = 10_000
ORDERS = 20_000
FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 500

FIRST_NAMES = (
    *("Ada", "Amira", "Bao", "Bea", "Chidi", "Dara", "Elif", "Emil", "Farid", "Freya"),
    *("Gita", "Hana", "Ilse", "Ivo", "Jonas", "Jun", "Kaya", "Kofi", "Lea", "Luis"),
    *("Maja", "Milo", "Nadia", "Noor", "Olu", "Otto", "Paz", "Petra", "Quinn", "Rosa"),
    *("Sami", "Sven", "Tala", "Theo", "Uma", "Vera", "Wim", "Xenia", "Yara", "Zoë"),
)
LAST_NAMES = (
    *("Abel", "Baker", "Costa", "Dahl", "Eze", "Fischer", "Garcia", "Haas", "Ito", "Jansen"),
    *("Kaur", "Lopez", "Mbeki", "Novak", "Okoye", "Park", "Quist", "Rossi", "Silva", "Tanaka"),
    *("Urban", "Vogel", "Weber", "Xu", "Yilmaz", "Zeman", "Østergaard", "Müller"),
)
HOBBIES = ("chess", "cooking", "cycling", "drawing", "gardening", "hiking", "music", "sailing")
STATUSES = ("new", "paid", "shipped", "returned")


def moment(chance: random.Random) -> str:
    """Return a point in time within the sample's days, to the second, in UTC."""
    return (FIRST_DAY + timedelta(seconds=chance.randrange(DAYS * 86_400))).isoformat()


def users(chance: random.Random) -> Iterable[tuple[object, ...]]:
    """Yield a row a user: id, name, email, created_at."""
    for number in range(1, USERS + 1):
        name = f"{chance.choice(FIRST_NAMES)} {chance.choice(LAST_NAMES)}"
        yield number, name, f"user{number:05d}@example.com", moment(chance)


def profiles(chance: random.Random) -> Iterable[tuple[object, ...]]:
    """Yield a row a user: user_id, bio."""
    for number in range(1, USERS + 1):
        one, other = chance.sample(HOBBIES, 2)
        yield number, f"Likes {one} and {other}."


def orders(chance: random.Random) -> Iterable[tuple[object, ...]]:
    """Yield a row an order: id, user_id, amount_cents, status, created_at."""
    for number in range(1, ORDERS + 1):
        buyer = chance.randint(1, USERS)
        amount = chance.randint(100, 25_000)
        yield number, buyer, amount, chance.choice(STATUSES), moment(chance)


def write(folder: Path) -> None:
    """Write `users.csv`, `profiles.csv` and `orders.csv` into `folder`."""
    tables = {
        "users": (("id", "name", "email", "created_at"), users),
        "profiles": (("user_id", "bio"), profiles),
        "orders": (("id", "user_id", "amount_cents", "status", "created_at"), orders),
    }
    for table, (columns, rows) in tables.items():
        with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(rows(random.Random(f"{SEED} {table}")))


if __name__ == "__main__":
    write(HERE)
