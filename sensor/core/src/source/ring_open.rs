//! How a ring is set up: in this order, so that no packet is seen twice, seen unfiltered or seen without a
//! ring to put it in.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use thiserror::Error;

use super::chunk::MAX_BLOCK_BYTES;
use super::ring_block::Origin;
use super::ring_map::{Device, Ring, Shape, Socket};

/// Fewest blocks of a ring: one filled by the kernel, one looked at, others on their way.
const MIN_BLOCKS: u64 = 8;
/// Shortest block: every frame fits that is not damage.
const MIN_BLOCK_BYTES: u64 = 1 << 18;
/// Most sockets that the kernel has in a group.
const MAX_RINGS: usize = 256;
/// What a frame may be longer than the interface's MTU: Ethernet's header with two VLAN tags.
const FRAME_HEADER_BYTES: u32 = 22;
/// Room before each packet into which its VLAN tag is put back.
const VLAN_TAG_BYTES: i32 = 4;
/// `SOF_TIMESTAMPING_RAW_HARDWARE`.
const ADAPTER_TIMESTAMPS: i32 = 1 << 6;

/// How the packets of an interface are shared by its rings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fanout {
    /// By flow.
    #[default]
    Hash,
    /// By the processor that received them.
    Cpu,
    /// By the receive queue of the adapter.
    Queue,
}

impl Fanout {
    fn number(self) -> u16 {
        let number = match self {
            Self::Hash => libc::PACKET_FANOUT_HASH,
            Self::Cpu => libc::PACKET_FANOUT_CPU,
            Self::Queue => libc::PACKET_FANOUT_QM,
        };
        number as u16
    }
}

/// Whose clock the packets' times are of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timestamps {
    /// The kernel's, which all interfaces share.
    #[default]
    Kernel,
    /// The adapter's where it gives any, which must be set to do so and kept in step with the kernel's; else
    /// the kernel's. `RingCounters::adapter_times` tells which it was.
    Adapter,
}

/// What to capture and how.
#[derive(Clone, Debug)]
pub struct RingOptions {
    /// Names of the interfaces, each once.
    pub interfaces: Vec<String>,
    /// Rings of each interface, one at least.
    pub rings_per_interface: usize,
    /// Memory for all rings together.
    pub memory_bytes: u64,
    /// How an interface's packets are shared by its rings.
    pub fanout: Fanout,
    /// Another ring of the interface takes what one has no room for; flows may then lose their order.
    pub rollover: bool,
    /// Receive what is for others too; a tap's traffic always is.
    pub promiscuous: bool,
    /// Leave out what this machine sends. Always so on the loopback, where it comes back at once.
    pub ignore_outgoing: bool,
    /// Most bytes of a packet that are looked at.
    pub snap_bytes: u32,
    /// A block is handed over after so long, full or not.
    pub retire_ms: u32,
    /// A loaded socket filter program, whose answer is how many bytes of a packet are kept: what it answers
    /// 0 to never reaches a ring and is not counted.
    pub filter: Option<Arc<OwnedFd>>,
    /// Whose clock the packets' times are of.
    pub timestamps: Timestamps,
}

impl Default for RingOptions {
    fn default() -> Self {
        Self {
            interfaces: Vec::new(),
            rings_per_interface: 1,
            memory_bytes: 1 << 28,
            fanout: Fanout::Hash,
            rollover: false,
            promiscuous: true,
            ignore_outgoing: false,
            snap_bytes: u32::MAX,
            retire_ms: 50,
            filter: None,
            timestamps: Timestamps::Kernel,
        }
    }
}

