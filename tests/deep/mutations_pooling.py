"""Ways to break the pool classes, and the tests that have to notice each."""

from __future__ import annotations

from tests.deep.mutating import Mutation

__all__ = ["POOLING"]

ROOM = "labsupport/pooling"
TESTS = "tests/pooling"

POOL = (
    Mutation(
        name="settings of the session are made in init",
        file=f"{ROOM}/pool.py",
        old="""\
                server_settings=session_settings(server_settings),  # These survive a release.
                ssl=ssl,
                connect=timed_connect(self.times.create, self._lent.opened, init, connect_timeout),
""",
        new="""\
                ssl=ssl,
                init=lambda conn: conn.execute(
                    "".join(f"SET {k}='{v}';" for k, v in session_settings(server_settings).items())
                ),
                connect=timed_connect(self.times.create, self._lent.opened, init, connect_timeout),
""",
        tests=(f"{TESTS}/test_pool.py::test_settings_survive_release[on 18]",),
        cells=("notebooks/03_create_a_pool.ipynb::03-30",),
    ),
    Mutation(
        name="acquire has no deadline",
        file=f"{ROOM}/pool.py",
        old="seconds = self._limits.acquire_timeout if timeout is None else timeout",
        new="seconds = timeout",
        tests=(
            f"{TESTS}/test_pool.py::"
            "test_waiting_ends_at_the_deadline_and_the_error_tells_the_state",
        ),
        cells=("notebooks/03_create_a_pool.ipynb::03-14",),
    ),
    Mutation(
        name="waiters are not counted",
        file=f"{ROOM}/waiting.py",
        old="                self._limits.add(limit)\n",
        new="",
        tests=(
            f"{TESTS}/test_pool.py::test_waiters_are_counted_and_free_connections_are_not_waiters",
        ),
        cells=("notebooks/03_create_a_pool.ipynb::03-25",),
    ),
    Mutation(
        name="free connections are counted as waiters",
        file=f"{ROOM}/stats.py",
        old='"queue_size": waiting,',
        new='"queue_size": idle,',
        tests=(
            f"{TESTS}/test_pool.py::test_waiters_are_counted_and_free_connections_are_not_waiters",
        ),
    ),
    Mutation(
        name="idle and in use are exchanged",
        file=f"{ROOM}/stats.py",
        old='"idle_count": idle,',
        new='"idle_count": size - idle,',
        tests=(
            f"{TESTS}/test_pool.py::test_waiters_are_counted_and_free_connections_are_not_waiters",
        ),
        cells=("notebooks/03_create_a_pool.ipynb::03-07",),
    ),
    Mutation(
        name="open connections count as in use",
        file=f"{ROOM}/stats.py",
        old='"acquired_count": min(max_size, max(lent, size - idle)),',
        new='"acquired_count": size,',
        tests=(f"{TESTS}/test_pool.py::test_a_connection_can_be_borrowed_in_both_ways[on 18]",),
    ),
    Mutation(
        name="timeouts are not counted",
        file=f"{ROOM}/pool.py",
        old="        self.timeouts += 1\n",
        new="",
        tests=(
            f"{TESTS}/test_pool.py::"
            "test_waiting_ends_at_the_deadline_and_the_error_tells_the_state",
        ),
    ),
    Mutation(
        name="the wait time is that of the holding",
        file=f"{ROOM}/pool.py",
        old="self.times.wait.record(monotonic() - asked_at)",
        new="self.times.use.record(monotonic() - asked_at)",
        tests=(f"{TESTS}/test_pool.py::test_sizes_and_times_are_honest",),
    ),
    Mutation(
        name="the number of waiters has no limit",
        file=f"{ROOM}/pool.py",
        old="if self._limits.max_waiting is not None:\n",
        new="if False:\n",
        tests=(
            f"{TESTS}/test_pool.py::"
            "test_max_waiting_refuses_at_once_and_lets_free_connections_be_used",
        ),
    ),
    Mutation(
        name="a cancellation between having a connection and noting it loses it",
        file=f"{ROOM}/pool.py",
        old="        self.times.wait.record(",
        new="        await asyncio.sleep(0.002)\n        self.times.wait.record(",
        tests=(f"{TESTS}/test_pool.py::test_wherever_it_is_cancelled_the_connection_comes_back",),
    ),
    Mutation(
        name="a release can be cancelled in the middle",
        file=f"{ROOM}/pool.py",
        old="        await self._lent.give_back_to(",
        new="        await asyncio.sleep(0.002)\n        await self._lent.give_back_to(",
        tests=(f"{TESTS}/test_pool.py::test_wherever_it_is_cancelled_the_connection_comes_back",),
        cells=("notebooks/04_borrow_and_return.ipynb::04-13",),
    ),
    Mutation(
        name="a release waits for a frozen backend",
        file=f"{ROOM}/lending.py",
        old="await pool.release(conn, timeout=timeout)",
        new="await pool.release(conn)",
        tests=(
            f"{TESTS}/test_pool.py::"
            "test_a_frozen_backend_does_not_hold_its_releaser_and_the_work_stays_done",
        ),
    ),
    Mutation(
        name="connecting has no limit",
        file=f"{ROOM}/connecting.py",
        old='**{**options, "timeout": limit})',
        new="**options)",
        tests=(
            f"{TESTS}/test_pool.py::test_connecting_to_what_never_answers_ends_at_connect_timeout",
        ),
    ),
    Mutation(
        name="max_queries is not passed on",
        file=f"{ROOM}/pool.py",
        old="                max_queries=max_queries,\n",
        new="",
        tests=(f"{TESTS}/test_pool.py::test_a_connection_is_replaced_after_max_queries",),
    ),
    Mutation(
        name="the idle timeout is not passed on",
        file=f"{ROOM}/pool.py",
        old="                max_inactive_connection_lifetime=max_inactive_connection_lifetime,\n",
        new="",
        tests=(
            f"{TESTS}/test_pool.py::"
            "test_an_idle_connection_above_the_minimum_ends_after_its_time_and_the_minimum_stays",
        ),
    ),
    Mutation(
        name="a broken connection that is still held takes a place",
        file=f"{ROOM}/waiting.py",
        old="wanted = places_taken(stats) + stats",
        new="wanted = stats['acquired_count'] + stats",
        tests=(
            f"{TESTS}/test_pool.py::"
            "test_broken_connections_that_are_still_held_take_no_place_from_others",
        ),
    ),
    Mutation(
        name="close has no limit",
        file=f"{ROOM}/closing.py",
        old="async with asyncio.timeout(timeout):",
        new="async with asyncio.timeout(None):",
        tests=(
            f"{TESTS}/test_close.py::"
            "test_a_leaked_connection_is_terminated_and_reported_with_its_borrower",
            f"{TESTS}/test_close.py::test_close_is_bounded_when_the_server_does_not_answer",
        ),
    ),
    Mutation(
        name="close terminates what is lent out at once",
        file=f"{ROOM}/closing.py",
        old="""\
            while waiting or lent:
                await asyncio.sleep(LOOK_EVERY)
            await pool.close()
""",
        new="            pool.terminate()\n",
        tests=(f"{TESTS}/test_close.py::test_close_waits_for_what_is_lent_out",),
    ),
    Mutation(
        name="close lets waiters wait",
        file=f"{ROOM}/waiting.py",
        old="                limit.reschedule(0)\n",
        new="                pass\n",
        tests=(f"{TESTS}/test_close.py::test_waiters_are_told_that_the_pool_is_closed",),
    ),
    Mutation(
        name="close reports no leak",
        file=f"{ROOM}/closing.py",
        old="return CloseReport(monotonic() - started, refused, left, graceful)",
        new="return CloseReport(monotonic() - started, refused, (), graceful)",
        tests=(
            f"{TESTS}/test_close.py::"
            "test_a_leaked_connection_is_terminated_and_reported_with_its_borrower",
        ),
    ),
    Mutation(
        name="another event loop may use the pool",
        file=f"{ROOM}/state.py",
        old="return None if asyncio.get_running_loop() is self._loop else WrongEventLoop()",
        new="return None",
        tests=(f"{TESTS}/test_pool.py::test_another_event_loop_is_told_so",),
    ),
)

