//! The packet socket and its ring in memory: all of the system that cannot be had without `unsafe`.
//!
//! What this module gives out is safe whatever its callers do. Memory of a ring is reached through a
//! [`Lease`] alone, there is one of a block at most, and only while the kernel has left the block to us.
//! What the kernel wrote into a block is not looked at here.

#![allow(unsafe_code)]
#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]

use std::ffi::{CStr, c_int, c_short, c_uint, c_ushort, c_void};
use std::io;
use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

/// Where a block's header says whose it is.
const STATUS_OFFSET: usize = 8;
/// Set while a block is ours.
const STATUS_USER: u32 = libc::TP_STATUS_USER;
/// What gives a block back.
const STATUS_KERNEL: u32 = libc::TP_STATUS_KERNEL;

/// A network interface as the kernel describes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Device {
    pub(super) index: i32,
    /// `ARPHRD_` number.
    pub(super) hardware: u16,
    /// Longest packet without its link header.
    pub(super) mtu_bytes: u32,
}

/// What a ring counted since it was last asked.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Statistics {
    /// Packets that passed the filter, also those dropped.
    pub(super) packets: u32,
    /// Packets for which there was no room.
    pub(super) dropped: u32,
}

/// A packet socket, bound to no interface at first.
#[derive(Debug)]
pub(super) struct Socket(OwnedFd);

impl Socket {
    /// A socket that receives nothing yet.
    pub(super) fn new() -> io::Result<Self> {
        // SAFETY: no pointers are passed.
        let number =
            unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
        check(number)?;
        // SAFETY: the descriptor was just made and nobody else has it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(number) }))
    }

    /// What is known of an interface.
    pub(super) fn device(&self, name: &CStr) -> io::Result<Device> {
        // SAFETY: all bytes zero are a valid request.
        let mut request: libc::ifreq = unsafe { MaybeUninit::zeroed().assume_init() };
        let bytes = name.to_bytes();
        if bytes.len() >= request.ifr_name.len() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        for (place, &byte) in request.ifr_name.iter_mut().zip(bytes) {
            *place = byte.cast_signed() as libc::c_char;
        }
        let mut ask = |number: libc::c_ulong| {
            // SAFETY: these requests read the name and write the union of a valid `ifreq`.
            check(unsafe { libc::ioctl(self.0.as_raw_fd(), number as _, &raw mut request) })?;
            Ok::<_, io::Error>(request.ifr_ifru)
        };
        // SAFETY: each request writes the field of the union that is read.
        unsafe {
            Ok(Device {
                index: ask(libc::SIOCGIFINDEX)?.ifru_ifindex,
                hardware: ask(libc::SIOCGIFHWADDR)?.ifru_hwaddr.sa_family,
                mtu_bytes: ask(libc::SIOCGIFMTU)?.ifru_mtu.try_into().unwrap_or(0),
            })
        }
    }

    /// Sets a number of the packet level.
    pub(super) fn set(&self, option: c_int, value: c_int) -> io::Result<()> {
        self.set_option(libc::SOL_PACKET, option, &value)
    }

    /// Has the interface receive what is for others too, as long as the socket is open.
    pub(super) fn join_promiscuous(&self, index: i32) -> io::Result<()> {
        let request = libc::packet_mreq {
            mr_ifindex: index,
            mr_type: libc::PACKET_MR_PROMISC as c_ushort,
            mr_alen: 0,
            mr_address: [0; 8],
        };
        self.set_option(libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &request)
    }

    /// Keeps so many bytes of each packet, or no packet with 0. Takes the place of another filter.
    pub(super) fn keep_bytes(&self, count: u32) -> io::Result<()> {
        let mut program = [libc::sock_filter {
            code: (libc::BPF_RET | libc::BPF_K) as u16,
            jt: 0,
            jf: 0,
            k: count,
        }];
        let filter = libc::sock_fprog {
            len: 1,
            filter: program.as_mut_ptr(),
        };
        // The kernel copies the program before the call returns.
        self.set_option(libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &filter)
    }

    /// Receives what a loaded program lets through. Takes the place of another filter.
    pub(super) fn attach(&self, program: BorrowedFd<'_>) -> io::Result<()> {
        self.set_option(libc::SOL_SOCKET, libc::SO_ATTACH_BPF, &program.as_raw_fd())
    }

    /// Begins to receive what comes over an interface.
    pub(super) fn bind(&self, index: i32) -> io::Result<()> {
        // SAFETY: all bytes zero are a valid address.
        let mut address: libc::sockaddr_ll = unsafe { MaybeUninit::zeroed().assume_init() };
        address.sll_family = libc::AF_PACKET as c_ushort;
        address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
        address.sll_ifindex = index;
        // SAFETY: the pointer is to a whole address, and its size is given.
        check(unsafe {
            libc::bind(
                self.0.as_raw_fd(),
                (&raw const address).cast(),
                size_of::<libc::sockaddr_ll>() as libc::socklen_t,
            )
        })
    }