/// Why nothing is captured, and what to do.
#[derive(Debug, Error)]
pub enum RingError {
    /// No interface was named.
    #[error("no interface to capture from: name one at least")]
    NoInterfaces,
    /// It would count everything twice.
    #[error("interface {0} is named twice")]
    NamedTwice(String),
    /// The process lacks a capability.
    #[error("no permission to capture: run as root, or with the capability CAP_NET_RAW")]
    Permission,
    /// There is no interface of that name.
    #[error("{0}: no such interface; `ip link` shows those there are")]
    NoInterface(String),
    /// Its frames cannot be decoded.
    #[error(
        "{name}: interfaces of hardware type {hardware} cannot be decoded; \
         capture on the Ethernet interface beneath"
    )]
    UnsupportedLink {
        /// The interface.
        name: String,
        /// `ARPHRD_` number.
        hardware: u16,
    },
    /// The rings would be too small to be of use.
    #[error(
        "{memory_bytes} bytes are too few for {rings} rings, which need {needed_bytes}: \
         raise capture.memory_bytes or lower capture.rings_per_interface"
    )]
    TooLittleMemory {
        /// What there is to be.
        memory_bytes: u64,
        /// For so many rings.
        rings: usize,
        /// What they need.
        needed_bytes: u64,
    },
    /// The kernel has not the memory.
    #[error("{0}: the kernel has no memory for the rings: lower capture.memory_bytes")]
    NoMemory(String),
    /// The filter program was refused.
    #[error("{name}: the kernel refused the filter program: {failure}")]
    Filter {
        /// The interface.
        name: String,
        /// What it said.
        failure: io::Error,
    },
    /// A step of the set-up failed.
    #[error("{name}: {step}: {failure}")]
    System {
        /// The interface.
        name: String,
        /// What was tried.
        step: &'static str,
        /// What the kernel said.
        failure: io::Error,
    },
}

/// One interface's rings, just opened.
pub(super) struct Opened {
    pub(super) origin: Origin,
    pub(super) rings: Vec<Arc<Ring>>,
}

impl RingOptions {
    /// How each ring is divided.
    pub(super) fn shape(&self) -> Result<Shape, RingError> {
        let rings = self.rings_per_interface.clamp(1, MAX_RINGS) * self.interfaces.len();
        let share_bytes = self.memory_bytes / (rings as u64).max(1);
        let blocks = share_bytes / MIN_BLOCK_BYTES;
        if blocks < MIN_BLOCKS {
            return Err(RingError::TooLittleMemory {
                memory_bytes: self.memory_bytes,
                rings,
                needed_bytes: MIN_BLOCKS * MIN_BLOCK_BYTES * rings as u64,
            });
        }
        let mut block_bytes = u64::from(MAX_BLOCK_BYTES);
        while share_bytes / block_bytes < MIN_BLOCKS {
            block_bytes /= 2;
        }
        Ok(Shape {
            block_bytes: block_bytes as u32,
            blocks: (share_bytes / block_bytes).min(u64::from(u32::MAX)) as u32,
            retire_ms: self.retire_ms.max(1),
        })
    }

    /// Opens the rings of one interface.
    pub(super) fn open(&self, number: u16, shape: Shape) -> Result<Opened, RingError> {
        let name = self
            .interfaces
            .get(usize::from(number))
            .ok_or(RingError::NoInterfaces)?;
        let setup = Setup {
            options: self,
            name,
        };
        setup.open(number, shape)
    }
}

/// One interface being set up.
struct Setup<'a> {
    options: &'a RingOptions,
    name: &'a str,
}