BESIDE_THE_POOL = (
    Mutation(
        name="nested acquires are not refused",
        file=f"{ROOM}/database.py",
        old="if task is None or task in self._holding:",
        new="if task is None:",
        tests=(
            f"{TESTS}/test_database.py::test_nested_use_is_refused_at_once_instead_of_deadlocking",
        ),
        cells=("notebooks/04_borrow_and_return.ipynb::04-42",),
    ),
    Mutation(
        name="a transaction is none",
        file=f"{ROOM}/database.py",
        old="async with self.connection() as conn, conn.transaction():",
        new="async with self.connection() as conn:",
        tests=(f"{TESTS}/test_database.py::test_a_failed_transaction_leaves_nothing",),
        cells=("notebooks/04_borrow_and_return.ipynb::04-24",),
    ),
    Mutation(
        name="errors of the caller are called errors of the database",
        file=f"{ROOM}/database.py",
        old="                yield conn\n",
        new="                with _logging_errors('a query'):\n                    yield conn\n",
        tests=(
            f"{TESTS}/test_database.py::"
            "test_errors_of_the_callers_own_are_not_blamed_on_the_database",
        ),
    ),
    Mutation(
        name="the maximum lifetime is ignored",
        file=f"{ROOM}/lifetime.py",
        old="if end is None or self._clock() < end:",
        new="if True:",
        tests=(
            f"{TESTS}/test_lifetime.py::"
            "test_a_connection_that_grew_old_while_idle_is_not_lent_any_more",
            f"{TESTS}/test_lifetime.py::"
            "test_a_connection_is_not_renewed_while_it_is_lent_out_but_when_it_is_back",
        ),
        cells=("notebooks/02_watch_a_pool_work.ipynb::02-29",),
    ),
    Mutation(
        name="all lifetimes end at the same time",
        file=f"{ROOM}/lifetime.py",
        old="self.seconds * (1 - self.jitter * self._fraction())",
        new="self.seconds",
        tests=(f"{TESTS}/test_lifetime.py::test_jitter_makes_connections_end_at_different_times",),
        cells=("notebooks/02_watch_a_pool_work.ipynb::02-29",),
    ),
    Mutation(
        name="a leak is not reported",
        file=f"{ROOM}/leaks.py",
        old="call_later(self._after, self._is_late, conn)",
        new="call_later(self._after * 1e6, self._is_late, conn)",
        tests=(
            f"{TESTS}/test_leaks.py::"
            "test_a_late_connection_is_reported_with_borrower_and_place_and_so_is_its_return",
        ),
    ),
    Mutation(
        name="a leak's place is inside the pool",
        file=f"{ROOM}/leaks.py",
        old="if not file.startswith(NOT_THE_BORROWER):",
        new="if True:",
        tests=(f"{TESTS}/test_leaks.py::test_the_place_is_the_callers_also_behind_other_layers",),
    ),
)

