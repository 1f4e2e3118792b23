//! Applications by what the bytes say, never by port alone.
//!
//! Each matcher lists its evidence: two independent signs, or one that is specific. Matchers know
//! nothing of flows; [`tcp`] gets the first bytes of both directions, [`udp`] one datagram after another
//! with a small state of the flow. What TLS, QUIC, DTLS, HTTP and DNS are is said by the name stage.
//!
//! Not recognisable, hence never said: Bitcoin's v2 transport, Ethereum's discovery v5, obfuscated
//! MTProto and obfuscated OpenVPN, which are made to look random.

mod application;
mod bytes;
mod coins;
mod country;
mod curve;
mod ethereum;
mod found;
mod games;
mod infrastructure;
mod ipsec;
mod mail;
mod mining;
mod namer;
mod note;
mod openvpn;
mod p2p;
mod plain;
mod proxy;
mod refine;
mod remote;
mod state;
mod suffix;
mod tracked;
mod voice;
mod vpn;

pub use application::Application;
pub use country::{REGISTRY_DATE, registered_country};
pub use found::{Found, MAX_FOUND_NAME_BYTES, MAX_FOUND_NAMES, MAX_USER_AGENTS, NameSource};
pub use namer::{MAX_BLANK_DATAGRAMS, Namer, NamerCounters, NamingSettings};
pub use note::Note;
pub use refine::Resolvers;
pub use state::{
    DatagramState, MAX_CLASSIFY_SEGMENTS, MAX_NAME_DATAGRAMS, MAX_NAME_SEGMENTS, MAX_STATE_BYTES,
    NameState, NameStates, NameStatesCounters, Naming, Segment, StateRef, Step, StreamState,
    UdpDatagram,
};
pub use suffix::{Catalogue, EXCEPTION, Service};
pub use tracked::UdpState;

/// What a flow is, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The protocol seen.
    pub application: Application,
    /// The signs it was known by.
    pub evidence: &'static [&'static str],
    /// Whether the signs are consistency over several packets and nothing specific.
    pub heuristic: bool,
}

impl Verdict {
    const fn sure(application: Application, evidence: &'static [&'static str]) -> Self {
        Self {
            application,
            evidence,
            heuristic: false,
        }
    }

    const fn likely(application: Application, evidence: &'static [&'static str]) -> Self {
        Self {
            application,
            evidence,
            heuristic: true,
        }
    }
}

/// Who sent a datagram: the sender of the flow's first packet is the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The end that sent the first packet.
    Client,
    /// The other end.
    Server,
}

/// One UDP datagram.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// Payload, as far as it was captured.
    pub bytes: &'a [u8],
    /// Length of the payload by the headers.
    pub length: usize,
    /// Who sent it.
    pub side: Side,
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
}

impl Datagram<'_> {
    fn has_port(&self, port: u16) -> bool {
        self.source_port == port || self.destination_port == port
    }
}

/// The first bytes of both directions of a TCP connection, in order, from its beginning.
#[derive(Clone, Copy, Debug)]
struct Streams<'a> {
    client: &'a [u8],
    server: &'a [u8],
}

impl<'a> Streams<'a> {
    fn both(self) -> [&'a [u8]; 2] {
        [self.client, self.server]
    }
}

const TCP_MATCHERS: &[fn(Streams<'_>) -> Option<Verdict>] = &[
    remote::ssh,
    mail::smtp_or_ftp,
    mail::imap,
    mail::pop3,
    remote::rdp,
    remote::vnc,
    remote::teamviewer,
    remote::telnet,
    plain::smb,
    plain::mqtt,
    plain::ldap,
    plain::postgresql,
    plain::mysql,
    plain::redis,
    voice::sip_tcp,
    voice::rtsp,
    voice::stun_tcp,
    p2p::bittorrent,
    coins::bitcoin,
    coins::monero,
    mining::stratum,
    mining::getwork,
    vpn::pptp,
    vpn::sstp,
    openvpn::tcp,
    proxy::socks,
    proxy::telegram,
    games::steam_tcp,
    ethereum::rlpx,
];

const UDP_MATCHERS: &[fn(&Datagram<'_>) -> Option<Verdict>] = &[
    voice::stun,
    voice::sip,
    infrastructure::dhcp,
    infrastructure::dhcp6,
    infrastructure::snmp,
    infrastructure::netbios,
    infrastructure::ssdp,
    infrastructure::ntp,
    infrastructure::dnscrypt,
    plain::cldap,
    p2p::dht,
    p2p::tracker,
    ethereum::discovery,
    games::steam,
    ipsec::ike,
    vpn::l2tp,
    vpn::wireguard_initiation,
    vpn::softether,
    openvpn::udp,
];

const TRACKED_MATCHERS: &[fn(&Datagram<'_>, &mut UdpState) -> Option<Verdict>] = &[
    vpn::wireguard,
    openvpn::session,
    ipsec::esp_in_udp,
    p2p::utp,
    voice::rtp,
    voice::stun_classic,
    proxy::telegram_relay,
    infrastructure::ntp_pair,
];

/// What a TCP connection is, by its first bytes. Call again when more are there.
///
/// `client` is what the initiator sent. Mining inside HTTP is known here, so ask also where the
/// name stage says `http`.
pub fn tcp(client: &[u8], server: &[u8]) -> Option<Verdict> {
    let streams = Streams { client, server };
    TCP_MATCHERS.iter().find_map(|matcher| matcher(streams))
}

/// What a flow of IP protocol 50 is.
fn esp(payload: &[u8]) -> Option<Verdict> {
    ipsec::esp(payload)
}

/// What a UDP flow is, by its next datagram and what `state` kept of those before.
///
/// After [`UdpState::MAX_DATAGRAMS`] without a verdict there will be none.
pub fn udp(datagram: &Datagram<'_>, state: &mut UdpState) -> Option<Verdict> {
    if !state.takes_another() {
        return None;
    }
    UDP_MATCHERS
        .iter()
        .find_map(|matcher| matcher(datagram))
        .or_else(|| {
            TRACKED_MATCHERS
                .iter()
                .find_map(|matcher| matcher(datagram, state))
        })
}

#[cfg(test)]
mod tests;
