//! Names: what a flow's own bytes call the outside end.
//!
//! Pure parsers. They get the first bytes of a stream, or one datagram, and know nothing of flows.

pub mod dns;
pub mod dns_name;
pub mod hpack;
pub mod http;
pub mod http2;

/// How far a parser got with the bytes there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress<T> {
    /// These bytes are something else; more of them change nothing.
    No,
    /// Nothing against it yet; call again with more bytes.
    More,
    /// Parsed.
    Done(T),
}
