"""Read a systemd unit as far as a test has to."""

from pathlib import Path

SYSTEMD = Path(__file__).resolve().parents[2] / "deploy" / "systemd"
UNIT = SYSTEMD / "blocktap.service"
DROP_IN = SYSTEMD / "blocktap-setup.conf"


class Unit:
    """The directives of a unit file and its drop-ins; one that is given several times has several values."""

    def __init__(self, *paths: Path) -> None:
        self._sections: dict[str, dict[str, list[str]]] = {}
        section: dict[str, list[str]] = {}
        for line in "\n".join(path.read_text() for path in paths).splitlines():
            text = line.strip()
            if text.startswith("["):
                section = self._sections.setdefault(text.strip("[]"), {})
            elif text and not text.startswith(("#", ";")):
                name, _, value = text.partition("=")
                section.setdefault(name, []).append(value)

    def names(self, section: str = "Service") -> set[str]:
        """Every directive of a section."""
        return set(self._sections[section])

    def all(self, name: str, section: str = "Service") -> list[str]:
        """Every value of a directive, in order."""
        return self._sections[section].get(name, [])

    def one(self, name: str, default: str = "", section: str = "Service") -> str:
        """The value that holds: the last."""
        return (self.all(name, section) or [default])[-1]

    def words(self, name: str) -> list[str]:
        """The words of all values."""
        return [word for value in self.all(name) for word in value.split()]
