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
mod sieve;
mod state;
mod suffix;
mod tracked;
mod voice;
mod vpn;

use std::sync::LazyLock;

use sieve::{Fits, Sieve};

pub use application::Application;
pub use country::{REGISTRY_DATE, registered_country};
pub use found::{Found, MAX_FOUND_NAME_BYTES, MAX_FOUND_NAMES, MAX_USER_AGENTS, NameSource};
pub use namer::{
    MAX_BLANK_DATAGRAMS, MAX_KEPT_BYTES, Namer, NamerCounters, NamingLimits, NamingSettings,
};
pub use note::Note;
pub use refine::Resolvers;
pub use state::{
    DatagramState, MAX_CLASSIFY_SEGMENTS, MAX_NAME_DATAGRAMS, MAX_NAME_SEGMENTS, MAX_STATE_BYTES,
    NameState, NameStates, NameStatesCounters, Naming, Segment, StateRef, Step, StreamState,
    UdpDatagram,
};
pub use suffix::{Catalogue, EXCEPTION, Service};
use tracked::HINT_BITS;
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

/// Who says what a datagram is, and to which ones that may say anything.
enum Matcher {
    /// By the datagram alone.
    Once(fn(&Datagram<'_>) -> Option<Verdict>),
    /// By the datagram and what is kept of those before.
    Tracked(fn(&Datagram<'_>, &mut UdpState) -> Option<Verdict>),
}

impl Matcher {
    fn ask(&self, datagram: &Datagram<'_>, state: &mut UdpState) -> Option<Verdict> {
        match self {
            Self::Once(matcher) => matcher(datagram),
            Self::Tracked(matcher) => matcher(datagram, state),
        }
    }
}

const fn once(
    matcher: fn(&Datagram<'_>) -> Option<Verdict>,
    first: fn(u8) -> bool,
    least_bytes: usize,
) -> (Matcher, Fits) {
    (Matcher::Once(matcher), Fits { first, least_bytes })
}

const fn tracked(
    matcher: fn(&Datagram<'_>, &mut UdpState) -> Option<Verdict>,
    first: fn(u8) -> bool,
    least_bytes: usize,
) -> (Matcher, Fits) {
    (Matcher::Tracked(matcher), Fits { first, least_bytes })
}

/// In the order in which they are asked, with the octets that a datagram may begin with and the fewest octets
/// of it that they need.
const UDP_MATCHERS: [(Matcher, Fits); 27] = [
    once(voice::stun, |first| first >> 6 == 0, 8),
    once(voice::sip, |first| first.is_ascii_uppercase(), 8),
    once(infrastructure::dhcp, |first| matches!(first, 1 | 2), 240),
    once(infrastructure::dhcp6, |first| matches!(first, 1..=11), 4),
    once(infrastructure::snmp, |first| first == 0x30, 2),
    once(infrastructure::netbios, |_| true, 45),
    once(infrastructure::ssdp, |first| first.is_ascii_uppercase(), 17),
    once(infrastructure::ntp, may_begin_ntp, 3),
    once(infrastructure::dnscrypt, |first| first == b'r', 8),
    once(plain::cldap, |first| first == 0x30, 2),
    once(p2p::dht, |first| matches!(first, b'B' | b'd'), 3),
    once(p2p::tracker, |first| first == 0, 12),
    once(ethereum::discovery, |_| true, 98),
    once(games::steam, |first| matches!(first, b'V' | 0xff), 7),
    once(ipsec::ike, |_| true, 28),
    once(vpn::l2tp, |first| first == 0xc8, 4),
    once(vpn::wireguard_initiation, |first| first == 1, 148),
    once(vpn::softether, |first| first == 0, 8),
    once(openvpn::udp, |first| matches!(first, 0x38 | 0x40 | 0x50), 9),
    tracked(vpn::wireguard, |first| matches!(first, 1..=4), 8),
    tracked(openvpn::session, |first| first.is_multiple_of(8), 9),
    tracked(ipsec::esp_in_udp, |_| true, 8),
    tracked(p2p::utp, |first| first & 15 == 1 && first >> 4 <= 4, 2),
    tracked(voice::rtp, |first| first >> 6 == 2, 12),
    tracked(voice::stun_classic, |first| first >> 6 == 0, 20),
    tracked(proxy::telegram_relay, |_| true, 28),
    tracked(infrastructure::ntp_pair, may_begin_ntp, 3),
];

/// A version from 1 to 4, and a mode that is in use.
const fn may_begin_ntp(first: u8) -> bool {
    matches!(first >> 3 & 7, 1..=4) && matches!(first & 7, 1..=6)
}

static UDP_SIEVE: LazyLock<Sieve> =
    LazyLock::new(|| Sieve::new(&UDP_MATCHERS.map(|(_, fits)| fits)));

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
    UDP_SIEVE
        .candidates(datagram.bytes)
        .find_map(|number| UDP_MATCHERS.get(number)?.0.ask(datagram, state))
}

#[cfg(test)]
mod tests;
