"""The settings of the daemon and of a replay: what may be set, within what bounds, and by default."""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    model_validator,
)

from sensor.errors import ConfigError, RuleError
from sensor.memory import check_size
from sensor.rules.mistake import nearest, printable, printable_path
from sensor.rules.source import read_source
from sensor.rules.table import where_toml_breaks
from sensor.rules.toml_lines import line_of, toml_lines

Tunnel = Literal["ipip", "6in4", "gre", "erspan", "vxlan", "vxlan-gpe", "geneve", "gtp", "teredo", "l2tp"]

TUNNELS: Final[tuple[Tunnel, ...]] = (
    "ipip", "6in4", "gre", "erspan", "vxlan", "vxlan-gpe", "geneve", "gtp", "teredo", "l2tp",
)  # fmt: skip
"""Every tunnel that can be opened, by the word the ``tunnel`` column uses."""

MAXIMUM_FLOWS: Final = 1 << 28
MAXIMUM_WORKERS: Final = 256
MAXIMUM_RING_FRAMES: Final = 1 << 20
DAY_S: Final = 86_400

_PASSWORD_HASH = re.compile(r"scrypt\$(\d{1,7})\$(\d{1,3})\$(\d)\$[0-9a-f]{16,128}\$[0-9a-f]{32,256}")
_SENSOR_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")


def check_sensor_name(name: str) -> str:
    """Return a sensor's name if it can stand in the name of a file.

    Raises
    ------
    ValueError
        It has other signs than letters, digits, ``.``, ``_`` and ``-``, begins with a dot, or has more
        than 64.
    """
    if not _SENSOR_NAME.fullmatch(name):
        message = "a sensor's name has 1 to 64 of A-Z a-z 0-9 . _ - and does not begin with a dot"
        raise ValueError(message)
    return name


def check_ring_size(value: object) -> object:
    """Return the size of a card's ring: a word, or a number of frames.

    Raises
    ------
    ValueError
        It is neither.
    """
    whole = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAXIMUM_RING_FRAMES
    if not whole and value not in {"keep", "max"}:
        message = f"either 'keep', 'max' or a number of frames up to {MAXIMUM_RING_FRAMES}"
        raise ValueError(message)
    return value


def check_listen(text: str) -> str:
    """Return an address to listen at if it is one: ``host:port``, an IPv6 address in brackets.

    Raises
    ------
    ValueError
        There is no port from 0 to 65535, or no host.
    """
    host, _, port = text.rpartition(":")
    in_brackets = host.startswith("[") and host.endswith("]")
    if not host or (":" in host and not in_brackets):
        message = "an address is host:port, as 127.0.0.1:9477 or [::1]:9477"
        raise ValueError(message)
    if not (port.isascii() and port.isdigit() and int(port) < 1 << 16):
        message = "a port is a number from 0 to 65535"
        raise ValueError(message)
    return text


def check_password_hash(text: str) -> str:
    """Return a password's hash if it is one: ``scrypt$n$r$p$salt$hash``, the last two hexadecimal.

    Raises
    ------
    ValueError
        It is no such hash, or one that takes more than 32 MiB to check.
    """
    match = _PASSWORD_HASH.fullmatch(text)
    if match is None:
        message = "a password's hash is scrypt$n$r$p$salt$hash, salt and hash hexadecimal"
        raise ValueError(message)
    cost, block, parallel = (int(number) for number in match.groups())
    if cost < 2 or cost & (cost - 1) or not block or not parallel or parallel > 4 or cost * block > 1 << 18:
        message = "n is a power of two, n times r at most 262144, p at most 4"
        raise ValueError(message)
    return text


InterfaceName = Annotated[str, Field(pattern=r"^[^\s/:]{1,15}$")]
# A validator of its own, so that a mistake is told of the setting and not of each of its alternatives.
RingSize = Annotated[Literal["keep", "max"] | int, PlainValidator(check_ring_size)]
MemorySize = Annotated[int, PlainValidator(check_size)]
SensorName = Annotated[str, AfterValidator(check_sensor_name)]
Seconds = Annotated[float, Field(gt=0, le=DAY_S, allow_inf_nan=False)]


