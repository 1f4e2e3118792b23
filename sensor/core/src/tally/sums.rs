//! Sums over labels by what these have in common: few, so that the names are looked up for few.

use std::collections::HashMap;

use foldhash::quality::RandomState;

use super::labels::{Country, Labels};
use super::names::{BlockId, ServiceId};
use super::tallies::{BlockTally, OutIn, ServiceTally, add};

/// Traffic by block, service and country.
#[derive(Debug, Default)]
pub(super) struct Sums {
    pub(super) blocks: HashMap<BlockId, BlockTally, RandomState>,
    pub(super) services: HashMap<(BlockId, ServiceId), ServiceTally, RandomState>,
    pub(super) countries: HashMap<(BlockId, Country), OutIn, RandomState>,
}

impl Sums {
    /// The sums over all labels.
    pub(super) fn of(labels: &Labels) -> Self {
        let mut sums = Self::default();
        for (label, cell) in labels.iter() {
            sums.blocks
                .entry(label.block)
                .or_default()
                .add(&BlockTally {
                    packets: cell.packets(),
                    bytes: cell.bytes(),
                });
            if let Some(service) = label.service {
                let sum = sums.services.entry((label.block, service)).or_default();
                sum.add(&ServiceTally {
                    flows: cell.flows,
                    bytes: cell.service_bytes(),
                });
            }
            if let Some(country) = label.country {
                let sum = sums.countries.entry((label.block, country)).or_default();
                add(sum, cell.bytes());
            }
        }
        sums
    }
}
