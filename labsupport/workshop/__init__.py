"""A room of people on one server: accounts for them, who is there, and what they have brought.

Reading order: `capacity` (how many fit a server), `naming`, `passwords`, `handouts` (the `.env`
files), `roster` (what the server knows of a workshop), `accounts` (making and removing), `status`,
`gathering` (progress and results of everybody in one place).
"""

from labsupport.workshop.accounts import Account, Removal, create_accounts, remove_accounts
from labsupport.workshop.capacity import Capacity, plan_capacity
from labsupport.workshop.gathering import Gathered, gather
from labsupport.workshop.roster import shared_server
from labsupport.workshop.status import Presence, look_around

__all__ = [
    "Account",
    "Capacity",
    "Gathered",
    "Presence",
    "Removal",
    "create_accounts",
    "gather",
    "look_around",
    "plan_capacity",
    "remove_accounts",
    "shared_server",
]