    /// The interface that it receives from; none once that is gone.
    pub(super) fn bound_to(&self) -> io::Result<i32> {
        // SAFETY: all bytes zero are a valid address.
        let mut address: libc::sockaddr_ll = unsafe { MaybeUninit::zeroed().assume_init() };
        let mut length = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
        // SAFETY: the pointers are to a whole address and to its size.
        check(unsafe {
            libc::getsockname(
                self.0.as_raw_fd(),
                (&raw mut address).cast(),
                &raw mut length,
            )
        })?;
        Ok(address.sll_ifindex)
    }

    /// Shares packets with the other sockets of a group; gives the number of the group.
    pub(super) fn join_group(&self, number: u16, flags: u16) -> io::Result<u16> {
        let request = u32::from(flags) << 16 | u32::from(number);
        self.set_option(libc::SOL_PACKET, libc::PACKET_FANOUT, &request)?;
        let joined: u32 = self.option(libc::SOL_PACKET, libc::PACKET_FANOUT)?;
        Ok(joined as u16)
    }

    /// What was counted since this was last called.
    pub(super) fn statistics(&self) -> io::Result<Statistics> {
        let found: [c_uint; 3] = self.option(libc::SOL_PACKET, libc::PACKET_STATISTICS)?;
        let [packets, dropped, _] = found;
        Ok(Statistics { packets, dropped })
    }

    /// The failure that a poll told of, once.
    pub(super) fn take_failure(&self) -> Option<io::Error> {
        match self.option::<c_int>(libc::SOL_SOCKET, libc::SO_ERROR) {
            Ok(0) => None,
            Ok(number) => Some(io::Error::from_raw_os_error(number)),
            Err(failure) => Some(failure),
        }
    }

    /// Makes the ring, of so many blocks; a block is retired after so many milliseconds, full or not.
    pub(super) fn map(self, shape: Shape) -> io::Result<Arc<Ring>> {
        let request = libc::tpacket_req3 {
            tp_block_size: shape.block_bytes,
            tp_block_nr: shape.blocks,
            // Packets lie one behind the other whatever this says; it must divide the block.
            tp_frame_size: shape.block_bytes,
            tp_frame_nr: shape.blocks,
            tp_retire_blk_tov: shape.retire_ms,
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        };
        self.set_option(libc::SOL_PACKET, libc::PACKET_RX_RING, &request)?;
        let block_bytes = shape.block_bytes as usize;
        let bytes = block_bytes * shape.blocks as usize;
        // SAFETY: a new mapping at a place of the kernel's choice.
        let start = unsafe {
            libc::mmap(
                ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                self.0.as_raw_fd(),
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Arc::new(Ring {
            socket: self,
            start,
            block_bytes,
            leased: (0..shape.blocks).map(|_| AtomicBool::new(false)).collect(),
        }))
    }

    /// `T` is a type of the C interface, without references.
    fn set_option<T>(&self, level: c_int, option: c_int, value: &T) -> io::Result<()> {
        // SAFETY: the pointer is to a whole value, and its size is given.
        check(unsafe {
            libc::setsockopt(
                self.0.as_raw_fd(),
                level,
                option,
                ptr::from_ref(value).cast(),
                size_of::<T>() as libc::socklen_t,
            )
        })
    }

    fn option<T: bytemuck::Pod>(&self, level: c_int, option: c_int) -> io::Result<T> {
        let mut value = T::zeroed();
        let mut length = size_of::<T>() as libc::socklen_t;
        // SAFETY: the pointers are to a whole value, which any bytes make valid, and to its size.
        check(unsafe {
            libc::getsockopt(
                self.0.as_raw_fd(),
                level,
                option,
                (&raw mut value).cast(),
                &raw mut length,
            )
        })?;
        Ok(value)
    }
}

/// A descriptor of one's own for what a number stands for: it may come from another language.
///
/// # Errors
/// There is no such descriptor, or there are too many.
pub fn duplicate(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: no pointers are passed, and any number may be asked for.
    let copy = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 0) };
    check(copy)?;
    // SAFETY: the descriptor was just made and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

fn check(outcome: c_int) -> io::Result<()> {
    if outcome < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// How a ring is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) block_bytes: u32,
    pub(super) blocks: u32,
    pub(super) retire_ms: u32,
}

/// A socket with its ring, mapped as long as anybody holds it or a lease of it.
pub(super) struct Ring {
    socket: Socket,
    start: NonNull<u8>,
    block_bytes: usize,
    /// Of each block, whether there is a lease.
    leased: Box<[AtomicBool]>,
}

