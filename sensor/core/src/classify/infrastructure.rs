//! Protocols that keep a network running: NTP, DHCP, SNMP, NetBIOS, SSDP, DNSCrypt.

use super::bytes::{be16, be32, be64, ber, contains};
use super::tracked::{Candidate, UdpState};
use super::{Application, Datagram, Side, Verdict};

const NTP_PORT: u16 = 123;
const NTP_BYTES: usize = 48;

/// RFC 2131, 2: operation, Ethernet or another small hardware type, and the magic cookie.
pub(super) fn dhcp(datagram: &Datagram<'_>) -> Option<Verdict> {
    let bytes = datagram.bytes;
    (matches!(bytes, [1 | 2, _, 0..=16, ..]) && be32(bytes, 236) == Some(0x6382_5363)).then_some(
        Verdict::sure(Application::Dhcp, &["BOOTP operation", "DHCP magic cookie"]),
    )
}

/// RFC 8415, 8: message type, then options that fill the datagram; its ports are the second sign.
pub(super) fn dhcp6(datagram: &Datagram<'_>) -> Option<Verdict> {
    let ports_fit = datagram.has_port(546) || datagram.has_port(547);
    if !ports_fit || !matches!(datagram.bytes.first(), Some(1..=11)) {
        return None;
    }
    let mut rest = datagram.bytes.get(4..)?;
    let mut options = 0;
    while !rest.is_empty() {
        let length = usize::from(be16(rest, 2)?);
        rest = rest.get(4 + length..)?;
        options += 1;
    }
    (options > 0).then_some(Verdict::sure(
        Application::Dhcp,
        &["DHCPv6 port", "options fill the datagram"],
    ))
}

/// RFC 1157, 3416, 3412: sequence that fills the datagram, version, community and one of its operations,
/// or version 3's header.
pub(super) fn snmp(datagram: &Datagram<'_>) -> Option<Verdict> {
    let (0x30, message, behind) = ber(datagram.bytes)? else {
        return None;
    };
    let (2, &[version], rest) = ber(message)? else {
        return None;
    };
    let (tag, _, rest) = ber(rest)?;
    let (inner, _, end) = ber(rest)?;
    let fits = match version {
        0 | 1 => tag == 4 && (0xa0..=0xa8).contains(&inner) && end.is_empty(),
        3 => tag == 0x30 && inner == 4 && matches!(end.first(), Some(0x30 | 4)),
        _ => false,
    };
    (fits && behind.is_empty()).then_some(Verdict::sure(
        Application::Snmp,
        &[
            "BER sequence fills the datagram",
            "version and SNMP operation",
        ],
    ))
}

/// RFC 1002, 4.2 and 4.4: names of 32 letters from A to P.
pub(super) fn netbios(datagram: &Datagram<'_>) -> Option<Verdict> {
    let bytes = datagram.bytes;
    let is_name = |at: usize| {
        bytes.get(at) == Some(&32)
            && bytes
                .get(at + 1..at + 33)
                .is_some_and(|name| name.iter().all(|letter| (b'A'..=b'P').contains(letter)))
    };
    let name_service = be16(bytes, 4).is_some_and(|questions| questions <= 1) && is_name(12);
    let datagram_service = matches!(bytes, [0x10..=0x16, 0..=15, ..]) && is_name(14);
    (name_service || datagram_service).then_some(Verdict::sure(
        Application::Netbios,
        &["message header", "encoded NetBIOS name"],
    ))
}

/// UPnP device architecture: HTTP-like lines with their own methods.
pub(super) fn ssdp(datagram: &Datagram<'_>) -> Option<Verdict> {
    let bytes = datagram.bytes;
    let asks = bytes.starts_with(b"M-SEARCH * HTTP/1.1\r\n")
        || bytes.starts_with(b"NOTIFY * HTTP/1.1\r\n");
    let answers = bytes.starts_with(b"HTTP/1.1 200 OK\r\n")
        && (contains(bytes, b"\nST:") || contains(bytes, b"\nUSN:"));
    (asks || answers).then_some(Verdict::sure(
        Application::Ssdp,
        &["M-SEARCH, NOTIFY, or an answer with ST or USN"],
    ))
}

/// RFC 5905, 7.3: version, mode and stratum that fit, lengths that exist; its port is the second sign.
pub(super) fn ntp(datagram: &Datagram<'_>) -> Option<Verdict> {
    let fits = datagram.has_port(NTP_PORT) && is_ntp(datagram);
    fits.then_some(Verdict::sure(
        Application::Ntp,
        &["version, mode, stratum and length", "port 123"],
    ))
}

/// On other ports the server's answer must give back the client's transmit time.
pub(super) fn ntp_pair(datagram: &Datagram<'_>, state: &mut UdpState) -> Option<Verdict> {
    const TRANSMIT_TIME: usize = 40;
    const ORIGIN_TIME: usize = 24;
    let mode = datagram.bytes.first()? & 7;
    if !is_ntp(datagram) {
        return None;
    }
    if mode == 3 && datagram.side == Side::Client {
        let (own, _) = state.tracks(Candidate::Ntp, datagram.side);
        own.key = be64(datagram.bytes, TRANSMIT_TIME)?;
        return None;
    }
    if mode != 4 || !state.holds(Candidate::Ntp) {
        return None;
    }
    let (_, client) = state.tracks(Candidate::Ntp, datagram.side);
    (client.key != 0 && be64(datagram.bytes, ORIGIN_TIME) == Some(client.key)).then_some(
        Verdict::sure(
            Application::Ntp,
            &[
                "version, mode, stratum and length",
                "answer repeats the transmit time",
            ],
        ),
    )
}

fn is_ntp(datagram: &Datagram<'_>) -> bool {
    let &[first, stratum, poll, ..] = datagram.bytes else {
        return false;
    };
    let (version, mode) = (first >> 3 & 7, first & 7);
    let has_length = matches!(datagram.length, NTP_BYTES | 52 | 68 | 72)
        || datagram.length > 72 && datagram.length.is_multiple_of(4);
    match mode {
        1..=5 => {
            // Root delay and dispersion are seconds in 16.16 bits; 256 of them never happen.
            let is_small = |at: usize| matches!(datagram.bytes.get(at), Some(0));
            let fields_fit =
                stratum <= 16 && (poll <= 17 || poll >= 0xf0) && is_small(4) && is_small(8);
            (1..=4).contains(&version) && fields_fit && has_length
        }
        // Control: an operation, and a count of data that fills the datagram, with a code behind it or not.
        6 => {
            let count = be16(datagram.bytes, 10).map_or(usize::MAX, usize::from);
            let rest = datagram
                .length
                .checked_sub(12)
                .and_then(|rest| rest.checked_sub(count));
            let is_operation = matches!(stratum & 0x1f, 0..=12 | 31);
            (1..=4).contains(&version) && is_operation && matches!(rest, Some(0..=3 | 20..=27))
        }
        _ => false,
    }
}

/// DNSCrypt version 2: every answer begins with the resolver magic.
pub(super) fn dnscrypt(datagram: &Datagram<'_>) -> Option<Verdict> {
    (datagram.bytes.starts_with(b"r6fnvWj8") && datagram.length > 48)
        .then_some(Verdict::sure(Application::Dnscrypt, &["resolver magic"]))
}
