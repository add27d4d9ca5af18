"""Ways to break a workshop's accounts, its web service and its planted faults, and who notices.

A planted fault that is mended is a mutation, too: whoever hunts for it would find nothing.
"""

from __future__ import annotations

from tests.deep.mutating import Mutation

__all__ = ["WORKSHOP"]

ROOM = "labsupport/workshop"
COMMANDS = "tests/commands"
SERVICE = "labsupport/service"
TESTS = "tests/service"

ACCOUNTS = (
    Mutation(
        name="a role of somebody else is removed",
        file=f"{ROOM}/accounts.py",
        old="            if not role.is_ours:\n",
        new="            if False:\n",
        tests=(
            f"{COMMANDS}/test_workshop.py::"
            "test_a_role_that_somebody_else_made_is_left_alone[superuser]",
        ),
    ),
    Mutation(
        name="a role of somebody else becomes a participant's",
        file=f"{ROOM}/accounts.py",
        old="foreign = [name for name in names if name in roles and not roles[name].is_ours]",
        new="foreign: list[str] = []",
        tests=(
            f"{COMMANDS}/test_workshop.py::"
            "test_a_role_that_somebody_else_made_is_left_alone[superuser]",
        ),
    ),
    Mutation(
        name="a database that a participant made is dropped",
        file=f"{ROOM}/accounts.py",
        old="[database for database in owned if not is_of_a_participant(database, name)]",
        new="[]",
        tests=(f"{COMMANDS}/test_workshop.py::test_a_participants_own_database_is_not_dropped",),
    ),
    Mutation(
        name="sessions of a removed participant go on",
        file=f"{ROOM}/accounts.py",
        old="    await _end_sessions(connection, name)\n",
        new="",
        tests=(
            f"{COMMANDS}/test_workshop.py::"
            "test_a_participants_notebook_runs_and_what_it_left_is_removed",
        ),
    ),
    Mutation(
        name="others can read a handed-out password",
        file=f"{ROOM}/handouts.py",
        old="os.O_EXCL, 0o600)",
        new="os.O_EXCL, 0o644)",
        tests=(f"{COMMANDS}/test_workshop.py::test_an_account_for_each_participant[teacher]",),
    ),
    Mutation(
        name="the server is told a password and not its verifier",
        file=f"{ROOM}/accounts.py",
        old="PASSWORD '{scram_verifier(password)}'",
        new="PASSWORD '{password}'",
        tests=(f"{COMMANDS}/test_workshop.py::test_an_account_for_each_participant[teacher]",),
    ),
    Mutation(
        name="a participant may enter every other's database",
        file=f"{ROOM}/accounts.py",
        old="    await connection.execute(f'REVOKE ALL ON DATABASE \"{name}\" FROM PUBLIC')\n",
        new="",
        tests=(f"{COMMANDS}/test_workshop.py::test_an_account_for_each_participant[teacher]",),
    ),
    Mutation(
        name="only a superuser can make accounts",
        file=f"{ROOM}/accounts.py",
        old="if not plan.host.is_superuser:",
        new="if False:",
        tests=(f"{COMMANDS}/test_workshop.py::test_an_account_for_each_participant[teacher]",),
    ),
    Mutation(
        name="a participant has no limit of sessions",
        file=f"{ROOM}/accounts.py",
        old="LOGIN CREATEDB CONNECTION LIMIT {plan.limit}{sets}",
        new="LOGIN CREATEDB{sets}",
        tests=(f"{COMMANDS}/test_workshop.py::test_the_limit_is_enough_for_a_lesson_and_holds",),
    ),
    Mutation(
        name="accounts are made for more than there is room for",
        file=f"{ROOM}/accounts.py",
        old="if not capacity.fits:",
        new="if False:",
        tests=(f"{COMMANDS}/test_workshop.py::test_too_many_are_refused_with_the_sum",),
    ),
    Mutation(
        name="a second call changes every password",
        file=f"{ROOM}/accounts.py",
        old="known = plan.passes.get(name)",
        new="known = None",
        tests=(
            f"{COMMANDS}/test_workshop.py::"
            "test_a_second_call_keeps_what_is_there_and_adds_what_is_missing",
        ),
    ),
    Mutation(
        name="what was solved once is lost by a later file",
        file=f"{ROOM}/gathering.py",
        old='if into.get(task) != "correct":',
        new="if True:",
        tests=(f"{COMMANDS}/test_workshop_progress.py::test_what_was_correct_once_stays_so",),
    ),
)

