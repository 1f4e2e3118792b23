//! Flow records and accounting rows as Arrow record batches, in the store's column order.

#[cfg(feature = "arrow")]
mod accounting;
#[cfg(feature = "arrow")]
mod column;
#[cfg(feature = "arrow")]
mod dns;
#[cfg(feature = "arrow")]
mod flows;
#[cfg(feature = "arrow")]
mod hosts;
#[cfg(feature = "arrow")]
mod named;
#[cfg(feature = "arrow")]
mod text;

#[cfg(feature = "arrow")]
pub use accounting::accounting_batch;
#[cfg(feature = "arrow")]
pub use dns::dns_batch;
#[cfg(feature = "arrow")]
pub use flows::flows_batch;
#[cfg(feature = "arrow")]
pub use hosts::hosts_batch;

use std::collections::HashMap;
use std::sync::Arc;

use crate::classify::Catalogue;

/// What every row shares until the rules change.
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

#[cfg(all(test, feature = "arrow"))]
mod tests;
