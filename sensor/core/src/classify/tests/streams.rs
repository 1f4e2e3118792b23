//! TCP: what each matcher takes and refuses.

use super::*;

/// Word, client's bytes, server's bytes.
pub(super) const STREAMS: &[(&str, &[u8], &[u8])] = &[
    ("ssh", b"SSH-2.0-OpenSSH_9.6p1 Debian-4\r\n", b""),
    ("ssh", b"", b"SSH-1.99-Cisco-1.25\n"),
    ("smtp", b"EHLO mail.example.com\r\n", b"220 mx.star-co.net.kp\r\n250-mx\r\n"),
    ("smtp", b"", b"220 mx.example.com ESMTP Postfix\r\n"),
    ("ftp", b"USER anonymous\r\n", b"220 (vsFTPd 3.0.5)\r\n"),
    ("ftp", b"", b"220-Welcome to Pure-FTPd\r\n"),
    ("imap", b"", b"* OK [CAPABILITY IMAP4rev1 STARTTLS] Dovecot ready.\r\n"),
    ("imap", b"a001 STARTTLS\r\n", b"* OK server ready\r\n"),
    ("pop3", b"CAPA\r\n", b"+OK ready\r\n"),
    ("pop3", b"", b"+OK POP3 server <1896.697170952@example.com>\r\n"),
    ("rdp", b"\x03\0\0\x2b\x26\xe0\0\0\0\0\0Cookie: mstshash=user\r\n\x01\0\x08\0\x03\0\0\0", b""),
    ("rdp", b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0", b""),
    ("rdp", b"", b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\x01\x08\0\x02\0\0\0"),
    ("vnc", b"RFB 003.008\n", b"RFB 003.008\n"),
    ("telnet", b"", b"\xff\xfd\x18\xff\xfd\x20\xff\xfd\x23"),
    ("teamviewer", b"\x17\x24\x0a\x20\0\0", b"\x17\x24\x11\x04\0\0"),
    ("smb", b"\0\0\0\x85\xffSMB\x72\0\0\0\0", b""),
    ("smb", b"", b"\0\0\0\xf8\xfeSMB\x40\0"),
    ("netbios", b"\x81\0\0\x44\x20CKFDENECFDEFFCFGEFFCCACACACACACA\0 EK", b""),
    ("mqtt", b"\x10\x12\0\x04MQTT\x04\x02\0\x3c\0\x06sensor", b""),
    ("mqtt", b"\x10\x14\0\x06MQIsdp\x03\x02\0\x3c\0\x06sensor", b""),
    ("ldap", b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0", b""),
    ("ldap", b"\x30\x25\x02\x01\x01\x63\x20\x04\0\x0a\x01\0\x0a\x01\0\x02\x01\0\x02\x01\0\x01\x01\0\x87\x0bobjectclass\x30\0", b""),
    ("ldap", b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037", b""),
    ("postgresql", b"\0\0\0\x08\x04\xd2\x16\x2f", b"S"),
    ("postgresql", b"\0\0\0\x22\0\x03\0\0user\0alice\0database\0shop\0\0", b""),
    ("mysql", b"", b"\x4a\0\0\0\x0a8.0.36\0\x08\0\0\0abcdefgh\0\xff\xff\xff\x02\0\xff\xdf\x15"),
    ("redis", b"*1\r\n$4\r\nPING\r\n", b"+PONG\r\n"),
    ("sip", b"OPTIONS sip:a@example.com SIP/2.0\r\nVia: SIP/2.0/TCP a\r\n", b""),
    ("rtsp", b"DESCRIBE rtsp://cam.example/1 RTSP/1.0\r\nCSeq: 2\r\n", b""),
    ("stun", b"\0\x01\0\0\x21\x12\xa4\x42abcdefghijkl", b""),
    ("bittorrent", b"\x13BitTorrent protocol\0\0\0\0\0\x10\0\x05", b""),
    ("bitcoin", b"\xf9\xbe\xb4\xd9version\0\0\0\0\0\x66\0\0\0abcd", b""),
    ("bitcoin", b"", b"\x0b\x11\x09\x07verack\0\0\0\0\0\0\0\0\0\0\x5d\xf6\xe0\xe2"),
    ("monero", b"\x01\x21\x01\x01\x01\x01\x01\x01\xe2\0\0\0\0\0\0\0\x01\xe9\x03\0\0\0\0\0\0\x01\0\0\0\x01\0\0\0", b""),
    ("stratum", b"{\"id\": 1, \"method\": \"mining.subscribe\", \"params\": []}\n", b""),
    ("stratum", b"", b"{\"id\":null,\"method\":\"mining.notify\",\"params\":[]}\n"),
    ("stratum", b"{\"method\":\"login\",\"params\":{\"login\":\"4A\",\"pass\":\"x\",\"agent\":\"XMRig/6\"},\"id\":1}\n", b""),
    ("stratum", b"", b"{\"id\":1,\"result\":{\"job\":{\"blob\":\"07\",\"job_id\":\"1\",\"target\":\"b8\"}}}\n"),
    ("stratum", b"GET / HTTP/1.1\r\n", b"HTTP/1.1 101 Switching\r\n\r\n\x81\x7e{\"type\":\"job\",\"params\":{\"job_id\":\"1\",\"blob\":\"0\",\"target\":\"f\"}}"),
    ("stratum", b"{\"id\":1,\"method\":\"eth_submitLogin\",\"params\":[\"0x1\"]}\n", b""),
    ("getwork", b"POST / HTTP/1.1\r\nHost: a\r\n\r\n{\"method\": \"getwork\", \"params\": []}", b""),
    ("getwork", b"POST / HTTP/1.1\r\n\r\n{\"method\":\"getblocktemplate\",\"params\":[]}", b""),
    ("pptp", b"\0\x9c\0\x01\x1a\x2b\x3c\x4d\0\x01\0\0\x01\0", b""),
    ("sstp", b"SSTP_DUPLEX_POST /sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/ HTTP/1.1\r\n", b""),
    ("openvpn", b"\0\x0e\x38abcdefgh\0\0\0\0\0", b""),
    ("openvpn", b"", b"\0\x1a\x40ABCDEFGH\x01\0\0\0\0abcdefgh\0\0\0\0"),
    ("socks", b"\x05\x02\0\x02\x05\x01\0\x03\x09localhost\0\x50", b"\x05\0\x05\0"),
    ("socks", b"\x05\x01\0", b"\x05\0"),
    ("socks", b"\x04\x01\0\x50\xc0\0\x02\x07user\0", b"\0\x5a\0\0\0\0\0\0"),
    ("telegram", b"\xef\x0a\0\0\0\0\0\0\0\0\0\x12\x34\x56\x78\x9a\xbc\xde\x14\0\0\0\xf1\x8e\x7e\xbe0123456789abcdef", b""),
    ("telegram", b"\xee\xee\xee\xee\x28\0\0\0KEYkeyKE0123", b"\x28\0\0\0KEYkeyKE4567"),
    ("steam", b"", b"\x20\0\0\0VT01\x17\x05\0\0"),
    (
        "ethereum",
        b"\x01\xab\x04\x79\xbe\x66\x7e\xf9\xdc\xbb\xac\x55\xa0\x62\x95\xce\x87\x0b\x07\x02\x9b\xfc\xdb\x2d\xce\x28\xd9\
          \x59\xf2\x81\x5b\x16\xf8\x17\x98\x48\x3a\xda\x77\x26\xa3\xc4\x65\x5d\xa4\xfb\xfc\x0e\x11\x08\xa8\xfd\x17\xb4\
          \x48\xa6\x85\x54\x19\x9c\x47\xd0\x8f\xfb\x10\xd4\xb8",
        b"",
    ),
];

/// What comes near and is something else.
const OTHERS: &[(&str, &[u8], &[u8])] = &[
    ("a name of SSH in text", b"hello SSH-2.0-x\r\n", b""),
    ("greeting alone", b"", b"220 ready\r\n"),
    ("greeting and web", b"GET / HTTP/1.1\r\n", b"220 ready\r\n"),
    ("IMAP's greeting alone", b"", b"* OK\r\n"),
    ("POP's greeting and noise", b"\x01\x02\x03\x04", b"+OK\r\n"),
    (
        "another ISO protocol",
        b"\x03\0\0\x16\x11\xe0\0\0\0\x01\0\xc1\x02\x01\0\xc2\x02\x01\x02\xc0\x01\x0a",
        b"",
    ),
    ("one IAC", b"", b"\xff\xfd\x18"),
    ("IAC in pictures", b"\xff\xfd\xff\xff\xfd\xff", b""),
    ("one side of TeamViewer", b"\x17\x24\x0a\x20\0\0", b""),
    (
        "a JSON-RPC",
        b"{\"id\":1,\"method\":\"eth_blockNumber\",\"params\":[]}\n",
        b"{\"id\":1,\"result\":\"0x1\"}",
    ),
    (
        "a JSON login",
        b"{\"method\":\"login\",\"params\":{\"user\":\"a\",\"pass\":\"b\"}}",
        b"",
    ),
    (
        "mining in a text",
        b"GET /mining.subscribe HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n{\"a\":\"mining.notify\"}",
    ),
    (
        "a method that only begins so",
        b"{\"method\":\"mining.notifyAll\"}",
        b"",
    ),
    (
        "a POST of JSON",
        b"POST / HTTP/1.1\r\n\r\n{\"method\":\"getinfo\"}",
        b"",
    ),
    (
        "a magic without command",
        b"\xf9\xbe\xb4\xd9\xde\xad\xbe\xef\0\0\0\0\0\0\0\0\0\0\0\0",
        b"",
    ),
    (
        "Levin with another command",
        b"\x01\x21\x01\x01\x01\x01\x01\x01\xe2\0\0\0\0\0\0\0\x01\xff\xff\0\0\0\0\0\0",
        b"",
    ),
    (
        "TLS",
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
        b"\x16\x03\x03\0\x7a\x02\0\0\x76\x03\x03",
    ),
    ("SOCKS without an answer", b"\x05\x01\0", b""),
    (
        "SOCKS with a method not offered",
        b"\x05\x01\0",
        b"\x05\x02",
    ),
    (
        "the mark of MTProto alone",
        b"\xef\x0a0123456789abcdef",
        b"\x0afedcba9876543210",
    ),
    (
        "OpenVPN without its zeros",
        b"\0\x0e\x38abcdefgh\0\0\0\0\x01",
        b"",
    ),
    ("a key off the curve", &[4; 307], &[4; 210]),
    (
        "a Redis query without Redis",
        b"*1\r\n$4\r\nPING\r\n",
        b"HTTP/1.1 400 Bad Request\r\n",
    ),
    (
        "an SNMP message",
        b"\x30\x26\x02\x01\x01\x04\x06public\xa0\x19",
        b"",
    ),
];

#[test]
fn streams_are_known() {
    for &(expected, client, server) in STREAMS {
        let verdict = tcp(client, server);
        assert_eq!(
            word(verdict),
            expected,
            "{}",
            String::from_utf8_lossy(client)
        );
        assert!(verdict.is_some_and(|verdict| !verdict.evidence.is_empty()));
    }
}

#[test]
fn others_are_not() {
    for &(what, client, server) in OTHERS {
        assert_eq!(word(tcp(client, server)), "", "{what}");
    }
}

#[test]
fn cuts_never_say_something_else() {
    for &(expected, client, server) in STREAMS {
        for end in 0..=client.len().max(server.len()) {
            let cut = |bytes: &'static [u8]| bytes.get(..end).unwrap_or(bytes);
            let found = word(tcp(cut(client), cut(server)));
            assert!(
                found.is_empty() || found == expected,
                "{found} for {expected} at {end}"
            );
        }
    }
}
