//! Domain names in a message: compression followed, written as text.
//!
//! RFC 1035, 4.1.4: a name is a list of labels, each a length octet and that many octets, ended by the
//! zero-length root label or by a pointer (two high bits set) to a name that stands earlier.

/// Most pointers followed in one name. Names in use need two or three.
pub const MAX_JUMPS: usize = 32;
/// Most octets of a name on the wire, lengths and root included (RFC 1035, 2.3.4).
pub const MAX_NAME_BYTES: usize = 255;

/// Why a name cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// The bytes end inside the name.
    Cut,
    /// Reserved label type, too long, too many jumps, or a pointer that does not point back.
    Bad,
}

/// Appends the name at `at` to `text` and returns the offset behind it.
///
/// Lower case, no trailing dot, the root is `.`. Octets that are not graphic ASCII, and `\` and `.`
/// inside a label, become `\DDD`, so the text holds no control character and splits at dots. On an
/// error `text` is as it was.
pub fn read_name(message: &[u8], at: usize, text: &mut String) -> Result<usize, NameError> {
    let begin = text.len();
    let result = walk(message, at, |label| {
        if text.len() > begin {
            text.push('.');
        }
        push_label(label, text);
    });
    match result {
        Ok(_) if text.len() == begin => text.push('.'),
        Ok(_) => {}
        Err(_) => text.truncate(begin),
    }
    result
}

/// The offset behind the name at `at`, without reading what pointers point to.
pub fn skip_name(message: &[u8], mut at: usize) -> Result<usize, NameError> {
    let begin = at;
    loop {
        let length = *message.get(at).ok_or(NameError::Cut)? as usize;
        match length {
            0 => return Ok(at + 1),
            1..=63 => at += 1 + length,
            0xc0.. => {
                return if at + 2 <= message.len() {
                    Ok(at + 2)
                } else {
                    Err(NameError::Cut)
                };
            }
            _ => return Err(NameError::Bad),
        }
        if at - begin > MAX_NAME_BYTES {
            return Err(NameError::Bad);
        }
    }
}

/// Appends one label, or any text of the wire, in lower case with everything but plain graphic ASCII
/// escaped.
pub fn push_label(label: &[u8], text: &mut String) {
    for &octet in label {
        if octet.is_ascii_graphic() && octet != b'\\' && octet != b'.' {
            text.push(octet.to_ascii_lowercase() as char);
        } else {
            push_escaped(octet, text);
        }
    }
}

/// Appends `\DDD`, the presentation of an octet that stands for itself in no other way.
pub fn push_escaped(octet: u8, text: &mut String) {
    text.push('\\');
    for digit in [octet / 100, octet / 10 % 10, octet % 10] {
        text.push((b'0' + digit) as char);
    }
}

fn walk(message: &[u8], mut at: usize, mut label: impl FnMut(&[u8])) -> Result<usize, NameError> {
    let mut behind = None;
    let mut jumps = 0;
    let mut wire_bytes = 1;
    // Each pointer must point before the run of labels it ends, so no loop is possible.
    let mut run = at;
    loop {
        let length = *message.get(at).ok_or(NameError::Cut)? as usize;
        match length {
            0 => return Ok(behind.unwrap_or(at + 1)),
            1..=63 => {
                wire_bytes += 1 + length;
                if wire_bytes > MAX_NAME_BYTES {
                    return Err(NameError::Bad);
                }
                label(message.get(at + 1..at + 1 + length).ok_or(NameError::Cut)?);
                at += 1 + length;
            }
            0xc0.. => {
                let low = *message.get(at + 1).ok_or(NameError::Cut)? as usize;
                behind.get_or_insert(at + 2);
                jumps += 1;
                let target = (length & 0x3f) << 8 | low;
                if target >= run || jumps > MAX_JUMPS {
                    return Err(NameError::Bad);
                }
                at = target;
                run = target;
            }
            _ => return Err(NameError::Bad),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(message: &[u8], at: usize) -> Result<(String, usize), NameError> {
        let mut text = String::new();
        read_name(message, at, &mut text).map(|end| (text, end))
    }

    #[test]
    fn plain_root_and_case() {
        assert_eq!(read(b"\x03WwW\x02Kp\x00rest", 0), Ok(("www.kp".into(), 8)));
        assert_eq!(read(b"\x00", 0), Ok((".".into(), 1)));
    }

    #[test]
    fn pointers_go_back_only() {
        let message = b"\x02kp\x00\x03www\xc0\x00";
        assert_eq!(read(message, 4), Ok(("www.kp".into(), 10)));
        assert_eq!(skip_name(message, 4), Ok(10));
        for bad in [
            &b"\xc0\x00"[..],
            b"\xc0\x02\x01a\x00",
            b"\x01a\xc0\x00",
            b"\x40a\x00",
        ] {
            assert_eq!(read(bad, 0), Err(NameError::Bad), "{bad:?}");
        }
        // Two pointers at each other.
        assert_eq!(read(b"\xc0\x02\xc0\x00", 2), Err(NameError::Bad));
    }

    #[test]
    fn many_jumps_are_refused() {
        let mut message = vec![0];
        let mut at = 0_u16;
        for _ in 0..=MAX_JUMPS {
            let here = message.len() as u16;
            message.extend((0xc000 | at).to_be_bytes());
            at = here;
        }
        assert_eq!(read(&message, at as usize), Err(NameError::Bad));
        assert!(read(&message, at as usize - 2).is_ok());
    }

    #[test]
    fn odd_octets_are_escaped() {
        let (text, _) = read(b"\x07a.b\\\x00\xff \x00", 0).unwrap();
        assert_eq!(text, r"a\046b\092\000\255\032");
    }

    #[test]
    fn length_is_bounded() {
        let mut message = Vec::new();
        for _ in 0..4 {
            message.push(63);
            message.extend([b'a'; 63]);
        }
        message.push(0);
        assert_eq!(read(&message, 0), Err(NameError::Bad));
        assert_eq!(skip_name(&message, 0), Err(NameError::Bad));
        assert!(read(&message, 64).is_ok());
    }

    #[test]
    fn cut_anywhere_is_said() {
        let message = b"\x02kp\x00\x03www\xc0\x00";
        for end in 4..message.len() {
            assert_eq!(read(&message[..end], 4), Err(NameError::Cut));
            assert_eq!(skip_name(&message[..end], 4), Err(NameError::Cut));
        }
    }
}