HEALTH = (
    Mutation(
        name="a health check has no limit",
        file=f"{ROOM}/health.py",
        old="async with asyncio.timeout_at(deadline):",
        new="async with asyncio.timeout_at(None):",
        tests=(f"{TESTS}/test_health.py::test_a_frozen_backend_is_no_answer_and_is_replaced",),
        cells=("notebooks/05_check_a_pools_health.ipynb::05-11b",),
    ),
    Mutation(
        name="a health check waits for a connection as long as it takes",
        file=f"{ROOM}/health.py",
        old="conn = await self.pool.acquire(timeout=self.timeout)",
        new="conn = await self.pool.acquire(timeout=3600)",
        tests=(
            f"{TESTS}/test_health.py::"
            "test_an_exhausted_pool_is_said_to_be_exhausted_and_recovery_leaves_nothing_behind",
        ),
    ),
    Mutation(
        name="an old status is believed",
        file=f"{ROOM}/health.py",
        old='if status["status"] != "unknown" and age > 2 * self.check_interval + self.timeout:',
        new="if False:",
        tests=(f"{TESTS}/test_health.py::test_an_old_answer_does_not_count",),
        cells=("notebooks/05_check_a_pools_health.ipynb::05-35",),
    ),
    Mutation(
        name="before the first check all is well",
        file=f"{ROOM}/health.py",
        old='self._status = _unknown("not checked", "No check has finished yet.")',
        new='self._status = {"status": "healthy", "reason": "ok", "last_check": time.time()}',
        tests=(
            f"{TESTS}/test_health.py::test_before_the_first_check_it_is_not_healthy_and_says_why",
        ),
    ),
    Mutation(
        name="a standby is healthy",
        file=f"{ROOM}/health.py",
        old="if takes_writes or not self.needs_writes:",
        new="if True:",
        tests=(f"{TESTS}/test_health.py::test_a_session_that_takes_no_writes_is_not_healthy",),
        cells=("notebooks/05_check_a_pools_health.ipynb::05-19",),
    ),
    Mutation(
        name="stopping a monitor only sets a flag",
        file=f"{ROOM}/repeating.py",
        old="""\
        self._task = None
        task.cancel()
        _, left = await asyncio.wait([task], timeout=STOP_LIMIT)
""",
        new="        left = False\n",
        tests=(
            f"{TESTS}/test_health.py::test_a_second_start_makes_no_second_task",
            f"{TESTS}/test_health.py::test_it_checks_again_and_again",
        ),
    ),
    Mutation(
        name="a monitor whose check swallows the cancellation goes on",
        file=f"{ROOM}/repeating.py",
        old="if self._task is not asyncio.current_task():",
        new="if False:",
        tests=(
            f"{TESTS}/test_repeating.py::"
            "test_work_that_swallows_the_cancellation_is_not_done_again",
        ),
    ),
    Mutation(
        name="a second start starts a second monitor",
        file=f"{ROOM}/repeating.py",
        old="if not self.is_running:",
        new="if True:",
        tests=(f"{TESTS}/test_health.py::test_a_second_start_makes_no_second_task",),
    ),
    Mutation(
        name="a health check in one call has no limit",
        file=f"{ROOM}/errors.py",
        old="""\
                async with asyncio.timeout_at(deadline):
                    await conn.execute("SELECT 1")
""",
        new="""\
                async with asyncio.timeout_at(None):
                    await conn.execute("SELECT 1")
""",
        tests=(
            f"{TESTS}/test_errors.py::"
            "test_a_frozen_backend_does_not_hang_the_health_check[on 18-DatabasePool]",
        ),
    ),
    Mutation(
        name="a mistake in the program is a sick database",
        file=f"{ROOM}/errors.py",
        old="    except DATABASE_ERRORS as error:\n        return {",
        new="    except Exception as error:\n        return {",
        tests=(
            f"{TESTS}/test_errors.py::"
            "test_a_mistake_in_the_program_is_not_reported_as_a_sick_database",
        ),
    ),
)

