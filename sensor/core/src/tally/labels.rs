//! Labels by number, with what was counted under each.

use std::collections::HashMap;

use foldhash::quality::RandomState;

use super::names::{BlockId, ServiceId};
use crate::classify::NameSource;

/// Most labels of a shard; flows that would need more are counted under their block alone.
pub const MAX_LABELS: usize = u16::MAX as usize;

/// The two letters of a country.
pub type Country = [u8; 2];

/// Every block's label without service and country has room besides, with every source and application flag.
const ALWAYS_ROOM: usize = BlockId::COUNT * (NameSource::ALL.len() + 1) * 2;

/// What a flow's packets are counted under, and what else has been counted of the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Label {
    pub(super) block: BlockId,
    pub(super) country: Option<Country>,
    pub(super) service: Option<ServiceId>,
    /// Where the name stood by which the service was looked for.
    pub(super) source: Option<NameSource>,
    /// Whether the flow has been counted under its application.
    pub(super) has_application: bool,
}

/// What was counted under a label: one cache line.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
pub(super) struct Cell {
    /// In and out.
    packets: [u64; 2],
    bytes: [u64; 2],
    /// Bytes of the label's flows before they had its service: the service's, but counted elsewhere for the
    /// block and the country.
    credited: [u64; 2],
    /// Flows that came by the label's service.
    pub(super) flows: u64,
}

const IN: usize = 0;
const OUT: usize = 1;

impl Cell {
    #[inline]
    fn add(&mut self, out: bool, bytes: u32) {
        let way = usize::from(out);
        self.packets[way] += 1;
        self.bytes[way] += u64::from(bytes);
    }

    pub(super) fn credit(&mut self, (out, incoming): (u64, u64)) {
        self.credited[OUT] += out;
        self.credited[IN] += incoming;
    }

    /// Packets out and in.
    pub(super) const fn packets(&self) -> (u64, u64) {
        (self.packets[OUT], self.packets[IN])
    }

    /// Bytes out and in.
    pub(super) const fn bytes(&self) -> (u64, u64) {
        (self.bytes[OUT], self.bytes[IN])
    }

    /// Bytes out and in of the label's service.
    pub(super) const fn service_bytes(&self) -> (u64, u64) {
        (
            self.bytes[OUT] + self.credited[OUT],
            self.bytes[IN] + self.credited[IN],
        )
    }
}

/// The labels in use.
#[derive(Debug, Default)]
pub(super) struct Labels {
    numbers: HashMap<Label, u16, RandomState>,
    meanings: Vec<Label>,
    cells: Vec<Cell>,
    /// Times that a flow had to do without service and country.
    pub(super) refused: u64,
}

impl Labels {
    /// The number of a label, from 1; that of its block alone where there is no room.
    pub(super) fn number(&mut self, label: Label) -> u16 {
        if let Some(&number) = self.numbers.get(&label) {
            return number;
        }
        let is_plain = label.country.is_none() && label.service.is_none();
        if !is_plain && self.meanings.len() >= MAX_LABELS - ALWAYS_ROOM {
            self.refused += 1;
            return self.number(Label {
                country: None,
                service: None,
                ..label
            });
        }
        self.meanings.push(label);
        self.cells.push(Cell::default());
        let number = self.meanings.len() as u16;
        self.numbers.insert(label, number);
        number
    }

    /// The label with a number that was given out.
    pub(super) fn label(&self, number: u16) -> Option<Label> {
        let place = usize::from(number).checked_sub(1)?;
        self.meanings.get(place).copied()
    }

    pub(super) fn cell(&mut self, number: u16) -> Option<&mut Cell> {
        let place = usize::from(number).checked_sub(1)?;
        self.cells.get_mut(place)
    }

    /// Counts a packet.
    #[inline]
    pub(super) fn add(&mut self, number: u16, out: bool, bytes: u32) {
        if let Some(cell) = self.cells.get_mut(usize::from(number).wrapping_sub(1)) {
            cell.add(out, bytes);
        }
    }

    /// Every label with its cell.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Label, &Cell)> {
        self.meanings.iter().zip(&self.cells)
    }
}
