//! Protocols of servers and data bases that begin in the clear.

use super::bytes::{be32, begins_with_word, ber, contains};
use super::{Application, Datagram, Streams, Verdict};

/// MS-SMB2, 2.1: length of a direct TCP transport, then `\xffSMB`, `\xfeSMB` or `\xfdSMB`.
pub(super) fn smb(streams: Streams<'_>) -> Option<Verdict> {
    let is_smb = |bytes: &[u8]| matches!(bytes, [0, _, _, _, 0xfd..=0xff, b'S', b'M', b'B', ..]);
    if streams.both().into_iter().any(is_smb) {
        return Some(Verdict::sure(
            Application::Smb,
            &["session message", "SMB signature"],
        ));
    }
    // RFC 1002, 4.3.2: a session request comes first on port 139: two encoded names of 32 letters.
    matches!(streams.client, [0x81, 0, 0, 0x44, 0x20, name @ ..] if name.len() >= 33 && name.iter().take(32).all(|letter| (b'A'..=b'P').contains(letter)))
        .then_some(Verdict::sure(Application::Netbios, &["session request of 68 bytes", "encoded NetBIOS name"]))
}

/// CONNECT: fixed header, remaining length, protocol name and level.
pub(super) fn mqtt(streams: Streams<'_>) -> Option<Verdict> {
    let (&first, rest) = streams.client.split_first()?;
    let length_bytes = rest.iter().take(4).position(|octet| octet & 0x80 == 0)? + 1;
    let body = rest.get(length_bytes..)?;
    let named = body.starts_with(b"\0\x04MQTT\x04")
        || body.starts_with(b"\0\x04MQTT\x05")
        || body.starts_with(b"\0\x06MQIsdp\x03");
    (first == 0x10 && named).then_some(Verdict::sure(
        Application::Mqtt,
        &["CONNECT packet", "protocol name and level"],
    ))
}

/// RFC 4511: a message with an id and a bind, a search, or an extended request.
pub(super) fn ldap(streams: Streams<'_>) -> Option<Verdict> {
    is_ldap(streams.client).then_some(LDAP)
}

/// Active Directory's LDAP over UDP.
pub(super) fn cldap(datagram: &Datagram<'_>) -> Option<Verdict> {
    is_ldap(datagram.bytes).then_some(LDAP)
}

const LDAP: Verdict = Verdict::sure(
    Application::Ldap,
    &[
        "BER sequence with a message number",
        "LDAP request with its own fields",
    ],
);

fn is_ldap(bytes: &[u8]) -> bool {
    fn request(bytes: &[u8]) -> Option<bool> {
        let (0x30, content, _) = ber(bytes)? else {
            return None;
        };
        let (2, id, rest) = ber(content)? else {
            return None;
        };
        let (operation, fields, _) = ber(rest)?;
        let (tag, value, rest) = ber(fields)?;
        let fits = match operation {
            // Bind: version, name, simple or SASL authentication.
            0x60 => {
                tag == 2
                    && matches!(value, [2 | 3])
                    && matches!(ber(rest)?, (4, _, [0x80 | 0xa3, ..]))
            }
            // Search: base, scope, aliases.
            0x63 => tag == 4 && matches!(rest, [0x0a, 1, 0..=3, 0x0a, 1, 0..=3, 2, ..]),
            // Extended: object identifier in digits and dots.
            0x77 => {
                tag == 0x80
                    && value.len() > 4
                    && value
                        .iter()
                        .all(|octet| octet.is_ascii_digit() || *octet == b'.')
            }
            _ => false,
        };
        Some(fits && (1..=4).contains(&id.len()))
    }
    bytes.first() == Some(&0x30) && request(bytes) == Some(true)
}

/// Start-up message of version 3 with a user, or the request for TLS with the server's one letter.
pub(super) fn postgresql(streams: Streams<'_>) -> Option<Verdict> {
    const TLS_REQUEST: u32 = 80_877_103;
    let length = be32(streams.client, 0)? as usize;
    let code = be32(streams.client, 4)?;
    if code == TLS_REQUEST && length == 8 {
        return Some(Verdict::sure(Application::Postgresql, &["SSLRequest code"]));
    }
    let parameters = streams.client.get(8..length.min(streams.client.len()))?;
    (code == 0x0003_0000 && length < 10_000 && contains(parameters, b"user\0")).then_some(
        Verdict::sure(
            Application::Postgresql,
            &["start-up message of version 3", "parameter user"],
        ),
    )
}

/// Greeting of protocol 10: packet 0, version text, thread, eight bytes of challenge, a zero.
pub(super) fn mysql(streams: Streams<'_>) -> Option<Verdict> {
    let &[a, b, c, 0, 10, ref rest @ ..] = streams.server else {
        return None;
    };
    let length = usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16;
    let end = rest.iter().take(64).position(|&octet| octet == 0)?;
    let version = rest.get(..end)?;
    let is_version = version.first()?.is_ascii_digit()
        && version.contains(&b'.')
        && version.iter().all(u8::is_ascii_graphic);
    let filler = *rest.get(end + 13)?;
    (is_version && filler == 0 && (40..512).contains(&length)).then_some(Verdict::sure(
        Application::Mysql,
        &["greeting of protocol 10", "server version text"],
    ))
}

/// An array of bulk strings that is a known command, and a reply of Redis' own types.
pub(super) fn redis(streams: Streams<'_>) -> Option<Verdict> {
    const COMMANDS: &[&[u8]] = &[
        b"AUTH",
        b"HELLO",
        b"PING",
        b"SELECT",
        b"CLIENT",
        b"INFO",
        b"GET",
        b"SET",
        b"CONFIG",
        b"COMMAND",
        b"SUBSCRIBE",
        b"KEYS",
    ];
    let [
        b'*',
        b'1'..=b'9',
        b'\r',
        b'\n',
        b'$',
        b'1'..=b'9',
        b'\r',
        b'\n',
        command @ ..,
    ] = streams.client
    else {
        return None;
    };
    let replies = matches!(
        streams.server.first(),
        Some(b'+' | b'-' | b':' | b'$' | b'*' | b'%')
    );
    (replies && begins_with_word(command, COMMANDS)).then_some(Verdict::sure(
        Application::Redis,
        &["array of bulk strings with a known command", "typed reply"],
    ))
}