SETTINGS = (
    Mutation(
        name="a profile asks for more than the server has",
        file=f"{ROOM}/settings.py",
        old="""\
        most = min(profile["pool_max_size"], server.per_process())
        settings = cls(**{**profile, "pool_max_size": most, "pool_min_size": 0, **given})
        check_share(settings.pool_max_size, server)
""",
        new="""\
        settings = cls(**{**profile, "pool_min_size": 0, **given})
""",
        tests=(f"{TESTS}/test_settings.py::test_profiles_never_exceed_the_server",),
        cells=("notebooks/06_configure_from_the_environment.ipynb::06-42",),
    ),
    Mutation(
        name="a size beyond the server is accepted",
        file=f"{ROOM}/profiles.py",
        old="if max_size > share:",
        new="if False:",
        tests=(
            f"{TESTS}/test_settings.py::test_a_size_beyond_the_server_is_refused_in_a_sentence",
        ),
    ),
    Mutation(
        name="the password stands in the connection string as it is",
        file=f"{ROOM}/settings.py",
        old='who += ":" + quote(self.password.get_secret_value(), safe="")',
        new='who += ":" + self.password.get_secret_value()',
        tests=(f"{TESTS}/test_settings.py::test_any_password_logs_in_with_asyncpg_and_psql",),
        cells=("notebooks/06_configure_from_the_environment.ipynb::06-22",),
    ),
    Mutation(
        name="a printed dictionary of arguments shows the password",
        file=f"{ROOM}/settings.py",
        old='return repr({**self, "password": "********"} if "password" in self else dict(self))',
        new="return repr(dict(self))",
        tests=(f"{TESTS}/test_settings.py::test_no_password_is_shown",),
        cells=("notebooks/06_configure_from_the_environment.ipynb::06-24",),
    ),
    Mutation(
        name="the file wins over the environment",
        file=f"{ROOM}/variables.py",
        old="values = {**(_written(env_file) if env_file else {}), **environ}",
        new="values = {**environ, **(_written(env_file) if env_file else {})}",
        tests=(
            f"{TESTS}/test_settings.py::"
            "test_an_argument_wins_over_the_environment_and_that_over_the_file",
        ),
        cells=("notebooks/06_configure_from_the_environment.ipynb::06-09",),
    ),
    Mutation(
        name="verify-full does not look at the server's name",
        file=f"{ROOM}/tls.py",
        old='context.check_hostname = self.mode == "verify-full"',
        new="context.check_hostname = False",
        tests=(f"{TESTS}/test_settings_tls.py::test_a_tls_mode_verifies_what_it_says",),
    ),
    Mutation(
        name="a minimum above the maximum is accepted",
        file=f"{ROOM}/settings.py",
        old="if self.pool_min_size > self.pool_max_size:",
        new="if False:",
        tests=(f"{TESTS}/test_settings.py::test_sizes_are_checked_whatever_their_order",),
    ),
)

