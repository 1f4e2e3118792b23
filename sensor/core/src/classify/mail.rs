//! Text protocols with a greeting: SMTP, FTP, IMAP, POP3.

use super::bytes::{begins_with_word, contains, first_line};
use super::{Application, Streams, Verdict};

const SMTP_COMMANDS: &[&[u8]] = &[b"EHLO", b"HELO", b"LHLO"];
const FTP_COMMANDS: &[&[u8]] = &[
    b"USER", b"AUTH", b"FEAT", b"SYST", b"HOST", b"OPTS", b"PBSZ", b"CLNT",
];
const POP3_COMMANDS: &[&[u8]] = &[
    b"CAPA", b"USER", b"APOP", b"AUTH", b"STLS", b"STAT", b"QUIT", b"PASS",
];
const IMAP_COMMANDS: &[&[u8]] = &[
    b"CAPABILITY",
    b"LOGIN",
    b"STARTTLS",
    b"AUTHENTICATE",
    b"NOOP",
    b"ID",
    b"LOGOUT",
    b"SELECT",
    b"EXAMINE",
    b"LIST",
    b"ENABLE",
];

/// Both greet with 220; the client's first command, or what the greeting calls itself, tells them apart.
pub(super) fn smtp_or_ftp(streams: Streams<'_>) -> Option<Verdict> {
    const SMTP: Verdict = Verdict::sure(Application::Smtp, &["greeting 220", "EHLO or HELO"]);
    const SMTP_NAMED: Verdict =
        Verdict::sure(Application::Smtp, &["greeting 220", "greeting says SMTP"]);
    const FTP: Verdict = Verdict::sure(Application::Ftp, &["greeting 220", "FTP command"]);
    const FTP_NAMED: Verdict =
        Verdict::sure(Application::Ftp, &["greeting 220", "greeting says FTP"]);
    let greets = streams.server.starts_with(b"220 ") || streams.server.starts_with(b"220-");
    if !greets {
        return None;
    }
    if begins_with_word(streams.client, SMTP_COMMANDS) {
        return Some(SMTP);
    }
    if begins_with_word(streams.client, FTP_COMMANDS) {
        return Some(FTP);
    }
    let greeting = first_line(streams.server)?;
    if contains(greeting, b"SMTP") {
        Some(SMTP_NAMED)
    } else if contains(greeting, b"FTP") {
        Some(FTP_NAMED)
    } else {
        None
    }
}

/// RFC 9051, 7.1: untagged `* OK`, `* PREAUTH`, `* BYE`; then a tag and a command.
pub(super) fn imap(streams: Streams<'_>) -> Option<Verdict> {
    let greeting = streams.server;
    if !begins_with_word(greeting, &[b"* OK", b"* PREAUTH", b"* BYE"]) {
        return None;
    }
    if first_line(greeting).is_some_and(|line| contains(line, b"IMAP4")) {
        return Some(Verdict::sure(
            Application::Imap,
            &["greeting * OK", "greeting says IMAP4"],
        ));
    }
    let line = first_line(streams.client)?;
    let tag = memchr::memchr(b' ', line)?;
    let (tag, command) = line.split_at_checked(tag)?;
    let is_tag = (1..=16).contains(&tag.len())
        && tag
            .iter()
            .all(|octet| octet.is_ascii_alphanumeric() || *octet == b'.');
    let is_command = IMAP_COMMANDS.iter().any(|word| {
        let command = command.trim_ascii();
        let end = command
            .iter()
            .position(|&octet| octet == b' ')
            .unwrap_or(command.len());
        command
            .get(..end)
            .is_some_and(|first| first.eq_ignore_ascii_case(word))
    });
    (is_tag && is_command).then_some(Verdict::sure(
        Application::Imap,
        &["greeting * OK", "tagged IMAP command"],
    ))
}

/// RFC 1939: `+OK` greeting, then a command; a time stamp in the greeting is a sign, too.
pub(super) fn pop3(streams: Streams<'_>) -> Option<Verdict> {
    if !begins_with_word(streams.server, &[b"+OK"]) {
        return None;
    }
    if begins_with_word(streams.client, POP3_COMMANDS) {
        return Some(Verdict::sure(
            Application::Pop3,
            &["greeting +OK", "POP3 command"],
        ));
    }
    let greeting = first_line(streams.server)?;
    contains(greeting, b"POP3").then_some(Verdict::sure(
        Application::Pop3,
        &["greeting +OK", "greeting says POP3"],
    ))
}
