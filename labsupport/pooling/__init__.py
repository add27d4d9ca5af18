"""Connection pooling with asyncpg: the classes of the tutorial. The README says where to begin."""

from .alerts import Alert, AlertRule, Alerts, pool_rules
from .close_report import CloseReport, Unreturned
from .database import PooledDatabase
from .durations import DurationSummary
from .errors import QueryFailed, health_check, is_transient, safe_query_execution, status_of
from .exceptions import (
    NestedAcquire,
    PoolClosed,
    PoolError,
    PoolNotInitialized,
    PoolOverloaded,
    PoolTimeout,
    WrongEventLoop,
)
from .health import ConnectionHealthMonitor
from .leaks import LeakWatch, Loan
from .lifecycle import MEMORY_SETTINGS, AdvancedPoolManager
from .lifetime import MaxLifetime
from .machine import Machine, backend_memory
from .metrics import Metric, pool_metrics, prometheus_text
from .monitoring import PoolPerformanceMonitor, recommendations
from .observers import PoolObserver
from .pool import DatabasePool
from .queueing import erlang_b, erlang_c, mean_wait, wait_percentile
from .retrying import ReplyLost, backoff_seconds
from .session import SESSION_SETTINGS
from .settings import DatabaseSettings, PoolArguments
from .sizing import (
    PoolPlan,
    ServerBudget,
    Workload,
    calculate_optimal_pool_size,
    plan_pool,
)

__all__ = [
    "MEMORY_SETTINGS",
    "SESSION_SETTINGS",
    "AdvancedPoolManager",
    "Alert",
    "AlertRule",
    "Alerts",
    "CloseReport",
    "ConnectionHealthMonitor",
    "DatabasePool",
    "DatabaseSettings",
    "DurationSummary",
    "LeakWatch",
    "Loan",
    "Machine",
    "MaxLifetime",
    "Metric",
    "NestedAcquire",
    "PoolArguments",
    "PoolClosed",
    "PoolError",
    "PoolNotInitialized",
    "PoolObserver",
    "PoolOverloaded",
    "PoolPerformanceMonitor",
    "PoolPlan",
    "PoolTimeout",
    "PooledDatabase",
    "QueryFailed",
    "ReplyLost",
    "ServerBudget",
    "Unreturned",
    "Workload",
    "WrongEventLoop",
    "backend_memory",
    "backoff_seconds",
    "calculate_optimal_pool_size",
    "erlang_b",
    "erlang_c",
    "health_check",
    "is_transient",
    "mean_wait",
    "plan_pool",
    "pool_metrics",
    "pool_rules",
    "prometheus_text",
    "recommendations",
    "safe_query_execution",
    "status_of",
    "wait_percentile",
]
