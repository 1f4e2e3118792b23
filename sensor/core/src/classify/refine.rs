//! What a client hello makes of its connection: plain TLS or QUIC, DNS inside of them, Tor.

use std::collections::HashSet;

use foldhash::fast::RandomState;

use super::{Application, Verdict};
use crate::name::tls::ClientHello;

/// DNS over TLS and over QUIC (RFC 7858, RFC 9250).
const DNS_OVER_TLS_PORT: u16 = 853;

/// Names of the known resolvers that answer DNS over HTTPS.
#[derive(Clone, Debug, Default)]
pub struct Resolvers(HashSet<Box<str>, RandomState>);

impl Resolvers {
    /// The resolvers of these names, lower case; a name stands for those below it, too.
    pub fn new<T: Into<Box<str>>>(names: impl IntoIterator<Item = T>) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }

    /// Whether this is the name of a resolver, or of a host below one.
    pub fn holds(&self, name: &str) -> bool {
        let mut rest = Some(name);
        while let Some(suffix) = rest {
            if self.0.contains(suffix) {
                return true;
            }
            rest = suffix.split_once('.').map(|(_, parent)| parent);
        }
        false
    }
}

/// What TLS over TCP is used for.
pub(super) fn tls(hello: &ClientHello, server_port: u16, resolvers: &Resolvers) -> Verdict {
    const TLS: Verdict = Verdict::sure(Application::Tls, &["client hello"]);
    const DOT_PROTOCOL: Verdict =
        Verdict::sure(Application::Dot, &["client hello", "offers protocol dot"]);
    const DOT_PORT: Verdict = Verdict::sure(Application::Dot, &["client hello", "port 853"]);
    const DOH: Verdict = Verdict::sure(Application::Doh, &["client hello", "name of a resolver"]);
    const TOR: Verdict = Verdict::likely(
        Application::Tor,
        &["name made up as Tor does", "no protocol offered"],
    );
    let name = hello.sni.as_deref().unwrap_or_default();
    match hello.alpn_first.as_deref() {
        Some("dot") => DOT_PROTOCOL,
        _ if server_port == DNS_OVER_TLS_PORT => DOT_PORT,
        _ if resolvers.holds(name) => DOH,
        None if is_made_up(name) => TOR,
        _ => TLS,
    }
}

/// What QUIC is used for.
pub(super) fn quic(hello: &ClientHello, server_port: u16, resolvers: &Resolvers) -> Verdict {
    const QUIC: Verdict = Verdict::sure(Application::Quic, &["Initial with a client hello"]);
    const DOQ_PROTOCOL: Verdict = Verdict::sure(
        Application::Doq,
        &["Initial with a client hello", "offers protocol doq"],
    );
    const DOQ_PORT: Verdict = Verdict::sure(
        Application::Doq,
        &["Initial with a client hello", "port 853"],
    );
    const DOH: Verdict = Verdict::sure(
        Application::Doh,
        &["Initial with a client hello", "name of a resolver"],
    );
    let name = hello.sni.as_deref().unwrap_or_default();
    match hello.alpn_first.as_deref() {
        Some(protocol) if protocol.starts_with("doq") => DOQ_PROTOCOL,
        _ if server_port == DNS_OVER_TLS_PORT => DOQ_PORT,
        _ if resolvers.holds(name) => DOH,
        _ => QUIC,
    }
}

/// Whether a name looks like those that Tor makes up: `www.`, 8 to 20 random letters of base32, `.com`.
///
/// Random letters show by a digit between others and by a run without a vowel that no word has; about one
/// made-up name in six lacks one of the signs and is not recognised.
fn is_made_up(name: &str) -> bool {
    const LETTERS: std::ops::RangeInclusive<usize> = 8..=20;
    const RUN_WITHOUT_VOWEL: usize = 5;
    let Some(label) = name
        .strip_prefix("www.")
        .and_then(|rest| rest.strip_suffix(".com"))
        .filter(|label| LETTERS.contains(&label.len()))
    else {
        return false;
    };
    let octets = label.as_bytes();
    let is_base32 = octets
        .iter()
        .all(|octet| matches!(octet, b'a'..=b'z' | b'2'..=b'7'));
    let has_inner_digit = octets
        .windows(3)
        .any(|part| matches!(part, [b'a'..=b'z', b'2'..=b'7', b'a'..=b'z']));
    let longest_run = octets
        .split(|octet| matches!(octet, b'a' | b'e' | b'i' | b'o' | b'u' | b'y'))
        .map(<[u8]>::len)
        .max();
    is_base32 && has_inner_digit && longest_run.is_some_and(|run| run >= RUN_WITHOUT_VOWEL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Name;

    #[test]
    fn resolvers_and_those_below_them() {
        let resolvers = Resolvers::new(["dns.google", "dns.nextdns.io"]);
        for (name, holds) in [
            ("dns.google", true),
            ("abc.dns.nextdns.io", true),
            ("nextdns.io", false),
            ("xdns.google", false),
            ("", false),
        ] {
            assert_eq!(resolvers.holds(name), holds, "{name}");
        }
    }

    #[test]
    fn made_up_names() {
        for (name, made_up) in [
            ("www.4gk67zpn3brh7qxg.com", true),
            ("www.e4od3hnssyu6g.com", true),
            ("www.office365.com", false),
            ("www.gate4you.com", false),
            ("www.washingtonpost.com", false),
            ("www.4gk67zpn3brh7qxg.net", false),
            ("www.x4k.com", false),
        ] {
            assert_eq!(is_made_up(name), made_up, "{name}");
        }
    }

    #[test]
    fn dns_inside() {
        let resolvers = Resolvers::new(["dns.google"]);
        let hello = |name: &str, protocol: &str| ClientHello {
            sni: Name::from_wire(name.as_bytes()),
            alpn_first: Some(protocol.into()),
            ..ClientHello::default()
        };
        for (name, protocol, port, over_tls, over_quic) in [
            ("a.b", "h2", 443, Application::Tls, Application::Quic),
            ("a.b", "dot", 443, Application::Dot, Application::Quic),
            ("a.b", "doq-i02", 443, Application::Tls, Application::Doq),
            ("a.b", "h2", 853, Application::Dot, Application::Doq),
            ("dns.google", "h2", 443, Application::Doh, Application::Doh),
        ] {
            let hello = hello(name, protocol);
            assert_eq!(tls(&hello, port, &resolvers).application, over_tls);
            assert_eq!(quic(&hello, port, &resolvers).application, over_quic);
        }
    }
}
