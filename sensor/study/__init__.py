"""The study: rollups of a store turned into numbers, each with how sure it is.

A question is a module of pure functions over the rollups; `study` asks them all. Nothing here is imported by
the sensor or a replay.
"""

from sensor.study.options import StudyOptions
from sensor.study.whole import study, study_rollups

__all__ = ["StudyOptions", "study", "study_rollups"]
