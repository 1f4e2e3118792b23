//! The packet path of Blocktap: source, decode, watch, flow, batch.
//!
//! Each stage is a module that uses only those named before it; `pipeline` alone knows them all.

pub mod source;

pub mod decode;

pub mod watch;

pub mod flow;

pub mod name;

pub mod classify;

pub mod counters;

#[cfg(feature = "arrow")]
pub mod batch;

pub mod pipeline;
pub mod worker;

#[cfg(feature = "python")]
mod python;
