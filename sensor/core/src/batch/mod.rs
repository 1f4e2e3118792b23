//! Flow records and accounting rows as Arrow record batches, in the store's column order.

mod accounting;
mod column;
mod dns;
mod flows;
mod named;
mod text;

pub use accounting::accounting_batch;
pub use dns::dns_batch;
pub use flows::flows_batch;

use std::collections::HashMap;
use std::sync::Arc;

use crate::classify::Catalogue;

/// What every row of a run shares.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    /// The sensor's name.
    pub sensor: String,
    /// Names of the blocks by their index.
    pub blocks: Vec<String>,
    /// Services by the names of hosts.
    pub catalogue: Arc<Catalogue>,
    /// Category of an application where no service gives one, by its word.
    pub application_categories: HashMap<String, String>,
    /// Whether outside addresses get the country they are registered in.
    pub countries: bool,
}

#[cfg(test)]
mod tests;
