"""Holds a training job, or the ranges of a tuning job, against what a built-in algorithm takes.

All that is wrong is told at once, in the words of AWS's algorithms, which tell of one thing at a time and
only when the job has started.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from stepmill.algorithms.algorithm import Algorithm, Channel, Wording
from stepmill.algorithms.parameters import Kind, Parameter, Trouble
from stepmill.core.findings import Finding, Severity
from stepmill.core.spelling import did_you_mean

_LONGEST_SHOWN = 80
_LABEL_SIZE = re.compile(r"[0-9]{1,4}")
# Numbers are settings of the algorithm that both kinds of range may hold; texts belong to categorical ones.
_RANGES_OF = {
    Kind.INTEGER: (Kind.INTEGER, Kind.CATEGORICAL),
    Kind.CONTINUOUS: (Kind.CONTINUOUS, Kind.CATEGORICAL),
    Kind.CATEGORICAL: (Kind.CATEGORICAL,),
    Kind.TEXT: (Kind.CATEGORICAL,),
}


def check_job(
    algorithm: Algorithm, hyperparameters: Mapping[str, str], channels: Mapping[str, Mapping[str, str]]
) -> tuple[Finding, ...]:
    """Return what is wrong with a training job.

    Args:
        algorithm: What it runs.
        hyperparameters: As given.
        channels: Name -> settings, as in ``inputdataconfig.json``.
    """
    findings = (*check_hyperparameters(algorithm, hyperparameters), *_check_channels(algorithm, channels))
    if findings:
        return findings
    told = (found for rule in algorithm.joint_rules for found in rule(hyperparameters, channels))
    return tuple(_finding(name, sentence) for name, sentence in told)


def check_hyperparameters(algorithm: Algorithm, given: Mapping[str, str]) -> tuple[Finding, ...]:
    """Return what is wrong with the hyperparameters of a job."""
    findings = [*_missing(algorithm, given), *_wrong_values(algorithm, given)]
    if not findings:
        plain = {algorithm.aliases.get(name, name): value.strip() for name, value in given.items()}
        for rule in algorithm.rules:
            findings.extend(_finding(name, sentence) for name, sentence in rule(plain))
    return tuple(findings)


def check_ranges(
    algorithm: Algorithm,
    fixed: Mapping[str, str],
    ranges: Mapping[str, tuple[Kind, Sequence[str]]],
) -> tuple[Finding, ...]:
    """Return what is wrong with a tuning job's search space.

    Args:
        algorithm: What is tuned.
        fixed: StaticHyperParameters.
        ranges: Name -> kind of range, and its ends or its values.
    """
    # What hyperparameters mean to one another is only known when each has its value.
    findings = [*_missing(algorithm, {*fixed, *ranges}), *_wrong_values(algorithm, fixed)]
    for name, (kind, values) in ranges.items():
        parameter = algorithm.parameter(name)
        if parameter is None:
            findings.append(_extraneous(algorithm, name))
        elif kind not in (parameter.ranges or _RANGES_OF[parameter.kind]):
            findings.append(
                _finding(
                    name, f"Hyperparameter {name} is of type {parameter.kind}: it cannot have a {kind} range."
                )
            )
        else:
            findings.extend(
                _value_finding(algorithm, parameter, name, value, trouble)
                for value in values
                if (trouble := parameter.trouble(value)) is not None
            )
    return tuple(findings)


def nearest_metric(algorithm: Algorithm, name: str) -> str:
    """Return what to take in the place of a metric that the algorithm does not write."""
    known = [metric.name for metric in algorithm.metrics]
    return did_you_mean(name, known) or f"{algorithm.name} reports {', '.join(known)}."


def _missing(algorithm: Algorithm, there: Iterable[str]) -> Iterator[Finding]:
    known = {algorithm.aliases.get(name, name) for name in there}
    names = [p.name for p in algorithm.parameters if p.required and p.name not in known]
    if algorithm.wording is Wording.XGBOOST:
        yield from (_finding(name, f"Missing required hyperparameter: {name}.") for name in names)
    elif names:
        listed = ", ".join(repr(name) for name in names)
        yield _finding(
            names[0],
            f"No value(s) were specified for {listed} which are required hyperparameter(s) "
            "(caused by ValidationError).",
        )


def _wrong_values(algorithm: Algorithm, given: Mapping[str, str]) -> Iterator[Finding]:
    for name, value in given.items():
        parameter = algorithm.parameter(name)
        if parameter is None:
            yield _extraneous(algorithm, name)
        elif (trouble := parameter.trouble(value)) is not None:
            yield _value_finding(algorithm, parameter, name, value, trouble)


def _extraneous(algorithm: Algorithm, name: str) -> Finding:
    if algorithm.wording is Wording.XGBOOST:
        message = f"Extraneous hyperparameter found: {name[:_LONGEST_SHOWN]}."
    else:
        message = (
            f"Additional hyperparameters are not allowed ({_shown(name)} was unexpected) "
            "(caused by ValidationError)."
        )
    return _finding(name, message, did_you_mean(name, algorithm.names))


def _value_finding(
    algorithm: Algorithm, parameter: Parameter, name: str, value: str, trouble: Trouble
) -> Finding:
    words = [repr(word) for word in parameter.words]
    if algorithm.wording is Wording.FIRST_PARTY:
        expected = "; ".join([*words, _expected(parameter)])
        return _finding(
            name,
            f"The value {_shown(value)} is not valid for the '{name}' hyperparameter which expects one of "
            f"the following: {expected} (caused by ValidationError).",
        )
    if trouble is Trouble.UNREADABLE:
        mend = f"It is of type {parameter.kind}, in {parameter.range_text}."
        return _finding(name, f"Hyperparameter {name}: could not parse value.", mend)
    shown = _shown(value) if parameter.kind is Kind.CATEGORICAL else value[:_LONGEST_SHOWN]
    return _finding(name, f"Hyperparameter {name}: {shown.strip(chr(39))} is not in {parameter.range_text}.")


def _expected(parameter: Parameter) -> str:
    match parameter.kind:
        case Kind.INTEGER:
            return f"an integer in {parameter.interval}"
        case Kind.CONTINUOUS:
            return f"a number in {parameter.interval}"
        case Kind.CATEGORICAL:
            return "; ".join(repr(value) for value in parameter.values)
        case Kind.TEXT:
            return parameter.expects


def _check_channels(algorithm: Algorithm, given: Mapping[str, Mapping[str, str]]) -> Iterator[Finding]:
    known = {channel.name: channel for channel in algorithm.channels}
    for channel in algorithm.channels:
        if channel.required and channel.name not in given:
            yield _channel_finding(channel.name, f"Missing required channel: {channel.name}.")
    for name, settings in given.items():
        if name in known:
            yield from _check_channel(known[name], settings)
        else:
            mend = did_you_mean(name, known) or f"There are {', '.join(known)}."
            yield _channel_finding(name, f"Extraneous channel found: {name}.", mend)


def _check_channel(channel: Channel, settings: Mapping[str, str]) -> Iterator[Finding]:
    content_type = settings.get("ContentType", "")
    media_type = (content_type or channel.default).partition(";")[0].strip().lower()
    if not media_type:
        yield _channel_finding(
            channel.name,
            f"Missing content type for channel: {channel.name}.",
            f"Set ContentType to one of {', '.join(channel.content_types)}.",
        )
    elif _is_wrong_label_size(channel, content_type):
        yield _channel_finding(
            channel.name,
            f"{_shown(content_type)} is not an accepted ContentType: label_size must be "
            f"{'equal to 1' if channel.one_label else 'a number'}.",
        )
    elif media_type not in channel.content_types:
        yield _channel_finding(
            channel.name,
            f"{_shown(content_type)} is not an accepted ContentType: {', '.join(channel.content_types)}.",
        )
    elif settings.get("TrainingInputMode") == "Pipe" and media_type not in channel.piped:
        yield _channel_finding(
            channel.name,
            f"Channel {channel.name} cannot be read in Pipe mode as {media_type}.",
            f"Use File or FastFile, or one of {', '.join(channel.piped)}."
            if channel.piped
            else "Use File or FastFile.",
        )


def _is_wrong_label_size(channel: Channel, content_type: str) -> bool:
    for part in content_type.split(";")[1:]:
        name, _, value = (piece.strip().strip('"') for piece in part.partition("="))
        if name.lower() == "label_size":
            return value != "1" if channel.one_label else not _LABEL_SIZE.fullmatch(value)
    return False


def _finding(name: str, message: str, mend: str = "") -> Finding:
    return Finding(
        "HYPERPARAMETER", Severity.ERROR, f"HyperParameters[{name[:_LONGEST_SHOWN]!r}]", message, mend
    )


def _channel_finding(name: str, message: str, mend: str = "") -> Finding:
    return Finding("CHANNEL", Severity.ERROR, f"InputDataConfig[{name!r}]", message, mend)


def _shown(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}...")
