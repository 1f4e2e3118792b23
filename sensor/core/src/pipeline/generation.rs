//! The rules in force, and what becomes of what is under way when others come.

use std::collections::HashMap;
use std::sync::Arc;

use super::Settings;
use crate::batch::Labels;
use crate::classify::Resolvers;
use crate::tally::TallySettings;
use crate::watch::{BlockRef, Watch};

/// The rules that packets are matched and named by until others come.
#[derive(Debug)]
pub struct Generation {
    /// Grows with each change.
    pub number: u64,
    /// The watched prefixes.
    pub watch: Arc<Watch>,
    /// What its blocks, and the services, are called.
    pub labels: Arc<Labels>,
    /// Names of resolvers.
    pub resolvers: Arc<Resolvers>,
}

impl Generation {
    /// The rules that a run begins with.
    pub fn first(settings: &Settings) -> Self {
        Self {
            number: 0,
            watch: Arc::clone(&settings.watch),
            labels: Arc::clone(&settings.labels),
            resolvers: Arc::clone(&settings.naming.resolvers),
        }
    }

    /// What metrics are counted by under these rules.
    pub(super) fn tally(&self, top_flows: usize) -> TallySettings {
        TallySettings {
            blocks: self.labels.blocks.as_slice().into(),
            catalogue: Arc::clone(&self.labels.catalogue),
            countries: self.labels.countries,
            top_flows,
        }
    }
}

/// From one generation to the next, at one moment of the stream.
#[derive(Debug)]
pub struct Change {
    to: Arc<Generation>,
    time_ns: i64,
    clock_ns: u64,
    /// A number for the name of each block, equal for equal names, by the old and by the new index.
    old_names: Vec<u32>,
    new_names: Vec<u32>,
}

impl Change {
    /// The change between two generations when packet time and the stream's clock say this much.
    pub fn new(from: &Generation, to: &Arc<Generation>, time_ns: i64, clock_ns: u64) -> Self {
        let mut numbers: HashMap<&str, u32> = HashMap::new();
        let mut number = |name| {
            let next = numbers.len() as u32;
            *numbers.entry(name).or_insert(next)
        };
        let old_names = from.labels.blocks.iter().map(|name| number(name)).collect();
        let new_names = to.labels.blocks.iter().map(|name| number(name)).collect();
        Self {
            to: Arc::clone(to),
            time_ns,
            clock_ns,
            old_names,
            new_names,
        }
    }

    /// The new rules.
    pub fn to(&self) -> &Arc<Generation> {
        &self.to
    }

    /// The stream's clock at the change.
    pub fn clock_ns(&self) -> u64 {
        self.clock_ns
    }

    /// The new number of the block that an address lies in, unless that is called otherwise than `old` was.
    pub fn renew(&self, version: u8, address: u128, old: BlockRef) -> Option<BlockRef> {
        let new = self.to.watch.lookup(version, address, self.time_ns);
        let (Some(old), Some(index)) = (old.index(), new.index()) else {
            return (old == new).then_some(new);
        };
        let old_name = self.old_names.get(old as usize)?;
        (self.new_names.get(index as usize) == Some(old_name)).then_some(new)
    }
}
