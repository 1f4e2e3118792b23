//! Packets as the parsers see them, and what the parsers share.

use std::sync::Arc;

use super::{SYN, TCP};
use crate::classify::state::{
    DatagramState, NameState, Naming, Segment, Step, StreamState, UdpDatagram,
};
use crate::classify::{Found, Resolvers};
use crate::flow::{Flow, Initiator, Packet};
use crate::name::dns::Message;
use crate::name::dns_table::{DnsContext, DnsRow, DnsTransactions, DnsTransport};
use crate::name::join::{Join, JoinLimits};
use crate::watch::BlockRef;

/// What a look at a packet needs besides the flow's entry.
pub(super) struct Parsers {
    resolvers: Arc<Resolvers>,
    message: Message,
    pub(super) transactions: DnsTransactions,
    pub(super) join: Join,
    pub(super) dns_rows: Vec<DnsRow>,
}

/// Where a flow's state is.
pub(super) enum State<'a> {
    Kept(&'a mut NameState),
    Blank(&'a mut DatagramState),
    New(&'a mut StreamState),
}

impl Parsers {
    pub(super) fn new(resolvers: Arc<Resolvers>, join: JoinLimits, open_queries: usize) -> Self {
        Self {
            resolvers,
            message: Message::default(),
            transactions: DnsTransactions::new(open_queries),
            join: Join::new(join),
            dns_rows: Vec::new(),
        }
    }

    /// The rules have changed: open queries follow them as [`DnsTransactions::rematch`] says.
    pub(super) fn rematch(
        &mut self,
        resolvers: &Arc<Resolvers>,
        renew: impl Fn(u8, u128, BlockRef) -> Option<BlockRef>,
    ) {
        self.resolvers = Arc::clone(resolvers);
        self.transactions.rematch(renew, &mut self.dns_rows);
    }

    /// Shows a packet to a flow's state, wherever that is, and adds to what was found.
    pub(super) fn show(
        &mut self,
        flow: &Flow,
        packet: &Packet,
        payload: &[u8],
        found: &mut Found,
        state: State<'_>,
    ) -> Step {
        let (transactions, join, rows) =
            (&mut self.transactions, &mut self.join, &mut self.dns_rows);
        let mut dns = |message: &Message, transport: DnsTransport| {
            let context = dns_context(flow, packet, transport);
            let was_asked = transactions.take(&context, message, rows);
            if message.is_response() && is_answered_to_inside(flow, packet) {
                // Anyone can send answers: those that nobody asked for drive out none that somebody did.
                if was_asked || !join.is_full() {
                    join.learn(context.inside, message, context.time_ns);
                } else {
                    join.refuse();
                }
            }
        };
        let mut naming = Naming {
            resolvers: &self.resolvers,
            message: &mut self.message,
            found,
            dns: &mut dns,
        };
        match state {
            State::Kept(state) if flow.key.protocol == TCP => {
                state.segment(&segment(flow, packet, payload), &mut naming)
            }
            State::Kept(state) => state.datagram(&datagram(flow, packet, payload), &mut naming),
            State::Blank(state) => state.take(&datagram(flow, packet, payload), &mut naming),
            State::New(state) => state.take(&segment(flow, packet, payload), &mut naming),
        }
    }
}

fn segment<'a>(flow: &Flow, packet: &Packet, payload: &'a [u8]) -> Segment<'a> {
    let from_client = flow.sent_by_client(packet.forward);
    let (source_port, destination_port) = ports(packet);
    let (client_port, server_port) = if from_client {
        (source_port, destination_port)
    } else {
        (destination_port, source_port)
    };
    Segment {
        from_client,
        client_is_known: flow.initiator() != Initiator::Unknown,
        sequence: packet.tcp_sequence,
        syn: packet.tcp_flags & SYN != 0,
        payload,
        client_port,
        server_port,
    }
}

fn datagram<'a>(flow: &Flow, packet: &Packet, payload: &'a [u8]) -> UdpDatagram<'a> {
    let (source_port, destination_port) = ports(packet);
    let destination = if packet.forward {
        packet.key.high()
    } else {
        packet.key.low()
    };
    UdpDatagram {
        from_client: flow.sent_by_client(packet.forward),
        payload,
        length: packet.payload_bytes as usize,
        source_port,
        destination_port,
        multicast: is_multicast(packet.key.version(), destination),
    }
}

const fn ports(packet: &Packet) -> (u16, u16) {
    if packet.forward {
        (packet.key.low_port, packet.key.high_port)
    } else {
        (packet.key.high_port, packet.key.low_port)
    }
}

const fn is_multicast(version: u8, address: u128) -> bool {
    if version == 4 {
        address as u32 >> 28 == 0xe
    } else {
        address >> 120 == 0xff
    }
}

fn dns_context(flow: &Flow, packet: &Packet, transport: DnsTransport) -> DnsContext {
    let (source_port, destination_port) = ports(packet);
    let (low, high) = (packet.key.low(), packet.key.high());
    let (source, destination) = if packet.forward {
        (low, high)
    } else {
        (high, low)
    };
    DnsContext {
        time_ns: packet.time_ns,
        clock_ns: packet.clock_ns,
        inside: flow.addresses().0,
        block: flow.blocks().0,
        source: (source, source_port),
        destination: (destination, destination_port),
        version: packet.key.version(),
        transport,
        flow_id: flow.flow_id(),
    }
}

/// Whether a DNS answer in this packet tells the inside host what an address is called.
fn is_answered_to_inside(flow: &Flow, packet: &Packet) -> bool {
    let receiver = if packet.forward {
        packet.key.high()
    } else {
        packet.key.low()
    };
    flow.is_placed_by_inside() && receiver == flow.addresses().0
}
