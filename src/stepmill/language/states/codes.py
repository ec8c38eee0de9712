"""Every code that a check of a state machine can report: how bad, what it means, how to mend it.

The first ones are AWS's own: ``ValidateStateMachineDefinition`` answers with them. The others are Stepmill's,
and warn of what AWS takes. ``docs/reference/state-machine-findings.md`` lists the same table; a test holds
the two equal.

Source: Step Functions API reference, ValidateStateMachineDefinitionDiagnostic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from stepmill.core.findings import Severity


class Code(StrEnum):
    """Stable name of a kind of finding."""

    INVALID_JSON_DESCRIPTION = "INVALID_JSON_DESCRIPTION"
    MISSING_DESCRIPTION = "MISSING_DESCRIPTION"
    SCHEMA_VALIDATION_FAILED = "SCHEMA_VALIDATION_FAILED"
    INVALID_JSONATA_EXPRESSION = "INVALID_JSONATA_EXPRESSION"
    UNSUPPORTED_JSONATA_EXPRESSION = "UNSUPPORTED_JSONATA_EXPRESSION"
    MISSING_TRANSITION_TARGET = "MISSING_TRANSITION_TARGET"
    MISSING_END_STATE = "MISSING_END_STATE"
    DUPLICATE_STATE_NAME = "DUPLICATE_STATE_NAME"
    INVALID_STATE_NAME = "INVALID_STATE_NAME"
    DUPLICATE_LABEL_NAME = "DUPLICATE_LABEL_NAME"
    RESERVED_VARIABLE_NAME = "RESERVED_VARIABLE_NAME"
    INVALID_VARIABLE_NAME = "INVALID_VARIABLE_NAME"
    INVALID_LABEL_NAME = "INVALID_LABEL_NAME"
    NO_DOLLAR = "NO_DOLLAR"
    NO_PATH = "NO_PATH"
    PASS_RESULT_IS_STATIC = "PASS_RESULT_IS_STATIC"  # noqa: S105 - no password
    TOO_MANY_FINDINGS = "TOO_MANY_FINDINGS"
    NEVER_PRODUCED = "NEVER_PRODUCED"
    UNKNOWN_VARIABLE = "UNKNOWN_VARIABLE"
    UNCAUGHT_FAILURE = "UNCAUGHT_FAILURE"
    UNHEARD_FAILURE = "UNHEARD_FAILURE"
    FAILURE_ENDS_AS_SUCCESS = "FAILURE_ENDS_AS_SUCCESS"
    HYPERPARAMETER_NOT_TEXT = "HYPERPARAMETER_NOT_TEXT"
    UNKNOWN_ARGUMENT = "UNKNOWN_ARGUMENT"
    MISSING_ARGUMENT = "MISSING_ARGUMENT"
    WRONG_ARGUMENT = "WRONG_ARGUMENT"
    PAYLOAD_MAY_OUTGROW = "PAYLOAD_MAY_OUTGROW"


@dataclass(frozen=True)
class CodeInfo:
    """What a code stands for.

    Args:
        severity: Whether it refuses the machine.
        meaning: One sentence.
        mend: What to do, where the finding itself says nothing better.
        is_aws: Whether AWS reports it, too.
    """

    severity: Severity
    meaning: str
    mend: str
    is_aws: bool = True


def _error(meaning: str, mend: str, *, is_aws: bool = True) -> CodeInfo:
    return CodeInfo(Severity.ERROR, meaning, mend, is_aws)


def _warning(meaning: str, mend: str, *, is_aws: bool = False) -> CodeInfo:
    return CodeInfo(Severity.WARNING, meaning, mend, is_aws)


CODES: Mapping[Code, CodeInfo] = MappingProxyType(
    {
        Code.INVALID_JSON_DESCRIPTION: _error(
            "The definition is not JSON, or a name stands twice in one object.", "Mend the JSON."
        ),
        Code.MISSING_DESCRIPTION: _error("The definition is empty.", "Give a state machine."),
        Code.SCHEMA_VALIDATION_FAILED: _error(
            "A field is missing, is not allowed here, or has a value that it cannot have.",
            "Look the field up in the Amazon States Language.",
        ),
        Code.INVALID_JSONATA_EXPRESSION: _error(
            "A JSONata expression cannot be parsed.", "Mend the expression."
        ),
        Code.UNSUPPORTED_JSONATA_EXPRESSION: _error(
            "A JSONata expression reads what does not exist where it stands.",
            "Read the input by $states.input, a variable by $name.",
        ),
        Code.MISSING_TRANSITION_TARGET: _error(
            "A transition goes to a state that is not there, or no way from the start leads to a state.",
            "Name a state of the same branch.",
        ),
        Code.MISSING_END_STATE: _error(
            "No state ends the machine, or the branch.", 'Give one state "End": true, or add a Succeed state.'
        ),
        Code.DUPLICATE_STATE_NAME: _error(
            "Two states have one name; all branches count together.", "Rename one of them."
        ),
        Code.INVALID_STATE_NAME: _error(
            "A state's name is empty or longer than 80 characters.", "Shorten the name."
        ),
        Code.RESERVED_VARIABLE_NAME: _error(
            "A variable is called states, which is the service's own.", "Choose another name."
        ),
        Code.INVALID_VARIABLE_NAME: _error(
            "A variable's name has characters that it cannot have, or more than 80.",
            "Use a letter, then letters, digits and underscores.",
        ),
        Code.DUPLICATE_LABEL_NAME: _error("Two Map states have one label.", "Change one of them."),
        Code.INVALID_LABEL_NAME: _error(
            "A label is longer than 40 characters or has characters that it cannot have.",
            "Use letters, digits, hyphens and underscores.",
        ),
        Code.NO_DOLLAR: _warning(
            "A value looks like a path or an intrinsic function, but its key does not end in '.$'.",
            "Let the key end in '.$', or the value will be passed on as it is written.",
            is_aws=True,
        ),
        Code.NO_PATH: _warning(
            "A value looks like a path, but the field's name does not end in 'Path'.",
            "Use the field whose name ends in 'Path'.",
            is_aws=True,
        ),
        Code.PASS_RESULT_IS_STATIC: _warning(
            "The Result of a Pass state looks like a path; it is passed on as it is written.",
            "Use Parameters.",
            is_aws=True,
        ),
        Code.TOO_MANY_FINDINGS: _error(
            "There are more findings than are listed.", "Mend those that are listed first.", is_aws=False
        ),
        Code.NEVER_PRODUCED: _warning(
            "A path reads what no earlier state can have produced.",
            "Mend the path, or let a state produce it.",
        ),
        Code.UNKNOWN_VARIABLE: _warning(
            "A variable is read that no state of the branch, or of one around it, sets.",
            "Set it by Assign, or mend its name.",
        ),
        Code.UNCAUGHT_FAILURE: _warning(
            "A failure in a branch ends all branches beside it, and nobody catches it.",
            "Give the Parallel or Map a Catch for States.ALL.",
        ),
        Code.UNHEARD_FAILURE: _warning(
            "A failure is caught, nobody is told of it, and the execution succeeds.",
            "Lead the Catch to a Fail state, or to a task that tells somebody.",
        ),
        Code.FAILURE_ENDS_AS_SUCCESS: _warning(
            "A failure is told to somebody, and then the execution succeeds.",
            "Let a Fail state follow, so that the execution fails.",
        ),
        Code.HYPERPARAMETER_NOT_TEXT: _warning(
            "A hyperparameter is not a text; SageMaker takes nothing else.", "Put it in quotes."
        ),
        Code.UNKNOWN_ARGUMENT: _warning(
            "An argument is not one that the service's operation has.", "Mend its spelling, or remove it."
        ),
        Code.MISSING_ARGUMENT: _warning("An argument that the operation needs is missing.", "Add it."),
        Code.WRONG_ARGUMENT: _warning(
            "An argument has a value that the operation does not take.", "Look it up in the API reference."
        ),
        Code.PAYLOAD_MAY_OUTGROW: _warning(
            "What a state gives may become larger than the 256 KiB that AWS passes on.",
            "Keep what is needed with ResultSelector or Output, or write results to S3.",
        ),
    }
)
