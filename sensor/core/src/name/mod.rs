//! Names: what a flow's own bytes call the other end.
//!
//! Parsers of bytes, each without knowledge of flows, addresses or ports. TCP parsers are given the
//! first bytes of one direction in order and are asked again when more have come; UDP parsers are
//! given datagrams one at a time with a small state kept beside the flow. Every one answers with
//! [`Progress`], panics on no input, and has a named limit for whatever it keeps.

pub mod dns;
pub mod dns_name;
pub mod dns_table;
pub mod dtls;
pub mod fragments;
pub mod gquic;
pub mod hostname;
pub mod hpack;
pub mod http;
pub mod http2;
pub mod ja4;
pub mod join;
pub mod proxied;
pub mod quic;
pub mod quic_crypto;
pub mod quic_header;
pub mod reader;
pub mod starttls;
pub mod tls;
pub mod tls_records;
pub mod tls_server;
mod tls_sslv2;

#[cfg(test)]
pub(crate) mod hello_for_tests;

pub use hostname::Name;

/// What a parser can say of the bytes it has seen so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress<T> {
    /// These bytes are something else.
    No,
    /// So far it fits; more bytes are needed.
    More,
    /// Read whole.
    Done(T),
}

impl<T> Progress<T> {
    /// The value when it was read whole.
    pub fn done(self) -> Option<T> {
        match self {
            Self::Done(value) => Some(value),
            Self::No | Self::More => None,
        }
    }

    /// The same progress with the value turned into another.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Progress<U> {
        match self {
            Self::No => Progress::No,
            Self::More => Progress::More,
            Self::Done(value) => Progress::Done(change(value)),
        }
    }
}
