//! Large arrays on huge pages where the machine gives them: a flow table is read at random, and small
//! pages would cost a page walk for most packets.

use std::io;
use std::marker::PhantomData;

use bytemuck::Pod;
use memmap2::{Advice, MmapMut};

/// A fixed number of zeroed elements; memory becomes resident where they are written.
#[derive(Debug)]
pub(super) struct Pages<T> {
    map: MmapMut,
    elements: PhantomData<T>,
}

impl<T: Pod> Pages<T> {
    /// `count` elements; fails where the machine has not the address space.
    pub(super) fn new(count: usize) -> io::Result<Self> {
        let bytes = count
            .max(1)
            .checked_mul(size_of::<T>())
            .ok_or(io::ErrorKind::OutOfMemory)?;
        let map = MmapMut::map_anon(bytes)?;
        // Small pages are slower, not wrong.
        let _ = map.advise(Advice::HugePage);
        Ok(Self {
            map,
            elements: PhantomData,
        })
    }

    /// Gives the memory back; no element is left.
    pub(super) fn release(&mut self) {
        if let Ok(nothing) = MmapMut::map_anon(size_of::<T>()) {
            self.map = nothing;
        }
    }

    #[inline]
    pub(super) fn as_slice(&self) -> &[T] {
        bytemuck::cast_slice(&self.map)
    }

    #[inline]
    pub(super) fn as_mut_slice(&mut self) -> &mut [T] {
        bytemuck::cast_slice_mut(&mut self.map)
    }
}
