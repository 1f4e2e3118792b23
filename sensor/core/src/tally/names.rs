//! Numbers for the names of blocks and services that outlive the rules: when these are swapped, a label
//! keeps its meaning, and counters go on.

use std::collections::HashMap;
use std::sync::Arc;

use super::TallySettings;

/// Blocks with labels of their own; further ones share [`OTHER_BLOCK`]. Those of earlier rules count.
pub const MAX_BLOCKS: usize = 100;
/// What blocks beyond [`MAX_BLOCKS`] are called.
pub const OTHER_BLOCK: &str = "other";
/// Services with labels of their own; flows of further ones are counted without a service.
pub const MAX_SERVICES: usize = 4096;

/// A block by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct BlockId(u8);

impl BlockId {
    const OTHER: Self = Self(MAX_BLOCKS as u8);
    /// Numbers there can be.
    pub(super) const COUNT: usize = MAX_BLOCKS + 1;

    pub(super) const fn number(self) -> usize {
        self.0 as usize
    }
}

/// A service by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ServiceId(u16);

/// Names with a number each, never forgotten.
#[derive(Debug, Default)]
struct Known {
    names: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u16>,
}

impl Known {
    fn number(&mut self, name: &str, most: usize) -> Option<u16> {
        if let Some(&number) = self.numbers.get(name) {
            return Some(number);
        }
        if self.names.len() >= most {
            return None;
        }
        let (name, number) = (Arc::<str>::from(name), self.names.len() as u16);
        self.names.push(name.clone());
        self.numbers.insert(name, number);
        Some(number)
    }
}

/// The names of all rules so far, and what the indices of the present ones stand for.
#[derive(Debug, Default)]
pub(super) struct Names {
    blocks: Known,
    services: Known,
    block_ids: Vec<BlockId>,
    service_ids: Vec<Option<ServiceId>>,
    has_other: bool,
}

impl Names {
    /// Takes on new rules.
    pub(super) fn take_on(&mut self, settings: &TallySettings) {
        let id = |name: &String| {
            let number = self.blocks.number(name, MAX_BLOCKS);
            number.map_or(BlockId::OTHER, |number| BlockId(number as u8))
        };
        self.block_ids = settings.blocks.iter().map(id).collect();
        self.has_other |= self.block_ids.contains(&BlockId::OTHER);
        let services = settings.catalogue.services().iter();
        let mut id = |name: &str| self.services.number(name, MAX_SERVICES).map(ServiceId);
        self.service_ids = services.map(|service| id(&service.service)).collect();
    }

    /// The block at an index of the present rules.
    pub(super) fn block(&self, index: u32) -> BlockId {
        let id = self.block_ids.get(index as usize).copied();
        id.unwrap_or(BlockId::OTHER)
    }

    /// The service at an index of the present catalogue, where it has a number.
    pub(super) fn service(&self, index: u32) -> Option<ServiceId> {
        self.service_ids.get(index as usize).copied().flatten()
    }

    /// Every block that ever was.
    pub(super) fn all_blocks(&self) -> impl Iterator<Item = BlockId> {
        let known = (0..self.blocks.names.len() as u8).map(BlockId);
        known.chain(self.has_other.then_some(BlockId::OTHER))
    }

    pub(super) fn block_name(&self, id: BlockId) -> Arc<str> {
        let name = self.blocks.names.get(id.number());
        name.map_or_else(|| OTHER_BLOCK.into(), Arc::clone)
    }

    pub(super) fn service_name(&self, id: ServiceId) -> Arc<str> {
        let name = self.services.names.get(usize::from(id.0));
        name.map_or_else(|| "".into(), Arc::clone)
    }
}
