//! Host and port, as a Host header or a target has them.

use crate::name::dns_name::push_escaped;

/// Most bytes of a host kept; DNS names end at 253.
pub const MAX_HOST_BYTES: usize = 255;

/// `host` or `host:port`, borrowed as sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authority<'a> {
    sent: &'a [u8],
    name: &'a [u8],
    /// Port, where one is given and is a number.
    pub port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Takes a value apart. User information (`user@`) is no part of the name.
    pub fn new(sent: &'a [u8]) -> Self {
        let sent = sent.get(..MAX_HOST_BYTES).unwrap_or(sent);
        let host = match memchr::memrchr(b'@', sent) {
            Some(at) => sent.get(at + 1..).unwrap_or(&[]),
            None => sent,
        };
        let (name, port) = split_port(host);
        let name = name.strip_suffix(b".").unwrap_or(name);
        Self { sent, name, port }
    }

    /// Authority of a request target: CONNECT's own form, or that of an absolute URI.
    pub(super) fn of_target(method: &str, target: &'a [u8]) -> Option<Self> {
        if method == "CONNECT" {
            return Some(Self::new(target));
        }
        let colon = memchr::memmem::find(target, b"://")?;
        let (scheme, rest) = target.split_at_checked(colon)?;
        if scheme.is_empty() || !scheme.iter().all(u8::is_ascii_alphanumeric) {
            return None;
        }
        let rest = rest.get("://".len()..)?;
        let end = rest
            .iter()
            .position(|octet| matches!(octet, b'/' | b'?' | b'#'))
            .unwrap_or(rest.len());
        Some(Self::new(rest.get(..end)?))
    }

    /// As sent, port included, white space around it taken off.
    pub const fn as_sent(&self) -> &'a [u8] {
        self.sent
    }

    /// The host without port, brackets of IPv6 and final dot; case as sent.
    pub const fn name(&self) -> &'a [u8] {
        self.name
    }

    /// Appends the host in lower case; what is not graphic ASCII becomes `\DDD`, as in DNS names.
    pub fn push_name(&self, text: &mut String) {
        for &octet in self.name {
            if octet.is_ascii_graphic() && octet != b'\\' {
                text.push(octet.to_ascii_lowercase() as char);
            } else {
                push_escaped(octet, text);
            }
        }
    }

    /// The host as [`Self::push_name`] writes it.
    pub fn name_text(&self) -> String {
        let mut text = String::with_capacity(self.name.len());
        self.push_name(&mut text);
        text
    }
}

fn split_port(host: &[u8]) -> (&[u8], Option<u16>) {
    if let Some(inner) = host.strip_prefix(b"[") {
        let end = memchr::memchr(b']', inner).unwrap_or(inner.len());
        let behind = inner.get(end + 1..).unwrap_or(&[]);
        return (
            inner.get(..end).unwrap_or(inner),
            behind.strip_prefix(b":").and_then(number),
        );
    }
    let mut parts = host.splitn(2, |&octet| octet == b':');
    let name = parts.next().unwrap_or(&[]);
    match parts.next() {
        // More than one colon: an IPv6 address without brackets.
        Some(port) if port.contains(&b':') => (host, None),
        Some(port) => (name, number(port)),
        None => (name, None),
    }
}

fn number(digits: &[u8]) -> Option<u16> {
    std::str::from_utf8(digits).ok()?.trim().parse().ok()
}
