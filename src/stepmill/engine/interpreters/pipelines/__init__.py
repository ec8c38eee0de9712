"""Interpreter of SageMaker pipelines: (plan, frames, event, moment) -> (frames, history, commands).

``plan.Plan.of(definition)``                    what is fixed for all executions of a definition
``advance.advance(plan, frames, event, at)``    one event -> ``outcome.Advance``; ``frames`` is any
                                                ``Mapping[str, Frame]``, read key by key and never changed
``events``, ``commands``, ``frames``            what goes in, comes out, and is kept; with JSON codecs
``selection``                                   checks and completes a selective execution
``lifecycle.check_stop``, ``restarting.check_retry``   for doors: refuse what would change nothing
``listing``                                     how an execution stands, for whoever looks
"""
