//! What the fuzz targets do with their bytes; the tests of the core do the same with what was found.
//!
//! No target may panic. Most also check what their stage promises: bounds, the same answer by another way,
//! an answer that more bytes do not change.

pub mod classifying;
pub mod decoding;
pub mod dns;
pub mod flows;
pub mod http;
pub mod naming;
pub mod pieces;
pub mod pipeline;
pub mod plain;
pub mod quic;
pub mod sources;
pub mod tls;
pub mod watching;

/// A target's name and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("source", sources::file),
    ("source_packed", sources::packed),
    ("source_merged", sources::merged),
    ("ring_block", sources::ring_block),
    ("decode", decoding::frame),
    ("tunnel", decoding::tunnel),
    ("trie", watching::trie),
    ("head", flows::head),
    ("shard", flows::shard),
    ("tls_client", tls::client_stream),
    ("tls_client_message", tls::client_message),
    ("tls_server", tls::server_stream),
    ("dtls", tls::datagrams),
    ("ja4", tls::ja4),
    ("quic", quic::datagrams),
    ("quic_frames", quic::frames),
    ("gquic", quic::google),
    ("fragments", quic::fragments),
    ("dns_message", dns::message),
    ("dns_stream", dns::stream),
    ("dns_table", dns::table),
    ("dns_join", dns::join),
    ("http", http::stream),
    ("http2", http::http2),
    ("hpack", http::hpack),
    ("starttls", plain::starttls),
    ("proxied", plain::proxied),
    ("classify_tcp", classifying::tcp),
    ("classify_udp", classifying::udp),
    ("name_stream", naming::stream),
    ("name_cut", naming::cut),
    ("name_datagrams", naming::datagrams),
    ("name_states", naming::states),
    ("pipeline", pipeline::replay),
];
