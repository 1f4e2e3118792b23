//! The packet path of Blocktap: source, decode, watch, flow, batch.
//!
//! Each stage is a module that uses only those named before it; `pipeline` alone knows them all.

/// Flows come and go by the million, each with small allocations while it is named: the system's allocator
/// would take a tenth of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub mod source;

pub mod decode;

pub mod watch;

pub mod flow;

pub mod name;

pub mod classify;

pub mod hosts;

pub mod tally;

pub mod counters;

pub mod batch;

pub mod pipeline;
pub mod worker;

#[cfg(feature = "python")]
mod python;