// SAFETY: the mapping belongs to the process, not to a thread. It is written to through a lease alone, of
// which there is one a block at most, and through the atomic status.
unsafe impl Send for Ring {}
// SAFETY: as above.
unsafe impl Sync for Ring {}

impl Ring {
    pub(super) fn socket(&self) -> &Socket {
        &self.socket
    }

    pub(super) fn blocks(&self) -> usize {
        self.leased.len()
    }

    /// Whether somebody holds a lease of this block.
    pub(super) fn is_leased(&self, block: usize) -> bool {
        self.leased
            .get(block)
            .is_some_and(|leased| leased.load(Ordering::Acquire))
    }

    /// A block that the kernel has filled; none if it has not yet, or if there is a lease of it already.
    pub(super) fn lease(self: &Arc<Self>, block: usize) -> Option<Lease> {
        let leased = self.leased.get(block)?;
        if leased.swap(true, Ordering::Acquire) {
            return None;
        }
        // SAFETY: the block is one of the ring's, by the look into `leased` above.
        let start = unsafe { self.start.add(block * self.block_bytes) };
        let lease = Lease {
            ring: Arc::clone(self),
            start,
            block,
        };
        if lease.status().load(Ordering::Acquire) & STATUS_USER == 0 {
            // Not ours, so not to be given back.
            leased.store(false, Ordering::Release);
            lease.forget();
            return None;
        }
        Some(lease)
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: this is the mapping that was made with this size; no lease is left, as each holds the ring.
        unsafe {
            libc::munmap(
                self.start.as_ptr().cast::<c_void>(),
                self.block_bytes * self.leased.len(),
            );
        }
    }
}

/// A filled block of a ring. The kernel gets it back when this is dropped.
pub struct Lease {
    ring: Arc<Ring>,
    start: NonNull<u8>,
    block: usize,
}

// SAFETY: as of `Ring`; the bytes are shared for reading and written to by whoever has the lease alone.
unsafe impl Send for Lease {}
// SAFETY: as above.
unsafe impl Sync for Lease {}

impl Lease {
    /// The whole block.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: the block is mapped as long as the ring, which is held. While it is leased the kernel does
        // not touch it, nobody has another lease, and `bytes_mut` takes this one for itself.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.ring.block_bytes) }
    }

    /// The whole block, to be changed.
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as of `bytes`.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.ring.block_bytes) }
    }

    fn status(&self) -> &AtomicU32 {
        // SAFETY: blocks are aligned to pages and much longer than their headers. No slice of the bytes is
        // alive where this is called: before the lease is given out and when it is dropped.
        unsafe { AtomicU32::from_ptr(self.start.add(STATUS_OFFSET).as_ptr().cast()) }
    }

    /// Lets go of the ring without giving the block back.
    fn forget(self) {
        let mut lease = std::mem::ManuallyDrop::new(self);
        // SAFETY: the lease is not used again, and its other fields need no drop.
        unsafe { ptr::drop_in_place(&raw mut lease.ring) };
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.status().store(STATUS_KERNEL, Ordering::Release);
        if let Some(leased) = self.ring.leased.get(self.block) {
            leased.store(false, Ordering::Release);
        }
    }
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Lease({})", self.block)
    }
}

/// Waits for any of several rings.
#[derive(Debug, Default)]
pub(super) struct Poll {
    entries: Vec<libc::pollfd>,
}

impl Poll {
    /// Waits until a ring has a block or a failure. Of a ring that is not `awaited` only failures count.
    pub(super) fn wait<'a>(
        &mut self,
        rings: impl Iterator<Item = (&'a Ring, bool)>,
        patience: Duration,
    ) -> io::Result<()> {
        self.entries.clear();
        self.entries
            .extend(rings.map(|(ring, awaited)| libc::pollfd {
                fd: ring.socket.0.as_raw_fd(),
                events: if awaited { libc::POLLIN } else { 0 } as c_short,
                revents: 0,
            }));
        // Rounded up: not to come back, find nothing due and wait again for a part of a millisecond.
        let patience_ms = patience.as_micros().div_ceil(1000);
        // SAFETY: the pointer is to so many entries.
        let outcome = unsafe {
            libc::poll(
                self.entries.as_mut_ptr(),
                self.entries.len() as libc::nfds_t,
                c_int::try_from(patience_ms).unwrap_or(c_int::MAX),
            )
        };
        match check(outcome) {
            Err(failure) if failure.kind() == io::ErrorKind::Interrupted => Ok(()),
            outcome => outcome,
        }
    }

    /// Whether the ring that was given in this place had a failure.
    pub(super) fn failed(&self, place: usize) -> bool {
        const FAILURES: c_short = libc::POLLERR | libc::POLLHUP | libc::POLLNVAL;
        self.entries
            .get(place)
            .is_some_and(|entry| entry.revents & FAILURES != 0)
    }
}
