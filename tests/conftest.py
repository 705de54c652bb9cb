"""What every test has: databases, a browser, a closed network, and two lengths of Hypothesis.

The fixtures themselves are in tests/rig. Fixtures that know the application belong in the conftest.py of the
folder that needs them.
"""

from hypothesis import HealthCheck, settings

pytest_plugins = [
    "tests.rig.databases",
    "tests.rig.browser",
    "tests.rig.hashes",
    "tests.rig.language",
    "tests.rig.network",
    "tests.rig.statements",
    "tests.rig.told",
    "tests.rig.town",
]

# Examples are never timed: a busy machine would fail a test that is right.
settings.register_profile("short", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("long", parent=settings.get_profile("short"), max_examples=5_000)
settings.load_profile("short")
