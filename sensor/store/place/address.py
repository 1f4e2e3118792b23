"""Addresses of object storage: ``s3://bucket/prefix?endpoint_override=...``, and the file systems behind them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from sensor.errors import StoreError

if TYPE_CHECKING:
    import pyarrow.fs

_S3_WORDS = frozenset({"endpoint_override", "region", "scheme", "allow_http", "role_arn", "tls_ca_file_path"})
_REFUSALS = ("ACCESS_DENIED", "INVALID_ACCESS_KEY", "SIGNATURE_DOES_NOT_MATCH", "NO_SUCH_BUCKET", "FORBIDDEN")
_CONNECT_S = 5.0
_ATTEMPTS = 2  # whoever can wait tries again by itself


@dataclass(frozen=True)
class Address:
    """Where a store lies on object storage; ``folder`` is bucket and prefix."""

    scheme: str
    folder: str
    words: tuple[tuple[str, str], ...]
    text: str

    @property
    def name(self) -> str:
        """The address without its query, which may tell more than a log should have."""
        return f"{self.scheme}://{self.folder}"

    @property
    def server(self) -> str:
        """Who serves it, where that is not the one that the scheme means."""
        return (dict(self.words).get("endpoint_override") or _endpoint() or "") if self.scheme == "s3" else ""


def parse_address(text: str) -> Address:
    """Take an address apart.

    Raises
    ------
    StoreError
        It cannot be understood, or has keys in it, which belong into the environment.
    """
    parts = urlsplit(text)
    scheme = {"gcs": "gs", "abfss": "abfs", "az": "abfs"}.get(parts.scheme, parts.scheme)
    if scheme not in {"s3", "gs", "abfs"}:
        raise StoreError(f"{parts.scheme}:// is no place for a store: use a folder, s3://, gs:// or abfs://")
    if "@" in parts.netloc and scheme != "abfs":
        raise StoreError(
            f"{scheme}://: no keys in an address, everybody can see them; set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY in the environment"
        )
    words = tuple(parse_qsl(parts.query, keep_blank_values=True))
    unknown = [word for word, _ in words if word not in _S3_WORDS] if scheme == "s3" else []
    if unknown:
        raise StoreError(
            f"{scheme}://{parts.netloc}{parts.path}: unknown {unknown[0]!r}; known are {', '.join(sorted(_S3_WORDS))}"
        )
    if not parts.netloc:
        raise StoreError(f"{text}: there is no bucket in this address")
    folder = f"{parts.netloc}/{unquote(parts.path).strip('/')}".rstrip("/")
    return Address(scheme, folder, words, text)


def open_file_system(address: Address) -> tuple[pyarrow.fs.FileSystem, str]:
    """Pyarrow's file system of an address, and the path of the store in it.

    Keys and whatever the address leaves open come from the environment.

    Raises
    ------
    StoreError
        The settings do not hold together.
    """
    import pyarrow as pa
    from pyarrow import fs

    try:
        if address.scheme == "s3":
            return _s3(dict(address.words)), address.folder
        file_system, path = fs.FileSystem.from_uri(address.text)
        return file_system, path.strip("/")
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, ValueError) as error:
        raise StoreError(f"{address.name}: {str(error).splitlines()[0]}") from error


def _endpoint() -> str | None:
    # The two names that Amazon's own tools read.
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")


def _s3(words: dict[str, str]) -> pyarrow.fs.FileSystem:
    from pyarrow import fs

    endpoint = words.get("endpoint_override") or _endpoint()
    scheme = words.get("scheme")
    if endpoint and "://" in endpoint:
        found, _, endpoint = endpoint.partition("://")
        scheme = scheme or found
    if words.get("allow_http") in {"true", "1", "yes"}:
        scheme = scheme or "http"
    told = {
        "endpoint_override": endpoint,
        "scheme": scheme,
        # Other servers than Amazon's have no regions; asking for one would go to the network.
        "region": words.get("region")
        or (None if endpoint is None else os.environ.get("AWS_REGION", "us-east-1")),
        "role_arn": words.get("role_arn"),
        "tls_ca_file_path": words.get("tls_ca_file_path"),
    }
    return fs.S3FileSystem(
        connect_timeout=_CONNECT_S,
        allow_delayed_open=True,  # a small object is one request
        background_writes=False,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS),
        **{word: value for word, value in told.items() if value is not None},
    )


def is_refused(error: OSError) -> bool:
    """Whether the storage answered and said no, which waiting does not mend."""
    words = str(error).upper().replace(" ", "_")
    return isinstance(error, PermissionError) or any(word in words for word in _REFUSALS)