SHOP = (
    Mutation(
        name="the service is healthy whatever the database says",
        file=f"{SERVICE}/application.py",
        old='200 if found["status"] == "healthy" else 503',
        new="200",
        tests=(f"{TESTS}/test_application.py::test_a_stopped_database_is_503_until_it_is_back",),
    ),
    Mutation(
        name="a client is told what the database said",
        file=f"{SERVICE}/application.py",
        old='JSONResponse({"detail": detail}, status)',
        new='JSONResponse({"detail": said}, status)',
        tests=(f"{TESTS}/test_application.py::test_who_waits_too_long_is_refused_and_counted",),
    ),
    Mutation(
        name="the service does not publish who waits",
        file=f"{SERVICE}/running.py",
        old='"queue_size": "pending_requests",',
        new='"queue_size": "count idle",',
        tests=(
            f"{TESTS}/test_application.py::test_who_waits_and_who_has_a_connection_is_published",
        ),
    ),
    Mutation(
        name="connections seem to be used for a tenth of the time",
        file="labsupport/pooling/metrics.py",
        old='_sum{_labels(attributes)} {value.total}"',
        new='_sum{_labels(attributes)} {value.total / 10}"',
        tests=(f"{TESTS}/test_application.py::test_metrics_count_each_loan_and_its_seconds",),
    ),
    Mutation(
        name="an order is stored without a transaction",
        file=f"{SERVICE}/shop.py",
        old="async with self.pool.acquire() as conn, conn.transaction():",
        new="async with self.pool.acquire() as conn:",
        tests=(f"{TESTS}/test_application.py::test_an_order_that_fails_half_way_is_not_stored",),
    ),
    Mutation(
        name="a client's key is not stored",
        file=f"{SERVICE}/shop.py",
        old="            key,\n",
        new="            None,\n",
        tests=(f"{TESTS}/test_application.py::test_the_same_key_stores_one_order",),
    ),
    Mutation(
        name="the service does not do as its variables say",
        file=f"{SERVICE}/running.py",
        old="**mine, **wished}",
        new="**mine}",
        tests=(f"{TESTS}/test_running.py::test_a_service_is_known_to_the_server_by_its_name",),
    ),
    Mutation(
        name="the service listens to every machine",
        file=f"{SERVICE}/held.py",
        old='door.bind(("127.0.0.1", 0))',
        new='door.bind(("0.0.0.0", 0))',
        tests=(f"{TESTS}/test_running.py::test_it_listens_on_this_machine_only",),
    ),
    Mutation(
        name="variables of the notebook reach the service",
        file=f"{SERVICE}/running.py",
        old='if name[:3] != "DB_"}',
        new="}",
        tests=(f"{TESTS}/test_running.py::test_no_variable_of_the_notebook_reaches_the_service",),
    ),
)

FAULTS = (
    Mutation(
        name="hunt 1 has no fault",
        file=f"{SERVICE}/hunts/guests.py",
        old="            return None\n",
        new="            await self.pool.release(conn)\n            return None\n",
        tests=(
            f"{TESTS}/test_hunts.py::test_a_user_who_does_not_exist_costs_a_connection[hunted]",
        ),
    ),
    Mutation(
        name="hunt 2 has no fault",
        file=f"{SERVICE}/hunts/checking.py",
        old="""\
        async with self.pool.acquire() as conn, conn.transaction():
            if not await self.may_order(user_id):
                return None
""",
        new="""\
        if not await self.may_order(user_id):
            return None
        async with self.pool.acquire() as conn, conn.transaction():
""",
        tests=(f"{TESTS}/test_hunts.py::test_orders_at_once_wait_for_each_other[hunted]",),
    ),
    Mutation(
        name="hunt 3 has no fault",
        file=f"{SERVICE}/hunts/retrying.py",
        old="order_key = key or uuid4().hex",
        new="order_key = key = key or uuid4().hex",
        tests=(
            f"{TESTS}/test_hunts.py::"
            "test_an_order_without_a_key_is_stored_again_after_a_lost_reply[None-hunted]",
        ),
    ),
    Mutation(
        name="hunt 3 stores without any key",
        file=f"{SERVICE}/hunts/retrying.py",
        old="order_key = key or uuid4().hex",
        new="order_key = key",
        tests=(
            f"{TESTS}/test_hunts.py::"
            "test_an_order_without_a_key_is_stored_again_after_a_lost_reply[None-hunted]",
        ),
    ),
    Mutation(
        name="hunt 4 has no fault",
        file=f"{SERVICE}/hunts/watched.py",
        old="SELECT max(id) FROM orders",
        new="SELECT id FROM orders ORDER BY id DESC LIMIT 1 FOR UPDATE",
        tests=(f"{TESTS}/test_hunts.py::test_a_standby_is_called_healthy[hunted]",),
    ),
    Mutation(
        name="the challenge's shop holds nothing while it is paid",
        file=f"{SERVICE}/challenges.py",
        old="""\
        async with self.pool.acquire() as conn, conn.transaction():
            if await self.find_user(conn, user_id) is None:
                return None
            await self.pay(user_id, amount_cents)
""",
        new="""\
        if await self.user(user_id) is None:
            return None
        await self.pay(user_id, amount_cents)
        async with self.pool.acquire() as conn, conn.transaction():
""",
        tests=(
            f"{TESTS}/test_hunts.py::"
            "test_a_connection_is_held_while_somebody_else_is_asked[hunted]",
        ),
    ),
)

WORKSHOP = (*ACCOUNTS, *SHOP, *FAULTS)
