//! What is kept of a flow while its names are not settled: bytes in order, parsers between datagrams.
//!
//! A flow's payload goes to [`NameState::segment`] or [`NameState::datagram`] until that answers
//! [`Step::Settled`]; then the state can be freed, and later payload need not be looked at. What
//! was found stays in the flow's [`Found`].

mod datagrams;
mod dns_stream;
mod http_stream;
mod opening;
mod slab;
mod stream;
#[cfg(test)]
mod tests;

pub use datagrams::{DatagramState, MAX_NAME_DATAGRAMS};
pub use slab::{Kept, MAX_STATE_BYTES, NameStates, NameStatesCounters, StateRef};
pub use stream::{MAX_CLASSIFY_SEGMENTS, MAX_NAME_SEGMENTS, SYN_BITS, StreamState};

use super::found::{Found, NameSource};
use super::refine::Resolvers;
use crate::name::dns::Message;
use crate::name::dns_table::DnsTransport;

/// Whether a flow's later payload is worth looking at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// More may be found.
    Continue,
    /// More may be found, but only in what the flow's initiator sends.
    OnlyClient,
    /// More may be found, but only in what the other end sends.
    OnlyServer,
    /// Nothing more will be: the state can be freed.
    Settled,
}

/// One TCP segment.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// Whether the flow's initiator sent it; of a flow met in the middle, the inside end.
    pub from_client: bool,
    /// Whether the initiator is known: the flow was not met in the middle.
    pub client_is_known: bool,
    /// Sequence number.
    pub sequence: u32,
    /// Whether it has the SYN flag.
    pub syn: bool,
    /// Payload as far as it was captured.
    pub payload: &'a [u8],
    /// Port of the initiator.
    pub client_port: u16,
    /// Port of the other end.
    pub server_port: u16,
}

/// One UDP datagram.
#[derive(Clone, Copy, Debug)]
pub struct UdpDatagram<'a> {
    /// Whether the sender of the flow's first packet sent it.
    pub from_client: bool,
    /// Payload as far as it was captured.
    pub payload: &'a [u8],
    /// Length of the payload by the headers.
    pub length: usize,
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Whether it went to a multicast address.
    pub multicast: bool,
}

/// What a look at a packet needs besides the flow's state.
pub struct Naming<'a> {
    /// Known resolvers.
    pub resolvers: &'a Resolvers,
    /// Memory for DNS messages, used again and again.
    pub message: &'a mut Message,
    /// What was found of the flow.
    pub found: &'a mut Found,
    /// Called with each DNS message.
    pub dns: &'a mut dyn FnMut(&Message, DnsTransport),
}

impl Naming<'_> {
    /// Takes the DNS message that `message` holds.
    fn take_message(&mut self, transport: DnsTransport) {
        for question in self.message.questions() {
            let name = self.message.text(question.name);
            self.found.add_name(name, NameSource::DnsQuery);
        }
        (self.dns)(self.message, transport);
    }
}

/// The state of one flow; boxed, since most flows that something is kept of have none any more.
#[derive(Debug)]
pub enum NameState {
    /// Of TCP.
    Stream(Box<StreamState>),
    /// Of UDP.
    Datagrams(Box<DatagramState>),
    /// Of UDP that is DNS, of which there is nothing else to know.
    Dns,
}

impl NameState {
    /// The state of a new flow of this IP protocol, if there is anything to be found in such.
    pub fn new(protocol: u8) -> Option<Self> {
        const TCP: u8 = 6;
        const UDP: u8 = 17;
        match protocol {
            TCP => Some(Self::Stream(Box::default())),
            UDP => Some(Self::Datagrams(Box::default())),
            _ => None,
        }
    }

    /// Takes the next segment of a TCP flow, SYNs included.
    pub fn segment(&mut self, segment: &Segment<'_>, naming: &mut Naming<'_>) -> Step {
        match self {
            Self::Stream(state) => state.take(segment, naming),
            Self::Datagrams(_) | Self::Dns => Step::Settled,
        }
    }

    /// Takes the next datagram of a UDP flow.
    pub fn datagram(&mut self, datagram: &UdpDatagram<'_>, naming: &mut Naming<'_>) -> Step {
        match self {
            Self::Datagrams(state) => state.take(datagram, naming),
            Self::Dns => DatagramState::of_dns().take(datagram, naming),
            Self::Stream(_) => Step::Settled,
        }
    }

    /// Bytes of memory, about.
    pub fn heap_bytes(&self) -> usize {
        match self {
            Self::Stream(state) => state.heap_bytes(),
            Self::Datagrams(state) => state.heap_bytes(),
            Self::Dns => 0,
        }
    }

    /// Reads all of it, so that it is near when it is needed.
    #[inline]
    fn touch(&self) -> u64 {
        match self {
            Self::Stream(state) => state.touch(),
            Self::Datagrams(state) => state.touch(),
            Self::Dns => 0,
        }
    }
}
