//! The packet path of Blocktap: source, decode, watch, flow, batch.
//!
//! Each stage is a module that uses only those named before it; `pipeline` alone knows them all.

pub mod classify;
pub mod decode;
pub mod name;
pub mod source;
