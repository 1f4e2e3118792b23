"""What other engines must be told of object storage: where it answers, and with which keys."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import quote

from sensor.errors import StoreError
from sensor.store.place.address import Address

AMAZON_REGION = "us-east-1"


@dataclass(frozen=True)
class Bucket:
    """A store on S3, or on a server that speaks as S3 does.

    Attributes
    ----------
    name, prefix
        The bucket, and the store's folder in it, without slashes at its ends.
    endpoint
        ``http://host:port`` of a server of one's own; None for Amazon's.
    region
        Of the bucket.
    key, secret, token
        From the environment; empty where the engine finds its own.
    """

    name: str
    prefix: str
    endpoint: str | None
    region: str
    key: str
    secret: str
    token: str

    @property
    def url(self) -> str:
        """The store's folder, as a web address."""
        base = f"{self.endpoint}/{self.name}" if self.endpoint else self._amazon()
        return f"{base}/{quote(self.prefix)}" if self.prefix else base

    def _amazon(self) -> str:
        return f"https://{self.name}.s3.{self.region}.amazonaws.com"


def read_bucket(address: Address) -> Bucket:
    """What an address and the environment say.

    Raises
    ------
    StoreError
        The address is of another kind of storage.
    """
    if address.scheme != "s3":
        raise StoreError(
            f"{address.name}: this engine reads folders and s3://; study it with --engine duckdb"
        )
    words = dict(address.words)
    endpoint = words.get("endpoint_override") or os.environ.get(
        "AWS_ENDPOINT_URL_S3", os.environ.get("AWS_ENDPOINT_URL")
    )
    if endpoint and "://" not in endpoint:
        plain = words.get("allow_http") in {"true", "1", "yes"}
        endpoint = f"{words.get('scheme') or ('http' if plain else 'https')}://{endpoint}"
    name, _, prefix = address.folder.partition("/")
    return Bucket(
        name=name,
        prefix=prefix,
        endpoint=endpoint.rstrip("/") if endpoint else None,
        region=words.get("region") or os.environ.get("AWS_REGION", AMAZON_REGION),
        key=os.environ.get("AWS_ACCESS_KEY_ID", ""),
        secret=os.environ.get("AWS_SECRET_ACCESS_KEY", ""),
        token=os.environ.get("AWS_SESSION_TOKEN", ""),
    )
