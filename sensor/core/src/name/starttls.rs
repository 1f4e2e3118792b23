//! Where TLS begins in a connection that began in plain text: STARTTLS of SMTP and IMAP, STLS of POP3, AUTH TLS of FTP.

/// Bytes looked at from the beginning of each direction.
pub const MAX_PLAIN_BYTES: usize = 8 * 1024;

const TLS_HANDSHAKE: u8 = 22;

/// The protocol that went over to TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainProtocol {
    /// SMTP and LMTP.
    Smtp,
    /// IMAP.
    Imap,
    /// POP3.
    Pop3,
    /// FTP.
    Ftp,
}

/// Where a plain connection goes over to TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartTls {
    /// What was spoken before.
    pub protocol: PlainProtocol,
    /// First byte after the command in the client's stream: the client hello, once it has come.
    pub client_offset: usize,
    /// First TLS record in the server's stream, once it has come.
    pub server_offset: Option<usize>,
}

/// Finds the command that went over to TLS in the client's stream.
///
/// A command that plain text follows was refused: the search goes on after it. The greeting of the server
/// must fit the protocol; where the server was not heard at all the command itself is enough.
pub fn starttls_offset(client: &[u8], server: &[u8]) -> Option<StartTls> {
    let client = client.get(..MAX_PLAIN_BYTES).unwrap_or(client);
    let server = server.get(..MAX_PLAIN_BYTES).unwrap_or(server);
    let mut greeted = false;
    for (line, client_offset) in lines(client) {
        let after = client.get(client_offset);
        let goes_over = after.is_none_or(|&byte| byte == TLS_HANDSHAKE || byte & 0x80 != 0);
        if let Some(protocol) = command(line, greeted).filter(|_| goes_over) {
            return greeting_fits(protocol, server).then(|| StartTls {
                protocol,
                client_offset,
                server_offset: tls_after_line(server),
            });
        }
        greeted |= is_smtp_greeting(line);
        if !line
            .iter()
            .all(|&byte| byte == b'\t' || (b' '..0x7f).contains(&byte))
        {
            return None;
        }
    }
    None
}

/// Whole lines without their end, each with the offset after it.
fn lines(stream: &[u8]) -> impl Iterator<Item = (&[u8], usize)> {
    let mut offset = 0;
    stream
        .split_inclusive(|&byte| byte == b'\n')
        .filter_map(move |line| {
            offset += line.len();
            let line = line.strip_suffix(b"\n")?;
            Some((line.strip_suffix(b"\r").unwrap_or(line), offset))
        })
}

/// The protocol whose command to begin TLS this line is.
fn command(line: &[u8], smtp_greeted: bool) -> Option<PlainProtocol> {
    let mut words = line
        .split(|&byte| byte == b' ')
        .filter(|word| !word.is_empty());
    let (first, second, third) = (words.next()?, words.next(), words.next());
    if third.is_some() {
        return None;
    }
    match second {
        None if first.eq_ignore_ascii_case(b"STARTTLS") && smtp_greeted => {
            Some(PlainProtocol::Smtp)
        }
        None if first.eq_ignore_ascii_case(b"STLS") => Some(PlainProtocol::Pop3),
        Some(method) if first.eq_ignore_ascii_case(b"AUTH") => {
            let known: [&[u8]; 4] = [b"TLS", b"SSL", b"TLS-C", b"TLS-P"];
            known
                .iter()
                .any(|name| method.eq_ignore_ascii_case(name))
                .then_some(PlainProtocol::Ftp)
        }
        Some(method) => method
            .eq_ignore_ascii_case(b"STARTTLS")
            .then_some(PlainProtocol::Imap),
        None => None,
    }
}

fn is_smtp_greeting(line: &[u8]) -> bool {
    line.get(..4).is_some_and(|verb| {
        [b"EHLO", b"HELO", b"LHLO"]
            .iter()
            .any(|known| verb.eq_ignore_ascii_case(*known))
    })
}

fn greeting_fits(protocol: PlainProtocol, server: &[u8]) -> bool {
    let greeting: &[u8] = match protocol {
        PlainProtocol::Smtp | PlainProtocol::Ftp => b"220",
        PlainProtocol::Imap => b"* ",
        PlainProtocol::Pop3 => b"+OK",
    };
    server.is_empty() || server.starts_with(greeting)
}

/// The first place at the beginning of a line where a handshake record begins.
fn tls_after_line(server: &[u8]) -> Option<usize> {
    lines(server).map(|(_, offset)| offset).find(|&offset| {
        server
            .get(offset..)
            .is_some_and(|rest| rest.starts_with(&[TLS_HANDSHAKE, 3]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TLS: &[u8] = &[22, 3, 1, 0, 200];

    fn found(client: &[u8], server: &[u8]) -> Option<(PlainProtocol, bool, bool)> {
        let (client, server) = ([client, TLS].concat(), [server, TLS].concat());
        starttls_offset(&client, &server).map(|start| {
            (
                start.protocol,
                client[start.client_offset..] == *TLS,
                start
                    .server_offset
                    .is_some_and(|offset| server[offset..] == *TLS),
            )
        })
    }

    #[test]
    fn each_protocol_has_its_command() {
        for (client, server, protocol) in [
            (
                &b"EHLO a\r\nSTARTTLS\r\n"[..],
                &b"220 b\r\n250-b\r\n250 STARTTLS\r\n220 go\r\n"[..],
                PlainProtocol::Smtp,
            ),
            (
                b"a1 CAPABILITY\r\na2 starttls\r\n",
                b"* OK IMAP\r\na2 OK\r\n",
                PlainProtocol::Imap,
            ),
            (b"CAPA\r\nSTLS\r\n", b"+OK\r\n+OK\r\n", PlainProtocol::Pop3),
            (
                b"AUTH TLS\r\n",
                b"220 ftp\r\n234 go\r\n",
                PlainProtocol::Ftp,
            ),
        ] {
            assert_eq!(
                found(client, server),
                Some((protocol, true, true)),
                "{protocol:?}"
            );
        }
    }

    #[test]
    fn a_refused_command_is_passed_over() {
        let client = b"AUTH TLS\r\nAUTH SSL\r\n";
        assert_eq!(
            found(client, b"220\r\n504\r\n234\r\n"),
            Some((PlainProtocol::Ftp, true, true))
        );
        assert_eq!(
            starttls_offset(b"AUTH TLS\r\nUSER a\r\n", b"220\r\n504\r\n"),
            None
        );
    }

    #[test]
    fn a_foreign_greeting_is_refused() {
        assert_eq!(found(b"STLS\r\n", b"SSH-2.0-x\r\n"), None);
        assert_eq!(found(b"STARTTLS\r\n", b"220\r\n"), None);
    }

    #[test]
    fn an_unheard_server_is_no_hindrance() {
        let start = starttls_offset(b"EHLO a\r\nSTARTTLS\r\n", b"").expect("found");
        assert_eq!((start.client_offset, start.server_offset), (18, None));
    }

    #[test]
    fn the_line_must_be_whole() {
        assert_eq!(starttls_offset(b"STLS\r", b"+OK\r\n"), None);
    }
}