impl Setup<'_> {
    fn open(&self, number: u16, shape: Shape) -> Result<Opened, RingError> {
        let rings = self.options.rings_per_interface.clamp(1, MAX_RINGS);
        let device = self.device()?;
        let link = link(device.hardware).ok_or_else(|| RingError::UnsupportedLink {
            name: self.name.to_owned(),
            hardware: device.hardware,
        })?;
        let mut opened = Vec::with_capacity(rings);
        for _ in 0..rings {
            opened.push(self.ring(device, shape, rings > 1)?);
        }
        if rings > 1 {
            self.join(&opened)?;
            for ring in &opened {
                self.filter(ring.socket())?;
            }
        }
        Ok(Opened {
            origin: Origin {
                link,
                interface: number,
                snap_bytes: self.options.snap_bytes,
                longest_frame_bytes: longest_frame_of(device),
            },
            rings: opened,
        })
    }

    /// One ring, bound to the interface; a deaf one drops everything until it has another filter.
    fn ring(&self, device: Device, shape: Shape, is_deaf: bool) -> Result<Arc<Ring>, RingError> {
        let options = self.options;
        let socket = self.socket()?;
        let version = libc::tpacket_versions::TPACKET_V3 as i32;
        self.step("TPACKET_V3", socket.set(libc::PACKET_VERSION, version))?;
        self.step(
            "room for VLAN tags",
            socket.set(libc::PACKET_RESERVE, VLAN_TAG_BYTES),
        )?;
        if options.timestamps == Timestamps::Adapter {
            self.step(
                "adapter timestamps",
                socket.set(libc::PACKET_TIMESTAMP, ADAPTER_TIMESTAMPS),
            )?;
        }
        if options.ignore_outgoing || device.hardware == libc::ARPHRD_LOOPBACK {
            self.step(
                "leaving out what is sent",
                socket.set(libc::PACKET_IGNORE_OUTGOING, 1),
            )?;
        }
        if is_deaf {
            self.step("a filter", socket.keep_bytes(0))?;
        } else {
            self.filter(&socket)?;
        }
        let ring = socket
            .map(shape)
            .map_err(|failure| match failure.raw_os_error() {
                Some(libc::ENOMEM) => RingError::NoMemory(self.name.to_owned()),
                _ => self.failed("the ring", failure),
            })?;
        if options.promiscuous {
            let joined = ring.socket().join_promiscuous(device.index);
            self.step("promiscuous mode", joined)?;
        }
        self.step("binding", ring.socket().bind(device.index))?;
        Ok(ring)
    }

    /// Makes a group of rings that share the packets. Until they do each would get all of them.
    fn join(&self, rings: &[Arc<Ring>]) -> Result<(), RingError> {
        let mut flags = self.options.fanout.number();
        if self.options.rollover {
            flags |= libc::PACKET_FANOUT_FLAG_ROLLOVER as u16;
        }
        let mut group = None;
        for ring in rings {
            let joined = match group {
                None => {
                    let unique = libc::PACKET_FANOUT_FLAG_UNIQUEID as u16;
                    ring.socket().join_group(0, flags | unique)
                }
                Some(number) => ring.socket().join_group(number, flags),
            };
            let step = "sharing packets between rings (kernels before 6.14 want the interface up)";
            group = Some(self.step(step, joined)?);
        }
        Ok(())
    }

    fn filter(&self, socket: &Socket) -> Result<(), RingError> {
        let attached = match &self.options.filter {
            Some(program) => socket.attach(program.as_fd()),
            None => socket.keep_bytes(self.options.snap_bytes),
        };
        attached.map_err(|failure| RingError::Filter {
            name: self.name.to_owned(),
            failure,
        })
    }

    fn device(&self) -> Result<Device, RingError> {
        let unknown = || RingError::NoInterface(self.name.to_owned());
        let name = CString::new(self.name).map_err(|_| unknown())?;
        self.socket()?.device(&name).map_err(|failure| {
            match (failure.raw_os_error(), failure.kind()) {
                (Some(libc::ENODEV), _) | (_, io::ErrorKind::InvalidInput) => unknown(),
                _ => self.failed("asking what it is", failure),
            }
        })
    }

    fn socket(&self) -> Result<Socket, RingError> {
        Socket::new().map_err(|failure| match failure.kind() {
            io::ErrorKind::PermissionDenied => RingError::Permission,
            _ => self.failed("a packet socket", failure),
        })
    }

    fn step<T>(&self, step: &'static str, outcome: io::Result<T>) -> Result<T, RingError> {
        outcome.map_err(|failure| self.failed(step, failure))
    }

    fn failed(&self, step: &'static str, failure: io::Error) -> RingError {
        RingError::System {
            name: self.name.to_owned(),
            step,
            failure,
        }
    }
}

