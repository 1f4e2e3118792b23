use super::*;
use proptest::prelude::*;

fn done(stream: &[u8]) -> Request<'_> {
    match request(stream) {
        Progress::Done(request) => request,
        other => panic!("{other:?}"),
    }
}

fn hosts(stream: &[u8]) -> Vec<String> {
    done(stream).hosts().map(|host| host.name_text()).collect()
}

const GET: &[u8] = b"GET /a?b HTTP/1.1\r\nHost: WWW.Example.COM:8080\r\nUser-Agent: curl/8.5\r\nAccept: */*\r\n\r\n";

#[test]
fn an_ordinary_request() {
    let request = done(GET);
    assert_eq!((request.method, request.target), ("GET", &b"/a?b"[..]));
    let host = request.host.unwrap();
    assert_eq!(host.as_sent(), b"WWW.Example.COM:8080");
    assert_eq!(
        (host.name_text().as_str(), host.port),
        ("www.example.com", Some(8080))
    );
    assert_eq!(request.user_agent, Some(&b"curl/8.5"[..]));
    assert!(request.complete);
    assert_eq!(request.next_request_offset, Some(GET.len() as u64));
}

#[test]
fn hosts_of_every_form() {
    for (stream, expected) in [
        (
            &b"CONNECT Proxy.kp:443 HTTP/1.1\r\nHost: proxy.kp:443\r\n\r\n"[..],
            &["proxy.kp"][..],
        ),
        (
            b"GET http://u:p@a.kp:81/x HTTP/1.1\r\nHost: b.kp\r\n\r\n",
            &["a.kp", "b.kp"],
        ),
        (b"GET http://a.kp HTTP/1.0\r\n\r\n", &["a.kp"]),
        (b"GET / HTTP/1.1\nhost :\t a.kp \n\n", &["a.kp"]),
        (b"GET / HTTP/1.1\r\nHost:\r\n a.kp.\r\n\r\n", &["a.kp"]),
        (
            b"GET / HTTP/1.1\r\nX: 1\r\n Host: no.kp\r\nHost: a.kp\r\nHost: c.kp\r\n\r\n",
            &["a.kp"],
        ),
        (
            b"GET / HTTP/1.1\r\nHost: [2001:DB8::1]:80\r\n\r\n",
            &["2001:db8::1"],
        ),
        (
            b"GET / HTTP/1.1\r\nHost: 2001:db8::1\r\n\r\n",
            &["2001:db8::1"],
        ),
        (
            b"GET / HTTP/1.1\r\nHost: a\x01\xff\\b\r\n\r\n",
            &[r"a\001\255\092b"],
        ),
        (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", &[]),
        (b"GET /?u=http://x.kp/ HTTP/1.1\r\n\r\n", &[]),
        (b"\r\nPOST * HTTP/1.1\r\nHost: a\r\n\r\n", &["a"]),
    ] {
        assert_eq!(
            hosts(stream),
            expected,
            "{}",
            String::from_utf8_lossy(stream)
        );
    }
}

#[test]
fn other_protocols_are_refused() {
    for bytes in [
        &b"INVITE sip:bob@example.com SIP/2.0\r\n"[..],
        b"OPTIONS rtsp://a/b RTSP/1.0\r\n",
        b"GET /\r\n",
        b"get / HTTP/1.1\r\n",
        b"EHLO mail.example\r\n",
        b"\x16\x03\x01\x02\x00",
        b"GET/",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"GE /",
        b"ABCDEFGHIJKLMNOPQRSTUVW",
        b"GET /\x00abc",
        b"\n\n\n\n\n\n\n\n\nGET / HTTP/1.1\r\n",
        b"PRI * HTTP/2.0\r\n",
    ] {
        assert_eq!(
            request(bytes),
            Progress::No,
            "{}",
            String::from_utf8_lossy(bytes)
        );
    }
}

#[test]
fn a_cut_request_gives_what_is_whole() {
    let line_end = GET.iter().position(|&octet| octet == b'\n').unwrap();
    let host_end = line_end
        + 1
        + GET[line_end + 1..]
            .iter()
            .position(|&octet| octet == b'\n')
            .unwrap();
    for end in 0..GET.len() {
        match request(&GET[..end]) {
            Progress::More => assert!(end <= line_end),
            Progress::Done(request) => {
                assert!(end > line_end && !request.complete);
                assert_eq!(request.host.is_some(), end > host_end);
                assert_eq!(request.next_request_offset, None);
            }
            Progress::No => panic!("refused at {end}"),
        }
    }
}

#[test]
fn endless_headers_end() {
    let mut stream = b"GET / HTTP/1.1\r\nHost: a.kp\r\n".to_vec();
    stream.resize(MAX_HEADER_BYTES * 2, b'x');
    assert!(!done(&stream).complete);
    let mut line = b"GET /".to_vec();
    line.resize(MAX_HEADER_BYTES, b'x');
    assert_eq!(request(&line), Progress::No);
}

#[test]
fn requests_follow_each_other() {
    let mut stream = b"POST / HTTP/1.1\r\nHost: a.kp\r\nContent-Length: 5\r\n\r\nGET /".to_vec();
    stream.extend(b"POST / HTTP/1.1\r\nHost: b.kp\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nGET \r\n0\r\nT: 1\r\n\r\n");
    stream.extend(b"GET / HTTP/1.1\r\nHost: c.kp\r\n\r\nGET / HTTP/1.1\r\nHo");
    let mut walk = requests(&stream, 0);
    let found: Vec<_> = walk
        .by_ref()
        .map(|(at, r)| (at, r.host.map(|h| h.name_text())))
        .collect();
    let names: Vec<_> = found
        .iter()
        .filter_map(|(_, name)| name.as_deref())
        .collect();
    assert_eq!((names, found.len()), (vec!["a.kp", "b.kp", "c.kp"], 4));
    assert_eq!(found.last().map(|(at, _)| *at), Some(walk.offset()));
    assert!(!walk.ended());
    let offset = walk.offset();

    stream.extend(b"st: d.kp\r\n\r\n\x00\x00\x00");
    let mut rest = requests(&stream, offset);
    let (_, last) = rest.next().unwrap();
    assert_eq!(last.host.unwrap().name(), b"d.kp");
    assert!(rest.next().is_none() && rest.ended());
}

#[test]
fn a_long_body_is_skipped_without_holding_it() {
    let stream = b"PUT / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\nabc";
    let mut walk = requests(stream, 0);
    assert!(walk.next().is_some() && walk.next().is_none());
    assert_eq!((walk.offset(), walk.ended()), (1_000_044 - 1, false));
}

#[test]
fn an_absurd_length_is_no_overflow() {
    let stream = b"PUT / HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n";
    assert_eq!(requests(stream, 0).count(), 1);
}

#[test]
fn nothing_follows_connect() {
    let stream = b"CONNECT a.kp:443 HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n";
    let mut walk = requests(stream, 0);
    assert_eq!(walk.by_ref().count(), 1);
    assert!(walk.ended());
}

#[test]
fn status_lines() {
    assert_eq!(response(b"HTTP/1.1 200 OK\r\n"), Progress::Done(200));
    assert_eq!(response(b"HTTP/1.0 404\r\n"), Progress::Done(404));
    assert_eq!(response(b"HTTP/1.1 2"), Progress::More);
    for bytes in [
        &b"HTTP/2 200 OK\r\n"[..],
        b"HTTP/1.1 900 OK",
        b"ICY 200 OK",
        b"HTTP/1.1 20x O",
    ] {
        assert_eq!(response(bytes), Progress::No);
    }
}

proptest! {
    #[test]
    fn anything_goes_in(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = request(&bytes);
        let _ = response(&bytes);
    }

    #[test]
    fn mutations_go_in(position in 0_usize..200, value in any::<u8>(), end in 0_usize..200) {
        let mut bytes = [GET, GET].concat();
        if let Some(octet) = bytes.get_mut(position) {
            *octet = value;
        }
        bytes.truncate(end);
        for (_, request) in requests(&bytes, 0) {
            for host in request.hosts() {
                prop_assert!(host.name_text().bytes().all(|octet| octet.is_ascii_graphic()));
            }
        }
    }
}