class Settings(BaseModel):
    """A table of settings: nothing unknown, nothing converted silently, nothing changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class FlowSettings(Settings):
    """``[flow]``: when flows end, in packet time, and how many live at once."""

    idle_timeout_s: Seconds = 120
    active_timeout_s: Seconds = 300
    close_timeout_s: Seconds = 5
    max_flows: Annotated[int, Field(ge=1, le=MAXIMUM_FLOWS)] = 4_000_000


class DecodeSettings(Settings):
    """``[decode]``: the tunnels that are opened; others stay the payload of their outer packet."""

    tunnels: Annotated[tuple[Tunnel, ...], Field(strict=False)] = TUNNELS


class DuplicateSettings(Settings):
    """``[duplicates]``: what becomes of a packet whose bytes were seen a moment ago."""

    action: Literal["count", "drop"] = "count"
    window_ms: Annotated[int, Field(ge=1, le=10_000)] = 10


class NamingSettings(Settings):
    """``[naming]``: whether names are looked for, and how long a DNS answer holds beyond its time to live."""

    enabled: bool = True
    answer_slack_s: Annotated[float, Field(ge=0, le=DAY_S, allow_inf_nan=False)] = 300


class CountrySettings(Settings):
    """``[country]``: where countries come from: the registries' data, or a database in MaxMind's format."""

    enabled: bool = True
    database: Annotated[Path | None, Field(strict=False)] = None


class HostSettings(Settings):
    """``[hosts]``: whether the evidence for counting people is gathered, a row a day and inside address."""

    enabled: bool = True


class StoreSettings(Settings):
    """``[store]``: where segments go, under what sensor name, how often, and how much room they may take.

    The daemon keeps to the limits; a replay removes nothing. ``queue_rows`` wait for a store that is slow or
    full before the oldest of them are given up. A store on object storage (``s3://bucket/prefix``) is written
    through a ``spool`` on this machine; a replay waits ``patience_s`` for a storage that is away.
    """

    path: str | None = None
    sensor: SensorName = "replay"
    flush_rows: Annotated[int, Field(ge=1, le=50_000_000)] = 500_000
    flush_interval_s: Seconds = 60
    queue_rows: Annotated[int, Field(ge=100_000, le=50_000_000)] = 2_000_000
    keep_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    max_bytes: Annotated[int, Field(ge=1 << 20)] | None = None
    min_free_bytes: Annotated[int, Field(ge=0)] = 1 << 30
    spool: Annotated[Path, Field(strict=False)] | None = None
    spool_max_bytes: Annotated[int, Field(ge=1 << 20)] = 4 << 30
    patience_s: Seconds = 300


class RuleSettings(Settings):
    """``[rules]``: watched blocks, and folders of own rules for names; relative to the settings file."""

    blocks: Annotated[tuple[Annotated[Path, Field(strict=False)], ...], Field(strict=False)] = ()
    folders: Annotated[tuple[Annotated[Path, Field(strict=False)], ...], Field(strict=False)] = ()
    watch: Annotated[tuple[str, ...], Field(strict=False)] = ()


class CaptureSettings(Settings):
    """``[capture]``: the interfaces, how packets come from them, and what is changed on them.

    ``memory_bytes`` is for the rings of all interfaces together; ``ring_size`` is the card's own ring, in
    frames. With ``outgoing = false`` what this machine sends is left out. ``yes_drop`` lets ``xdp`` drop on an
    interface that the machine itself uses. What is changed is put back when the capture ends.
    """

    interfaces: Annotated[tuple[InterfaceName, ...], Field(strict=False)] = ()
    prefilter: Literal["none", "socket", "xdp"] = "none"
    yes_drop: bool = False
    memory_bytes: Annotated[int, Field(ge=1 << 21, le=1 << 40)] = 1 << 28
    fanout: Literal["hash", "cpu", "queue"] = "hash"
    block_timeout_ms: Annotated[int, Field(ge=1, le=1000)] = 50
    snap_bytes: Annotated[int, Field(ge=64, le=1 << 18)] | None = None
    promiscuous: bool = True
    outgoing: bool = True
    timestamps: Literal["kernel", "adapter"] = "kernel"
    gro: Literal["keep", "off"] = "keep"
    lro: Literal["keep", "off"] = "keep"
    ring_size: RingSize = "keep"
    up: bool = False


class ProcessSettings(Settings):
    """``[process]``: the user to become after start, and where the daemon is asked."""

    user: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    control_socket: Annotated[Path | None, Field(strict=False)] = None


class LogSettings(Settings):
    """``[log]``: the form of the log, by default the one that fits where it goes, and the lowest level."""

    format: Literal["auto", "console", "json"] = "auto"
    level: Literal["debug", "info", "warning", "error"] = "info"


class MetricsSettings(Settings):
    """``[metrics]``: where Prometheus asks, who may, and how many of the heaviest flows are told."""

    enabled: bool = True
    listen: Annotated[str, AfterValidator(check_listen)] = "127.0.0.1:9477"
    tls_certificate: Annotated[Path | None, Field(strict=False)] = None
    tls_key: Annotated[Path | None, Field(strict=False)] = None
    basic_auth_user: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^:]*$")] | None = None
    basic_auth_hash: Annotated[str, AfterValidator(check_password_hash)] | None = None
    top_flows: Annotated[int, Field(ge=0, le=100)] = 20

    @model_validator(mode="after")
    def _pairs_are_whole(self) -> "MetricsSettings":
        if (self.tls_certificate is None) != (self.tls_key is None):
            message = "tls_certificate and tls_key need each other"
            raise ValueError(message)
        if (self.basic_auth_user is None) != (self.basic_auth_hash is None):
            message = "basic_auth_user and basic_auth_hash need each other"
            raise ValueError(message)
        return self


class ExportSettings(Settings):
    """``[export]``: a collector that gets every flow record as IPFIX, besides the store.

    ``enterprise`` is the number of the elements that no registered one can say. ``queue_rows`` wait for a collector
    that is slow or away before the oldest of them are given up.
    """

    ipfix: Annotated[str, AfterValidator(check_listen)] | None = None
    transport: Literal["udp", "tcp"] = "udp"
    enterprise: Annotated[int, Field(ge=1, lt=1 << 32)] = 32473
    observation_domain: Annotated[int, Field(ge=0, lt=1 << 32)] = 1
    mtu: Annotated[int, Field(ge=576, le=65_535)] = 1500
    records_per_second: Annotated[int, Field(ge=0)] | None = None
    queue_rows: Annotated[int, Field(ge=1000, le=50_000_000)] = 500_000


class Config(Settings):
    """All settings; each has a default, so an empty file is one.

    ``workers`` is None where the machine decides, as is ``memory_max``: half of what it has. All that grows with what
    strangers send is bounded by this number of bytes; see `sensor.memory`.
    """

    flow: FlowSettings = FlowSettings()
    decode: DecodeSettings = DecodeSettings()
    duplicates: DuplicateSettings = DuplicateSettings()
    naming: NamingSettings = NamingSettings()
    country: CountrySettings = CountrySettings()
    hosts: HostSettings = HostSettings()
    store: StoreSettings = StoreSettings()
    rules: RuleSettings = RuleSettings()
    capture: CaptureSettings = CaptureSettings()
    process: ProcessSettings = ProcessSettings()
    log: LogSettings = LogSettings()
    metrics: MetricsSettings = MetricsSettings()
    export: ExportSettings = ExportSettings()
    workers: Annotated[int, Field(ge=1, le=MAXIMUM_WORKERS)] | None = None
    memory_max: MemorySize | None = None

    @model_validator(mode="after")
    def _active_is_longest(self) -> "Config":
        if self.flow.close_timeout_s > self.flow.active_timeout_s:
            message = "flow.close_timeout_s must not be longer than flow.active_timeout_s"
            raise ValueError(message)
        return self


def load_config(path: Path) -> Config:
    """Read a settings file.

    Parameters
    ----------
    path : Path
        TOML. Relative paths in it start at its folder.

    Raises
    ------
    ConfigError
        With file, line, what is wrong and, for an unknown key, the nearest known one.
    """
    shown = printable_path(path)
    try:
        source = read_source(path)
        text = source.toml_text()
    except RuleError as error:
        raise ConfigError(str(error)) from error
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line, message = where_toml_breaks(text, error)
        raise ConfigError(f"{shown}:{line}: not TOML: {message}") from None
    except (RecursionError, ValueError) as error:
        raise ConfigError(f"{shown}: not TOML: {printable(str(error))}") from None
    try:
        config = Config.model_validate(document)
    except ValidationError as error:
        raise ConfigError(_explain(shown, text, error)) from None
    return _beside(config, path.parent)


def _beside(config: Config, folder: Path) -> Config:
    """Let the relative paths of a settings file start at its folder."""
    store_path = config.store.path
    if store_path is not None and "://" not in store_path:
        store_path = str(folder / store_path)

    def placed(path: Path | None) -> Path | None:
        return path and folder / path

    paths: dict[str, dict[str, object]] = {
        "rules": {
            "blocks": tuple(folder / blocks for blocks in config.rules.blocks),
            "folders": tuple(folder / own for own in config.rules.folders),
        },
        "country": {"database": placed(config.country.database)},
        "store": {"path": store_path, "spool": placed(config.store.spool)},
        "process": {"control_socket": placed(config.process.control_socket)},
        "metrics": {
            "tls_certificate": placed(config.metrics.tls_certificate),
            "tls_key": placed(config.metrics.tls_key),
        },
    }
    return config.model_copy(
        update={name: getattr(config, name).model_copy(update=update) for name, update in paths.items()}
    )


def _explain(shown: str, text: str, error: ValidationError) -> str:
    """Put the first error into one line: file, line, key, and what to write instead."""
    lines = toml_lines(text)
    first = min(error.errors(include_url=False), key=lambda item: line_of(lines, item["loc"]))
    location = first["loc"]
    key = ".".join(printable(str(part)) for part in location)
    where = f"{shown}:{line_of(lines, location)}: "
    if first["type"] == "extra_forbidden":
        return f"{where}unknown setting {key}; {nearest(str(location[-1]), _known_keys(location[:-1]))}"
    reason = printable(first["msg"].removeprefix("Value error, "), limit=200)
    is_secret = location[-1:] == ("basic_auth_hash",) or isinstance(first["input"], dict)
    if is_secret and key:
        return f"{where}{key}: {reason}"
    if not key:
        return f"{where}{reason}"
    return f"{where}{key}: {reason}, found {printable(repr(first['input']))}"


def _known_keys(table: tuple[int | str, ...]) -> list[str]:
    model: type[BaseModel] = Config
    for part in table:
        annotation = model.model_fields[str(part)].annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
    return list(model.model_fields)
