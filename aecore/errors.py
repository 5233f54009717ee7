"""Every error that aecore raises on purpose. It knows nothing of the rest of the library.

    AecoreError
    ├── ConfigError            a network, training or metric was asked for with impossible settings
    ├── DataError              a dataset is missing, broken or of the wrong shape
    │   └── PictureError       a picture or a packed digit that cannot become a 28x28 digit
    ├── TrainingError          training could not go on
    │   └── DivergedError      the loss became NaN or infinite
    ├── MovieNotFoundError     no movie, or more than one, has that title
    └── CheckpointError        a model folder is broken or does not fit its config
        └── ModelNotFoundError no model has that name

Each message says what was wrong, what was got, and what to do.
"""

from __future__ import annotations


class AecoreError(Exception):
    """Base of every error that aecore raises on purpose: catch it to catch them all."""


class ConfigError(AecoreError, ValueError):
    """Impossible or contradictory settings, found before any work is done."""


class DataError(AecoreError):
    """A dataset that is missing, broken or of the wrong shape."""


class PictureError(DataError, ValueError):
    """A picture, or a digit packed as text, that cannot become a 28x28 digit."""


class TrainingError(AecoreError):
    """Training could not start or could not go on."""


class DivergedError(TrainingError):
    """The loss became NaN or infinite."""


class MovieNotFoundError(AecoreError, LookupError):
    """No movie has that title, or more than one has.

    Attributes
    ----------
    suggestions : tuple of str
        Titles with years that may be meant, the likeliest first; each is found by itself.
    """

    def __init__(self, message: str, suggestions: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.suggestions = suggestions


class CheckpointError(AecoreError):
    """A model folder that is broken, incomplete or does not fit its config."""


class ModelNotFoundError(CheckpointError, LookupError):
    """No shipped model and no folder has that name."""
