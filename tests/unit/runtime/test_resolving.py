"""What is done with requirements before uv sees them."""

from tholos.detect.model import Requirements
from tholos.runtime.resolving import without_constraints


def test_constraints_are_taken_out_and_line_numbers_stay():
    """A ``-c`` line whose file came along becomes constraints; an error in line 3 is still one in line 3."""
    needs = Requirements(
        "requirements.txt",
        "flask\n-c pins/limits.txt\nclick\n",
        "listed",
        support={"pins/limits.txt": "click<8.2\n"},
    )
    assert without_constraints(needs) == ("flask\n\nclick\n", "click<8.2\n")


def test_a_constraint_file_that_did_not_come_along_stays_a_line():
    """Whoever reads the requirements next refuses it by its number."""
    needs = Requirements("requirements.txt", "-c elsewhere.txt\nflask\n", "listed")
    assert without_constraints(needs) == ("-c elsewhere.txt\nflask\n", "")
