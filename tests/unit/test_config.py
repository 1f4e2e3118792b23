"""Settings: defaults, bounds, and the line and the mend of every mistake."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from sensor.config import TUNNELS, Config, check_sensor_name, load_config
from sensor.errors import ConfigError


def load(folder: Path, text: str) -> Config:
    path = folder / "blocktap.toml"
    path.write_text(text)
    return load_config(path)


def test_defaults(tmp_path: Path) -> None:
    config = load(tmp_path, "# nothing\n")
    assert config == Config()
    assert (config.flow.idle_timeout_s, config.flow.active_timeout_s, config.flow.close_timeout_s) == (
        120,
        300,
        5,
    )
    assert config.flow.max_flows == 4_000_000
    assert config.decode.tunnels == TUNNELS
    assert (config.duplicates.action, config.duplicates.window_ms) == ("count", 10)
    assert (config.store.sensor, config.workers) == ("replay", None)


def test_all_tables(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        """
workers = 2
[flow]
idle_timeout_s = 60.5
[decode]
tunnels = ["gre", "6in4"]
[duplicates]
action = "drop"
[store]
path = "store"
sensor = "tap-1.example"
[rules]
blocks = ["blocks.toml", "/etc/list#KP"]
watch = ["192.0.2.0/24"]
[capture]
interfaces = ["tap0", "tap1"]
gro = "off"
ring_size = 4096
up = true
[process]
user = "blocktap"
control_socket = "control.sock"
[log]
format = "json"
""",
    )
    assert config.workers == 2
    assert config.flow.idle_timeout_s == 60.5
    assert config.decode.tunnels == ("gre", "6in4")
    assert config.duplicates.action == "drop"
    assert config.store.path == str(tmp_path / "store")
    assert config.rules.blocks == (tmp_path / "blocks.toml", Path("/etc/list#KP"))
    assert config.rules.watch == ("192.0.2.0/24",)
    assert (config.capture.interfaces, config.capture.ring_size) == (("tap0", "tap1"), 4096)
    assert (config.capture.gro, config.capture.lro, config.capture.up) == ("off", "keep", True)
    assert (config.process.user, config.process.control_socket) == ("blocktap", tmp_path / "control.sock")
    assert (config.log.format, config.log.level) == ("json", "info")


def test_object_storage_is_no_path(tmp_path: Path) -> None:
    assert load(tmp_path, '[store]\npath = "s3://bucket/x"').store.path == "s3://bucket/x"


def test_frozen() -> None:
    with pytest.raises(ValidationError):
        Config().flow.idle_timeout_s = 1


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("[flow]\nidle_timeout = 3", 2, "unknown setting flow.idle_timeout; did you mean idle_timeout_s?"),
        ("\n[flwo]\n", 2, "unknown setting flwo; did you mean flow?"),
        ("worker = 2", 1, "did you mean workers?"),
        ("workers = 0", 1, "workers: Input should be greater than or equal to 1, found 0"),
        ("workers = 1.5", 1, "workers"),
        ("[flow]\n\nidle_timeout_s = -1", 3, "flow.idle_timeout_s"),
        ("[flow]\nidle_timeout_s = inf", 2, "flow.idle_timeout_s"),
        ("[flow]\nidle_timeout_s = nan", 2, "flow.idle_timeout_s"),
        ('[flow]\nidle_timeout_s = "60"', 2, "flow.idle_timeout_s"),
        ("[flow]\nmax_flows = true", 2, "flow.max_flows"),
        ("[flow]\nactive_timeout_s = 2\nclose_timeout_s = 3", 1, "must not be longer"),
        ('[decode]\ntunnels = [\n"gre",\n"gri"]', 4, "decode.tunnels.1"),
        ('[duplicates]\naction = "keep"', 2, "'count' or 'drop'"),
        ('[store]\nsensor = ".hidden"', 2, "does not begin with a dot"),
        ('[store]\nsensor = "a/b"', 2, "A-Z a-z 0-9"),
        ("[capture]\nring_size = 0", 2, "capture.ring_size: either 'keep', 'max' or a number of frames"),
        ("[capture]\nring_size = true", 2, "capture.ring_size"),
        ('[capture]\nring_size = "most"', 2, "found 'most'"),
        ('[capture]\ninterfaces = ["a/b"]', 2, "capture.interfaces.0"),
        ("flow = 3", 1, "flow"),
        ('[metrics]\nlisten = "9477"', 2, "an address is host:port"),
        ('[metrics]\nlisten = "::1:9477"', 2, "[::1]:9477"),
        ('[metrics]\nlisten = "localhost:65536"', 2, "a port is a number"),
        ('[metrics]\ntls_key = "key.pem"', 1, "need each other"),
        ('[metrics]\nbasic_auth_user = "a"', 1, "need each other"),
        ('[metrics]\nbasic_auth_user = "a:b"', 2, "metrics.basic_auth_user"),
        ("[metrics]\ntop_flows = 101", 2, "less than or equal to 100"),
        ('[metrics]\nbasic_auth_hash = "secret"', 2, "scrypt$n$r$p$salt$hash"),
        (f'[metrics]\nbasic_auth_hash = "scrypt$1000$8$1${"0" * 32}${"0" * 64}"', 2, "n is a power of two"),
        (f'[metrics]\nbasic_auth_hash = "scrypt$1048576$8$1${"0" * 32}${"0" * 64}"', 2, "at most 262144"),
        ("[flow\n", 1, "not TOML"),
        ("a = 1\na = 2", 2, "not TOML"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, line: int, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert f"blocktap.toml:{line}: " in str(caught.value)
    assert message in str(caught.value)


def test_a_password_is_not_shown(tmp_path: Path) -> None:
    text = f'[metrics]\nbasic_auth_hash = "scrypt$1024$8$1${"0" * 32}${"5ec2e7" * 12}"'
    for wrong in (text, text + "\nbasic_auth_user = 3", text.replace("1024", "1000")):
        with pytest.raises(ConfigError) as caught:
            load(tmp_path, wrong)
        assert "5ec2e7" not in str(caught.value)


def test_metrics(tmp_path: Path) -> None:
    text = '[metrics]\nlisten = "[::1]:9477"\ntls_certificate = "tls/c.pem"\ntls_key = "/etc/k.pem"'
    metrics = load(tmp_path, text).metrics
    assert metrics.tls_certificate == tmp_path / "tls" / "c.pem"
    assert metrics.tls_key == Path("/etc/k.pem")
    assert (Config().metrics.listen, Config().metrics.top_flows) == ("127.0.0.1:9477", 20)


def test_unreadable(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "none.toml")


@pytest.mark.parametrize("name", ["replay", "A.b_c-1", "x" * 64, "-"])
def test_sensor_names(name: str) -> None:
    assert check_sensor_name(name) == name


@pytest.mark.parametrize("name", ["", ".", "..", ".a", "a b", "a/b", "x" * 65, "a\n", "ä"])
def test_bad_sensor_names(name: str) -> None:
    with pytest.raises(ValueError, match="sensor's name"):
        check_sensor_name(name)