/// Bytes above which a frame of this interface was merged of several, as of now.
pub(super) fn longest_frame_bytes(ring: &Ring, name: &str) -> Option<u32> {
    let name = CString::new(name).ok()?;
    ring.socket().device(&name).ok().map(longest_frame_of)
}

/// The kernel's number of the interface that has this name now.
pub(super) fn number_of(ring: &Ring, name: &str) -> Option<i32> {
    let name = CString::new(name).ok()?;
    ring.socket().device(&name).ok().map(|device| device.index)
}

fn longest_frame_of(device: Device) -> u32 {
    device.mtu_bytes.saturating_add(FRAME_HEADER_BYTES)
}

/// The link type of an interface's frames as a packet socket gives them, if they can be decoded.
fn link(hardware: u16) -> Option<u16> {
    const ETHERNET: u16 = 1;
    const RAW_IP: u16 = 101;
    const CISCO_HDLC: u16 = 104;
    const WIRELESS: u16 = 105;
    const PRISM: u16 = 119;
    const RADIOTAP: u16 = 127;
    /// Not in libc.
    const ARPHRD_RAWIP: u16 = 519;
    match hardware {
        libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK => Some(ETHERNET),
        // Point-to-point interfaces take their headers off before anybody sees the packets.
        libc::ARPHRD_NONE
        | ARPHRD_RAWIP
        | libc::ARPHRD_PPP
        | libc::ARPHRD_TUNNEL
        | libc::ARPHRD_TUNNEL6
        | libc::ARPHRD_SIT => Some(RAW_IP),
        libc::ARPHRD_CISCO => Some(CISCO_HDLC),
        libc::ARPHRD_IEEE80211 => Some(WIRELESS),
        libc::ARPHRD_IEEE80211_PRISM => Some(PRISM),
        libc::ARPHRD_IEEE80211_RADIOTAP => Some(RADIOTAP),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(interfaces: usize, rings: usize, memory_bytes: u64) -> Result<Shape, RingError> {
        let options = RingOptions {
            interfaces: vec![String::new(); interfaces],
            rings_per_interface: rings,
            memory_bytes,
            ..RingOptions::default()
        };
        options.shape()
    }

    #[test]
    fn memory_is_shared_evenly_and_never_exceeded() {
        for (interfaces, rings, memory_bytes) in [
            (1, 1, 1 << 28),
            (2, 3, 100 << 20),
            (1, 1, 2 << 20),
            (4, 1, 1 << 33),
        ] {
            let shape = shape(interfaces, rings, memory_bytes).expect("a shape");
            let ring_bytes = u64::from(shape.block_bytes) * u64::from(shape.blocks);
            let all_bytes = ring_bytes * (interfaces * rings) as u64;
            assert!(all_bytes <= memory_bytes && all_bytes * 10 > memory_bytes * 9);
            assert!(shape.blocks as u64 >= MIN_BLOCKS);
            assert!(shape.block_bytes.is_power_of_two() && shape.block_bytes <= MAX_BLOCK_BYTES);
        }
    }

    #[test]
    fn too_little_memory_is_refused_with_what_is_needed() {
        let refusal = shape(2, 2, 7 << 20).expect_err("too little").to_string();
        assert!(refusal.contains("8388608"), "{refusal}");
        assert!(shape(2, 2, 8 << 20).is_ok());
    }

    #[test]
    fn only_what_can_be_decoded_is_captured() {
        assert_eq!(link(libc::ARPHRD_ETHER), Some(1));
        assert_eq!(link(libc::ARPHRD_LOOPBACK), Some(1));
        assert_eq!(link(libc::ARPHRD_NONE), Some(101));
        assert_eq!(link(libc::ARPHRD_INFINIBAND), None);
        let refusal = RingError::UnsupportedLink {
            name: "ib0".to_owned(),
            hardware: libc::ARPHRD_INFINIBAND,
        };
        assert!(refusal.to_string().starts_with("ib0: "));
    }
}
