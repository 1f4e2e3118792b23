//! Flows made by hand and by chance; a slow and simple shard says what is right.

pub(crate) mod build;
mod clock;
mod duplicate;
mod eviction;
mod fragment;
mod fragment_shard;
mod key;
mod model;
mod records;
mod rematch;
mod shard;
mod silent;
mod table;
