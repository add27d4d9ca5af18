"""The tests of the lab, and the guard under which its notebooks are run."""
