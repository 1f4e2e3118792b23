//! How long a request's body is (RFC 9112, 6).

#[derive(Clone, Copy, Debug, Default)]
enum Length {
    #[default]
    Absent,
    Known(u64),
    Unreadable,
}

/// What the headers say about the body.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Body {
    length: Length,
    chunked: bool,
}

impl Body {
    /// Looks at one header.
    pub(super) fn note(&mut self, name: &[u8], value: &[u8]) {
        if name.eq_ignore_ascii_case(b"content-length") {
            let digits = std::str::from_utf8(value).ok();
            self.length = match digits.and_then(|digits| digits.parse().ok()) {
                Some(length) => Length::Known(length),
                None => Length::Unreadable,
            };
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.chunked |= value.to_ascii_lowercase().ends_with(b"chunked");
        }
    }
}

/// Bytes of the body at the front of `bytes`; `None` while that is unknown.
pub(super) fn body_end(body: &Body, bytes: &[u8]) -> Option<u64> {
    if body.chunked {
        return chunks_end(bytes).map(|end| end as u64);
    }
    match body.length {
        Length::Absent => Some(0),
        Length::Known(length) => Some(length),
        Length::Unreadable => None,
    }
}

fn chunks_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 0_usize;
    loop {
        let (line, behind) = super::take_line(bytes.get(at..)?)?;
        let digits = line.split(|&octet| octet == b';').next()?.trim_ascii();
        let length = usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        at = bytes.len() - behind.len();
        if length == 0 {
            return trailers_end(bytes, at);
        }
        at = at.checked_add(length)?;
        let (_, behind) = super::take_line(bytes.get(at..)?)?;
        at = bytes.len() - behind.len();
    }
}

fn trailers_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let (line, behind) = super::take_line(bytes.get(at..)?)?;
        at = bytes.len() - behind.len();
        if line.is_empty() {
            return Some(at);
        }
    }
}
