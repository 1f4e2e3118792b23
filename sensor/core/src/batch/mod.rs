//! Flow records and accounting rows as Arrow record batches, in the store's column order.

mod accounting;
mod column;
mod flows;
mod text;

pub use accounting::accounting_batch;
pub use flows::flows_batch;

/// What every row of a run shares.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    /// The sensor's name.
    pub sensor: String,
    /// Names of the blocks by their index.
    pub blocks: Vec<String>,
}

#[cfg(test)]
mod tests;
