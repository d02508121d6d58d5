"""The errors that a user can cause, each a sentence: what was wanted, what was found, what to change.

The command line prints the sentence and exits with a code other than zero; nothing else is caught.
"""


class RtrlEdgeError(Exception):
    """Base of every error that this package raises on purpose."""


class ModelError(RtrlEdgeError):
    """A model definition that makes no sense, or weights that do not belong to it."""


class DataError(RtrlEdgeError):
    """A stream, calibration set or array with the wrong shape, type, range or content."""


class PlanError(RtrlEdgeError):
    """A model that does not fit the board."""


class BoardError(RtrlEdgeError):
    """A board that is not known, or a board file with a missing or wrong key."""


class BuildError(RtrlEdgeError):
    """A compiler that is missing or that refused the generated C."""


class FolderError(RtrlEdgeError):
    """An output folder that holds something this package did not write."""


class LinkError(RtrlEdgeError):
    """A device that does not answer, or that answers something broken."""


class ConvertError(RtrlEdgeError):
    """A network of another framework that we cannot take over as it is, or a snapshot of another model."""


def check_kind(what: str, value: object, *kinds: type) -> None:
    """Raise ModelError unless the value is of one of these public classes; ``what`` begins the message."""
    if not isinstance(value, kinds):
        names = " or a ".join(f"rtrl_edge.{kind.__name__}" for kind in kinds)
        raise ModelError(f"{what}: wanted a {names}, found {type(value).__name__}")
