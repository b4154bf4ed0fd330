"""Settings: defaults < .env < environment (`P2M_*`) < flags."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

TAKEN_OVER = {"seed", "hubs", "refuse_licences", "teacher", "planner", "judge", "gguf", "controller"}
"""Settings of a run that hold for one started from it. Limits do not: each run has its own."""
RECORDED = TAKEN_OVER | {"max_rounds", "max_minutes", "budget_usd"}
"""Settings that belong to a run and come back when it is resumed; the others belong to the machine."""


_PREFIX = "P2M_"
_READ_ELSEWHERE = {"P2M_API_KEY", "P2M_DEBUG", "P2M_INSPECTOR", "P2M_SHARED", "P2M_WEIGHTS"}
"""The last three are for tests and benchmarks."""


def _threads() -> int:
    """What OMP_NUM_THREADS says, as the numeric libraries read it, else one for each CPU."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    return int(said) if said.isdecimal() and int(said) else os.cpu_count() or 1


def _cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "p2m_agent"


class Settings(BaseSettings):
    """How the program runs on this machine, whatever the task. Built once in `cli.py` and passed on."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_file=".env",
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
    )

    runs_dir: Path = Path("runs")
    """Where runs are kept."""
    cache_dir: Path = Field(default_factory=_cache_folder)
    """Where converted weights and search indexes are kept; safe to delete."""
    hubs: Annotated[tuple[str, ...], NoDecode] = ()
    """Folders in Hub layout (paths or fsspec URLs) and Hub ids to search, besides the catalogue; colon-separated in
    P2M_HUBS."""

    @field_validator("hubs", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        # the colon of a URL separates nothing
        parts = re.split(rf"{os.pathsep}(?!//)", value) if isinstance(value, str) else None
        return value if parts is None else tuple(filter(None, parts))

    teacher: str | None = None
    """`local`, a URL, `provider:model`, or a model name; None chooses by what the environment has."""
    planner: str | None = None
    """The controller's model; None means the teacher's."""
    judge: str | None = None
    """None means the teacher's."""
    gguf: str | None = None
    """Path or Hub repo id of the embedded model's weights (P2M_GGUF)."""
    openai_api_key: str | None = Field(default=None, validation_alias="OPENAI_API_KEY", repr=False)
    openai_base_url: str | None = Field(default=None, validation_alias="OPENAI_BASE_URL")
    hf_token: str | None = Field(default=None, validation_alias="HF_TOKEN", repr=False)
    controller: Literal["auto", "llm", "rules"] = "auto"
    """`auto` takes the LLM where its probe says that it can choose, else the rules."""
    seed: int = 0
    budget_usd: float | None = Field(default=None, ge=0)
    max_minutes: float | None = Field(default=None, gt=0)
    max_rounds: int = Field(default=6, ge=1)
    """Training rounds."""
    threads: int = Field(default_factory=_threads, ge=1)
    llm_timeout_s: float = Field(default=120.0, gt=0)
    """Longest wait for one LLM answer."""
    llm_concurrency: int = Field(default=32, ge=1)
    """The most requests in flight to an endpoint. There are fewer while it pushes back or slows down; the embedded
    model takes one at a time."""
    llm_rpm: int | None = Field(default=None, ge=1)
    """The most requests in any minute to an endpoint; None for what its answers say, if anything."""
    llm_tpm: int | None = Field(default=None, ge=1)
    """The most tokens in any minute, prompts and answers together."""
    price: str | None = Field(default=None, pattern=r"^\d*\.?\d+/\d*\.?\d+$")
    """Dollars per million prompt and completion tokens of the teacher, such as 0.15/0.60; overrides every table."""
    prices: str | None = None
    """YAML file of model name to dollars per million prompt and completion tokens; overrides the table."""
    refuse_licences: Annotated[tuple[str, ...], NoDecode] = ()
    """Licences or kinds of licence (`unknown`, `non-commercial`, `no-derivatives`, `share-alike`) whose data are not
    used; comma-separated in P2M_REFUSE_LICENCES. Without it such data are used with a warning."""

    trackers: Annotated[tuple[Literal["tensorboard", "wandb", "mlflow"], ...], NoDecode] = ()
    """Where training curves go besides the run's own events; comma-separated in P2M_TRACKERS. W&B, and MLflow with a
    remote server, send them to others."""

    @field_validator("refuse_licences", "trackers", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    max_dataset_gb: float = Field(default=50.0, gt=0)
    """Largest dataset of the Hub to take rows of, by its data files. Rows are streamed from its front, so nothing else
    is fetched; but the front of a larger set says little about the whole."""

    def over(self, recorded: Mapping[str, object], names: Set[str]) -> Self:
        """These settings, with those of `names` that a run has recorded where none was given now."""
        kept = {name: value for name, value in recorded.items() if name in names - self.model_fields_set}
        kept |= {name: tuple(value) for name, value in kept.items() if isinstance(value, list)}  # JSON knows no tuples
        return self.model_copy(update=kept)


def unknown_variables(names: Iterable[str]) -> dict[str, str]:
    """Variables that look like settings and are none, each with the setting that may be meant, or empty."""
    known = {_PREFIX + name.upper() for name, field in Settings.model_fields.items() if not field.validation_alias}
    known |= _READ_ELSEWHERE
    unknown = sorted({name for name in names if name.upper().startswith(_PREFIX) and name.upper() not in known})
    return {name: _meant(name.upper(), sorted(known)) for name in unknown}


def _meant(name: str, known: Sequence[str]) -> str:
    begun = [each for each in known if each.startswith(name) and name != _PREFIX]
    return next(iter(begun or difflib.get_close_matches(name, known, 1)), "")