LIFECYCLE = (
    Mutation(
        name="everything is retried",
        file=f"{ROOM}/lifecycle.py",
        old="if retry == max_retries or not again or now() + wait >= deadline:",
        new="if retry == max_retries or now() + wait >= deadline:",
        tests=(f"{TESTS}/test_lifecycle_retry.py::test_a_mistake_is_raised_at_once",),
        cells=("notebooks/07_live_through_faults.ipynb::07-37",),
    ),
    Mutation(
        name="nothing is retried",
        file=f"{ROOM}/lifecycle.py",
        old="if retry == max_retries or not again or now() + wait >= deadline:",
        new="if True:",
        tests=(
            f"{TESTS}/test_lifecycle_retry.py::"
            "test_a_backend_killed_in_the_middle_of_a_read_goes_unnoticed",
        ),
    ),
    Mutation(
        name="a write whose reply was lost is repeated",
        file=f"{ROOM}/lifecycle.py",
        old="read_only = lost is not None and not idempotent",
        new="read_only = False",
        tests=(f"{TESTS}/test_lifecycle_retry.py::test_a_lost_reply_does_not_store_twice",),
        cells=("notebooks/07_live_through_faults.ipynb::07-42",),
    ),
    Mutation(
        name="retries have no deadline",
        file=f"{ROOM}/lifecycle.py",
        old="deadline = now() + timeout",
        new="deadline = now() + 3600",
        tests=(f"{TESTS}/test_lifecycle_retry.py::test_a_query_is_ended_at_the_deadline",),
    ),
    Mutation(
        name="a retried call waits for a connection beyond its deadline",
        file=f"{ROOM}/lifecycle.py",
        old="timeout=max(0.0, deadline - now())",
        new="timeout=1 + deadline - now()",
        tests=(
            f"{TESTS}/test_lifecycle_retry.py::"
            "test_an_exhausted_pool_is_one_error_and_no_transient_one",
        ),
    ),
    Mutation(
        name="a statement that never got a connection is not counted",
        file=f"{ROOM}/lifecycle.py",
        old="if conn is None:  # A statement",
        new="if False:  # A statement",
        tests=(
            f"{TESTS}/test_lifecycle_retry.py::"
            "test_an_exhausted_pool_is_one_error_and_no_transient_one",
        ),
    ),
    Mutation(
        name="retries follow one another without a pause",
        file=f"{ROOM}/retrying.py",
        old="return limit * (1 + fraction()) / 2",
        new="return 0.0",
        tests=(
            f"{TESTS}/test_retrying.py::test_the_wait_doubles_up_to_a_limit",
            f"{TESTS}/test_lifecycle_retry.py::test_the_waits_between_tries_grow",
        ),
    ),
    Mutation(
        name="an expired limit is transient",
        file=f"{ROOM}/errors.py",
        old="return error.errno is not None",
        new="return True",
        tests=(
            f"{TESTS}/test_errors.py::test_errors_of_the_network_are_transient_and_refusals_are_not",
        ),
    ),
    Mutation(
        name="every trouble is answered with 500",
        file=f"{ROOM}/errors.py",
        old="if isinstance(error, TEMPORARY) or is_transient(error) or _pool_is_closed(error):",
        new="if False:",
        tests=(
            f"{TESTS}/test_errors.py::"
            "test_an_exhausted_pool_is_answered_in_time[on 18-DatabasePool]",
        ),
    ),
    Mutation(
        name="a write whose reply was lost is called undone",
        file=f"{ROOM}/errors.py",
        old="is_lost = conn is not None and _may_be_done(query, error)",
        new="is_lost = False",
        tests=(
            f"{TESTS}/test_safe_query.py::"
            "test_a_stored_write_whose_reply_was_lost_is_not_called_undone",
        ),
    ),
    Mutation(
        name="a query that took too long runs on",
        file=f"{ROOM}/errors.py",
        old='await conn.execute("SELECT 1", timeout=END_LIMIT)',
        new="conn.terminate()",
        tests=(f"{TESTS}/test_errors.py::test_a_query_is_ended_at_the_limit[on 18-DatabasePool]",),
    ),
    Mutation(
        name="a release cleans nothing",
        file=f"{ROOM}/lifecycle.py",
        old="        await conn.execute(conn.get_reset_query())\n",
        new="",
        tests=(f"{TESTS}/test_lifecycle.py::test_settings_of_the_session_survive_release",),
    ),
    Mutation(
        name="cleaning counts as a statement",
        file=f"{ROOM}/lifecycle.py",
        old="if record.query != cleaning and (failed or not is_transaction_control(record.query)):",
        new="if failed or not is_transaction_control(record.query):",
        tests=(
            f"{TESTS}/test_lifecycle.py::test_the_error_rate_is_failed_statements_over_statements",
        ),
    ),
    Mutation(
        name="health checks go on after the shutdown",
        file=f"{ROOM}/lifecycle.py",
        old="""\
        await self.health_monitor.stop_monitoring()
        report = await self.pool.close(timeout)
        await self.health_monitor.stop_monitoring()  # `initialize_pool` may have just started it.
""",
        new="        report = await self.pool.close(timeout)\n",
        tests=(
            f"{TESTS}/test_lifecycle.py::"
            "test_shutdown_of_a_pool_at_rest_is_graceful_and_ends_every_task",
        ),
    ),
    Mutation(
        name="health checks go on after a shutdown while the pool opens",
        file=f"{ROOM}/lifecycle.py",
        old="await self.health_monitor.stop_monitoring()  # `init",
        new="pass  # `init",
        tests=(
            f"{TESTS}/test_lifecycle.py::"
            "test_shutdown_during_initialize_ends_the_health_checks_too",
        ),
    ),
    Mutation(
        name="a statement that loses its connection is no error",
        file=f"{ROOM}/loans.py",
        old="            self._on_lost()\n",
        new="            pass\n",
        tests=(f"{TESTS}/test_lifecycle.py::test_a_lost_connection_is_one_failed_statement",),
    ),
    Mutation(
        name="a procedure that may have committed is repeated",
        file=f"{ROOM}/lifecycle.py",
        old="if conn is not None and not idempotent and may_commit_midway(query):",
        new="if False:",
        tests=(f"{TESTS}/test_lifecycle_retry.py::test_what_may_commit_midway_is_not_repeated",),
    ),
)

