"""Every code that a check of a pipeline definition can report: how bad, what it means, how to mend it.

``docs/reference/findings.md`` lists the same table; a test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from stepmill.core.findings import Severity


class Code(StrEnum):
    """Stable name of a kind of finding."""

    NOT_JSON = "NOT_JSON"
    DUPLICATE_KEY = "DUPLICATE_KEY"
    UNKNOWN_KEY = "UNKNOWN_KEY"
    MISSING_KEY = "MISSING_KEY"
    WRONG_TYPE = "WRONG_TYPE"
    UNKNOWN_VALUE = "UNKNOWN_VALUE"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    UNKNOWN_VERSION = "UNKNOWN_VERSION"
    BAD_NAME = "BAD_NAME"
    DUPLICATE_NAME = "DUPLICATE_NAME"
    UNKNOWN_STEP_TYPE = "UNKNOWN_STEP_TYPE"
    BAD_EXPRESSION = "BAD_EXPRESSION"
    BAD_DURATION = "BAD_DURATION"
    BAD_RETRY_POLICY = "BAD_RETRY_POLICY"
    BAD_CONDITION = "BAD_CONDITION"
    BAD_FOR_EACH = "BAD_FOR_EACH"
    BAD_DEFAULT = "BAD_DEFAULT"
    UNKNOWN_STEP = "UNKNOWN_STEP"
    UNKNOWN_PARAMETER = "UNKNOWN_PARAMETER"
    UNKNOWN_PROPERTY = "UNKNOWN_PROPERTY"
    UNDECLARED_NAME = "UNDECLARED_NAME"
    UNKNOWN_PROPERTY_FILE = "UNKNOWN_PROPERTY_FILE"
    UNKNOWN_OUTPUT = "UNKNOWN_OUTPUT"
    OWN_PROPERTY = "OWN_PROPERTY"
    UNREACHABLE_STEP = "UNREACHABLE_STEP"
    NOT_HERE = "NOT_HERE"
    NO_EXPERIMENT = "NO_EXPERIMENT"
    DEPENDS_ON_FAIL = "DEPENDS_ON_FAIL"
    CYCLE = "CYCLE"
    TOO_MANY_FINDINGS = "TOO_MANY_FINDINGS"
    MISSING_PARAMETER = "MISSING_PARAMETER"
    BAD_PARAMETER_VALUE = "BAD_PARAMETER_VALUE"
    BRANCH_MAY_NOT_RUN = "BRANCH_MAY_NOT_RUN"
    PARAMETER_TYPE = "PARAMETER_TYPE"
    LOCAL_PATH = "LOCAL_PATH"
    AWS_PATTERN = "AWS_PATTERN"
    AWS_LIMIT = "AWS_LIMIT"
    AWS_VALUE = "AWS_VALUE"
    UNCHECKED_STEP_TYPE = "UNCHECKED_STEP_TYPE"
    NOT_RUN_HERE = "NOT_RUN_HERE"
    UNUSED_PARAMETER = "UNUSED_PARAMETER"
    UNDECLARED_METRIC = "UNDECLARED_METRIC"


@dataclass(frozen=True)
class CodeInfo:
    """What a code stands for."""

    severity: Severity
    meaning: str
    mend: str


def _error(meaning: str, mend: str) -> CodeInfo:
    return CodeInfo(Severity.ERROR, meaning, mend)


def _warning(meaning: str, mend: str) -> CodeInfo:
    return CodeInfo(Severity.WARNING, meaning, mend)


CODES: Mapping[Code, CodeInfo] = MappingProxyType(
    {
        Code.NOT_JSON: _error(
            "The text is not JSON, or nested deeper than 200 levels.", "Mend the JSON at the place named."
        ),
        Code.DUPLICATE_KEY: _error(
            "An object has the same key twice; one of the two values would be lost.", "Take one out."
        ),
        Code.UNKNOWN_KEY: _error(
            "A key that nothing reads: in the document, a step, or its Arguments.",
            "Correct the spelling, or take it out.",
        ),
        Code.MISSING_KEY: _error("A required key is missing.", "Add it."),
        Code.WRONG_TYPE: _error(
            "A value of another JSON type than the one needed.",
            "Write it as the type named; texts in quotes.",
        ),
        Code.UNKNOWN_VALUE: _error("A text that is none of the allowed ones.", "Choose one of those listed."),
        Code.OUT_OF_RANGE: _error(
            "A number, text or list below the least, or above the greatest, that makes sense.",
            "Keep it within the bounds named.",
        ),
        Code.UNKNOWN_VERSION: _error("Version is not 2020-12-01.", "Write 2020-12-01."),
        Code.BAD_NAME: _error(
            "A name of a step or parameter is not 1 to 64 letters, digits, hyphens and underscores.",
            "Rename it.",
        ),
        Code.DUPLICATE_NAME: _error(
            "Two steps (nested ones too), parameters, files, outputs, inputs or channels share a name.",
            "Rename one of them.",
        ),
        Code.UNKNOWN_STEP_TYPE: _error("A step of a type that does not exist.", "Correct the spelling."),
        Code.BAD_EXPRESSION: _error(
            "A Get, Std:Join or Std:JsonGet that is not well-formed.",
            "Get takes a text such as Parameters.X or Steps.X.Y; Std:Join takes On and Values; "
            "Std:JsonGet takes Path and one of PropertyFile and S3Uri.",
        ),
        Code.BAD_DURATION: _error("ExpireAfter is not a duration.", "Write it like 30d, P30D or PT12H."),
        Code.BAD_RETRY_POLICY: _error(
            "A retry policy breaks its rules: an unknown exception type, "
            "both MaxAttempts and ExpireAfterMin; a number out of bounds.",
            "Keep to the rule named.",
        ),
        Code.BAD_CONDITION: _error(
            "A condition of an unknown type, without operands, or with an operand that cannot be compared.",
            "Write it as the reference shows.",
        ),
        Code.BAD_FOR_EACH: _error(
            "A ForEach step breaks its rules on items, concurrency, selector, body, or names.",
            "Keep to the rule named.",
        ),
        Code.BAD_DEFAULT: _error(
            "A parameter's default is not of its type, or not among its EnumValues.",
            "Correct the default, the type, or the EnumValues.",
        ),
        Code.UNKNOWN_STEP: _error(
            "A reference to, or dependency on, a step that is not defined.", "Correct the name."
        ),
        Code.UNKNOWN_PARAMETER: _error(
            "A reference to a parameter that is not defined, or a value given for one.", "Correct the name."
        ),
        Code.UNKNOWN_PROPERTY: _error(
            "A property path that the step's type does not have.", "Correct the path; the members are listed."
        ),
        Code.UNDECLARED_NAME: _error(
            "A property selects an output, input, channel, hyperparameter or variable by a name "
            "that the step does not declare.",
            "Correct the name, or declare it in that step.",
        ),
        Code.UNKNOWN_PROPERTY_FILE: _error(
            "Std:JsonGet reads a property file that the step does not declare.",
            "Correct the name, or add it to the step's PropertyFiles.",
        ),
        Code.UNKNOWN_OUTPUT: _error(
            "A property file lies in an output that the step does not have.",
            "Name one of the outputs in ProcessingOutputConfig.",
        ),
        Code.OWN_PROPERTY: _error(
            "A step reads its own results, or depends on itself.", "Read them in a later step."
        ),
        Code.UNREACHABLE_STEP: _error(
            "A reference to a step whose results this one can never see: in the other branch of a condition, "
            "or inside a ForEach body.",
            "Move one of the two; read ForEach results as Steps.<for each>.IterationOutputs[0].<step>.",
        ),
        Code.NOT_HERE: _error(
            "An expression in a place where it means nothing: ForEach.CurrentItem outside a body, "
            "IterationOutput outside a selector.",
            "Move it, or use another expression.",
        ),
        Code.NO_EXPERIMENT: _error(
            "PipelineExperimentConfig is read, but the definition sets it to null.",
            "Give the definition an experiment configuration, or take out the reference.",
        ),
        Code.DEPENDS_ON_FAIL: _error(
            "A step depends on a Fail step, after which nothing runs.", "Take the dependency out."
        ),
        Code.CYCLE: _error("Steps wait for one another in a circle.", "Take out one of the links named."),
        Code.TOO_MANY_FINDINGS: _error(
            "There is more wrong than is listed; the check stopped, or left out warnings.",
            "Mend what is listed and check again.",
        ),
        Code.MISSING_PARAMETER: _error(
            "A start gives no value for a parameter without a default.", "Give a value."
        ),
        Code.BAD_PARAMETER_VALUE: _error(
            "A value given at start is not of the parameter's type, or not among its EnumValues.",
            "Give a value of the type named.",
        ),
        Code.BRANCH_MAY_NOT_RUN: _warning(
            "A step depends on one in a branch of a condition: if the branch is not taken, neither runs.",
            "Move it into the branch if that is not meant.",
        ),
        Code.PARAMETER_TYPE: _warning(
            "A parameter of one type stands where another type is needed.", "Change the parameter's type."
        ),
        Code.LOCAL_PATH: _warning(
            "A path on this machine where AWS takes an s3:// address. Stepmill takes it.",
            "Use an s3:// address before running this on AWS.",
        ),
        Code.AWS_PATTERN: _warning(
            "A text that AWS would refuse because of its form.", "Write it in the form that AWS asks for."
        ),
        Code.AWS_LIMIT: _warning(
            "More than AWS allows: size, length, count, or number.",
            "Make it less before running this on AWS.",
        ),
        Code.AWS_VALUE: _warning(
            "A value, such as an instance type, that AWS's list does not have, or that has no effect there.",
            "Check the spelling.",
        ),
        Code.UNCHECKED_STEP_TYPE: _warning(
            "A step of a type that AWS has but does not document; its arguments are not checked.",
            "Nothing; take care.",
        ),
        Code.NOT_RUN_HERE: _warning(
            "A step of a type that AWS runs and Stepmill does not: a start here is refused. Told by lint.",
            "Run it on AWS, or use a step of another type.",
        ),
        Code.UNUSED_PARAMETER: _warning("A parameter that nothing refers to.", "Use it, or take it out."),
        Code.UNDECLARED_METRIC: _warning(
            "A metric that the step's MetricDefinitions do not name; few algorithms bring their own.",
            "Add it to AlgorithmSpecification.MetricDefinitions.",
        ),
    }
)