NUMBERS = (
    Mutation(
        name="the quick size ignores the utilization",
        file=f"{ROOM}/sizing.py",
        old="math.ceil(in_use / target_utilization - ROUNDING)",
        new="math.ceil(in_use - ROUNDING)",
        tests=(f"{TESTS}/test_sizing.py::test_the_quick_answer_follows_littles_law",),
    ),
    Mutation(
        name="a plan forgets the other processes",
        file=f"{ROOM}/workload.py",
        old="share = int((self.max_connections - self.reserved) // self.processes)",
        new="share = self.max_connections - self.reserved",
        tests=(f"{TESTS}/test_sizing.py::test_a_plan_never_exceeds_a_limit",),
    ),
    Mutation(
        name="a plan forgets the deadlock floor",
        file=f"{ROOM}/sizing.py",
        old="size = max(needed or most, floor)",
        new="size = needed or most",
        tests=(f"{TESTS}/test_sizing.py::test_a_plan_never_exceeds_a_limit",),
    ),
    Mutation(
        name="who has to wait is worked out as if nobody might",
        file=f"{ROOM}/queueing.py",
        old="return blocked / (1 - load / connections * (1 - blocked))",
        new="return blocked",
        tests=(f"{TESTS}/test_queueing.py::test_erlang_c_agrees_with_small_cases",),
        cells=("notebooks/08_size_a_pool.ipynb::08-18",),
    ),
    Mutation(
        name="the wait does not know how hold times vary",
        file=f"{ROOM}/queueing.py",
        old="return (arrival_cv2 + hold_cv2) / 2 / (connections / hold_time - arrival_rate)",
        new="return 1 / (connections / hold_time - arrival_rate)",
        tests=(
            f"{TESTS}/test_queueing.py::"
            "test_equal_hold_times_wait_half_as_long_as_exponential_ones",
        ),
    ),
    Mutation(
        name="buckets count their own durations only",
        file=f"{ROOM}/metrics.py",
        old="up_to = itertools.accumulate(value.counts)",
        new="up_to = iter(value.counts)",
        tests=(f"{TESTS}/test_metrics.py::test_buckets_count_all_durations_up_to_their_bound",),
    ),
    Mutation(
        name="idle and used are exchanged in the metrics",
        file=f"{ROOM}/metrics.py",
        old='({**mine, STATE: "idle"}, stats["idle_count"]),',
        new='({**mine, STATE: "idle"}, stats["acquired_count"]),',
        tests=(f"{TESTS}/test_metrics.py::test_a_prometheus_client_reads_what_the_pool_does",),
        cells=("notebooks/10_put_it_into_a_service.ipynb::10-40",),
    ),
    Mutation(
        name="an alert clears where it fires",
        file=f"{ROOM}/alerts.py",
        old="wanted = value > (rule.clears_at if fires else rule.fires_above)",
        new="wanted = value > rule.fires_above",
        tests=(f"{TESTS}/test_alerts.py::test_a_number_that_swings_about_one_bound_rings_once",),
    ),
    Mutation(
        name="an alert fires at once",
        file=f"{ROOM}/alerts.py",
        old="if now - self._contrary_since.setdefault(rule.name, now) < rule.for_seconds:",
        new="if now - self._contrary_since.setdefault(rule.name, now) < 0:",
        tests=(
            f"{TESTS}/test_alerts.py::test_it_fires_only_after_its_time_and_a_pause_starts_it_anew",
        ),
    ),
    Mutation(
        name="a leaking pool is advised to grow",
        file=f"{ROOM}/monitoring.py",
        old='if pool["held_too_long"]:',
        new="if False:",
        tests=(f"{TESTS}/test_monitoring.py::test_a_leaking_pool_is_not_advised_to_grow",),
        cells=("notebooks/09_monitor_a_pool.ipynb::09-28",),
    ),
    Mutation(
        name="collecting holds up the event loop",
        file=f"{ROOM}/monitoring.py",
        old="await asyncio.to_thread(backend_memory, pids)",
        new="(time.sleep(0.5), backend_memory(pids))[1]",
        tests=(f"{TESTS}/test_monitoring.py::test_collecting_does_not_hold_up_the_event_loop",),
    ),
    Mutation(
        name="the history has no bound",
        file=f"{ROOM}/monitoring.py",
        old="        del self.metrics_history[:-KEPT]\n",
        new="",
        tests=(f"{TESTS}/test_monitoring.py::test_the_history_is_bounded_and_the_newest_stay",),
    ),
    Mutation(
        name="a backend's memory counts what all share",
        file=f"{ROOM}/machine.py",
        old='"uss_bytes": sum(memory.uss for memory in found),',
        new='"uss_bytes": sum(memory.rss for memory in found),',
        tests=(f"{TESTS}/test_monitoring.py::test_a_backends_memory_leaves_out_what_all_share",),
    ),
)

POOLING = (*POOL, *BESIDE_THE_POOL, *HEALTH, *SETTINGS, *LIFECYCLE, *NUMBERS)
