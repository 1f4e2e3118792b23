use proptest::prelude::*;

use super::*;
use crate::classify::{Application, MAX_NAME_SEGMENTS};

/// A client hello of TLS 1.2 for a name.
fn hello(name: &str) -> Vec<u8> {
    let name_length = name.len() as u16;
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([0, 0, 2, 0x13, 1, 1, 0]);
    body.extend((name_length + 9).to_be_bytes());
    body.extend([0, 0]);
    body.extend((name_length + 5).to_be_bytes());
    body.extend((name_length + 3).to_be_bytes());
    body.push(0);
    body.extend(name_length.to_be_bytes());
    body.extend(name.bytes());
    let length = body.len() as u16;
    let mut stream = vec![22, 3, 1];
    stream.extend((length + 4).to_be_bytes());
    stream.extend([1, 0]);
    stream.extend(length.to_be_bytes());
    stream.extend(body);
    stream
}

fn dns_query(id: u8, name: &str) -> Vec<u8> {
    let mut message = vec![0, id, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(label.len() as u8);
        message.extend(label.bytes());
    }
    message.extend([0, 0, 1, 0, 1]);
    message
}

fn over_tcp(message: &[u8]) -> Vec<u8> {
    let mut bytes = (message.len() as u16).to_be_bytes().to_vec();
    bytes.extend(message);
    bytes
}

/// A flow with its state and what was found.
struct Flow {
    state: NameState,
    found: Found,
    sequences: [u32; 2],
    messages: usize,
    step: Step,
    ports: [u16; 2],
}

impl Flow {
    fn tcp(server_port: u16) -> Self {
        Self::new(6, server_port)
    }

    fn udp(server_port: u16) -> Self {
        Self::new(17, server_port)
    }

    fn new(protocol: u8, server_port: u16) -> Self {
        Self {
            state: NameState::new(protocol).expect("TCP or UDP"),
            found: Found::default(),
            sequences: [100, 200],
            messages: 0,
            step: Step::Continue,
            ports: [5000, server_port],
        }
    }

    fn look(&mut self, look: impl FnOnce(&mut NameState, &mut Naming<'_>) -> Step) {
        if self.step == Step::Settled {
            return;
        }
        let messages = &mut self.messages;
        let mut naming = Naming {
            resolvers: &Resolvers::new(["dns.example"]),
            message: &mut Message::default(),
            found: &mut self.found,
            dns: &mut |_, _| *messages += 1,
        };
        self.step = look(&mut self.state, &mut naming);
    }

    fn at(&mut self, from_client: bool, sequence: u32, payload: &[u8]) {
        let [client_port, server_port] = self.ports;
        let segment = Segment {
            from_client,
            client_is_known: true,
            sequence,
            syn: false,
            payload,
            client_port,
            server_port,
        };
        self.look(|state, naming| state.segment(&segment, naming));
    }

    fn says(&mut self, from_client: bool, payload: &[u8]) -> &mut Self {
        let sequence = &mut self.sequences[usize::from(!from_client)];
        let at = *sequence;
        *sequence = at.wrapping_add(payload.len() as u32);
        self.at(from_client, at, payload);
        self
    }

    fn client(&mut self, payload: &[u8]) -> &mut Self {
        self.says(true, payload)
    }

    fn server(&mut self, payload: &[u8]) -> &mut Self {
        self.says(false, payload)
    }

    fn datagram(&mut self, from_client: bool, payload: &[u8], multicast: bool) -> &mut Self {
        let [client_port, server_port] = self.ports;
        let (source_port, destination_port) = if from_client {
            (client_port, server_port)
        } else {
            (server_port, client_port)
        };
        let datagram = UdpDatagram {
            from_client,
            payload,
            length: payload.len(),
            source_port,
            destination_port,
            multicast,
        };
        self.look(|state, naming| state.datagram(&datagram, naming));
        self
    }

    fn said(&self) -> (Option<Application>, Vec<&str>) {
        let names = self.found.names().iter().map(|name| &**name).collect();
        (self.found.application(), names)
    }
}

#[test]
fn tls_settles_with_the_hello() {
    let mut flow = Flow::tcp(9999);
    flow.client(&hello("a.example"));
    assert_eq!(flow.step, Step::Settled);
    assert_eq!(flow.said(), (Some(Application::Tls), vec!["a.example"]));
    assert_eq!(flow.found.name(), Some(("a.example", NameSource::TlsSni)));
    assert!(flow.found.ja4.is_some());
}

#[test]
fn tls_whose_ends_were_taken_for_each_other() {
    let mut flow = Flow::tcp(5001);
    flow.ports = [853, 5001];
    flow.server(&hello("a.example"));
    assert_eq!(flow.said(), (Some(Application::Dot), vec!["a.example"]));
}

#[test]
fn a_hello_that_never_ends_is_tls_without_a_name() {
    let mut flow = Flow::tcp(443);
    let cut = &hello("a.example")[..60];
    flow.client(cut);
    flow.sequences[0] += 1;
    for _ in 1..MAX_NAME_SEGMENTS {
        assert_eq!(flow.step, Step::Continue);
        flow.client(b"zzz");
    }
    assert_eq!(flow.step, Step::Settled);
    assert_eq!(flow.said(), (Some(Application::Tls), vec![]));
}

#[test]
fn hosts_of_a_connection_and_its_bodies() {
    let mut flow = Flow::tcp(80);
    flow.client(b"POST / HTTP/1.1\r\nHost: A.example:80\r\nUser-Agent: x/1\r\nContent-Length: 200000\r\n\r\n");
    for _ in 0..200 {
        flow.client(&[b'x'; 1000])
            .server(b"HTTP/1.1 100 Continue\r\n\r\n");
    }
    flow.client(b"GET / HTTP/1.1\r\nHo")
        .client(b"st: b.example\r\n\r\n");
    assert_eq!(flow.step, Step::OnlyClient);
    assert_eq!(
        flow.said(),
        (Some(Application::Http), vec!["a.example", "b.example"])
    );
    assert_eq!(flow.found.name(), Some(("a.example", NameSource::HttpHost)));
    assert_eq!(&*flow.found.user_agents()[0], "x/1");
    assert!(
        flow.state.heap_bytes() < 5000,
        "{}",
        flow.state.heap_bytes()
    );
}

#[test]
fn an_answer_is_the_last_word_of_a_server() {
    let mut flow = Flow::tcp(80);
    flow.client(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
    assert_eq!(flow.step, Step::Continue);
    flow.server(&[b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &[b'x'; 1400]].concat());
    assert_eq!(flow.step, Step::OnlyClient);
    assert!(flow.state.heap_bytes() < 600, "{}", flow.state.heap_bytes());
    flow.client(b"GET / HTTP/1.1\r\nHost: b.example\r\n\r\n");
    let names = vec!["a.example", "b.example"];
    assert_eq!(flow.said(), (Some(Application::Http), names));
}

#[test]
fn a_server_that_changes_protocols_is_listened_to() {
    let mut flow = Flow::tcp(80);
    flow.client(b"GET / HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\n\r\n")
        .server(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        .server(b"\x81\x30{\"method\": \"mining.notify\", \"params\": []}");
    assert_eq!(flow.said().0, Some(Application::Stratum));
}

#[test]
fn hosts_behind_lost_segments() {
    let mut flow = Flow::tcp(80);
    flow.client(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
    flow.sequences[0] += 10;
    for letter in 'b'..='f' {
        flow.client(format!("GET / HTTP/1.1\r\nHost: {letter}.example\r\n\r\n").as_bytes());
    }
    let (_, names) = flow.said();
    assert_eq!(names, ["a.example", "e.example", "f.example"]);
}

#[test]
fn hosts_behind_a_body_of_unknown_length() {
    let mut flow = Flow::tcp(80);
    flow.client(
        b"POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n8000\r\n",
    );
    for _ in 0..32 {
        flow.client(&[b'x'; 1024]);
    }
    flow.client(b"\r\n0\r\n\r\n");
    assert!(
        flow.state.heap_bytes() < 5000,
        "{}",
        flow.state.heap_bytes()
    );
    flow.client(b"GET / HTTP/1.1\r\nHost: b.exa")
        .client(b"mple\r\n\r\n");
    assert_eq!(flow.said().1, ["a.example", "b.example"]);
}

#[test]
fn a_request_in_crumbs_is_given_up_and_the_next_is_found() {
    let mut flow = Flow::tcp(80);
    flow.client(b"GET / HTTP/1.1\r\nHost: a.example\r\n");
    for _ in 0..100 {
        flow.client(b"x");
    }
    assert!(flow.state.heap_bytes() < 200);
    flow.client(b": y\r\n\r\n")
        .client(b"GET / HTTP/1.1\r\nHost: b.example\r\n\r\n");
    assert_eq!(flow.said().1, ["a.example", "b.example"]);
}

#[test]
fn what_only_hides_on_the_port_of_dns() {
    let mut initiation = vec![1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    initiation.extend((0..120_u32).map(|place| (place * 37 % 251) as u8));
    initiation.extend([0; 16]);
    let mut flow = Flow::udp(53);
    flow.datagram(true, &initiation, false);
    assert_eq!(flow.said(), (Some(Application::Wireguard), vec![]));
}

#[test]
fn states_and_findings_are_small() {
    assert!(size_of::<NameState>() <= 16);
    assert!(
        size_of::<StreamState>() <= 176,
        "{}",
        size_of::<StreamState>()
    );
    assert!(
        size_of::<DatagramState>() <= 96,
        "{}",
        size_of::<DatagramState>()
    );
    assert!(size_of::<Found>() <= 160, "{}", size_of::<Found>());
}

#[test]
fn through_proxies_and_after_starttls() {
    let mut flow = Flow::tcp(1080);
    flow.client(b"\x05\x01\0").server(b"\x05\0");
    flow.client(b"\x05\x01\0\x01\x01\x02\x03\x04\x01\xbb")
        .server(b"\x05\0\0\x01\0\0\0\0\0\0");
    flow.client(&hello("a.example"));
    assert_eq!(flow.said(), (Some(Application::Socks), vec!["a.example"]));
    assert!(flow.found.proxied.is_some());

    let mut flow = Flow::tcp(3128);
    flow.client(b"CONNECT b.example:443 HTTP/1.1\r\n\r\n")
        .server(b"HTTP/1.1 200 OK\r\n\r\n");
    flow.client(&hello("a.example"));
    assert_eq!(
        flow.said(),
        (Some(Application::Http), vec!["b.example", "a.example"])
    );
    assert_eq!(flow.found.name(), Some(("a.example", NameSource::TlsSni)));

    let mut flow = Flow::tcp(25);
    flow.server(b"220 ready\r\n")
        .client(b"EHLO x\r\n")
        .server(b"250 STARTTLS\r\n");
    flow.client(b"STARTTLS\r\n")
        .server(b"220 go\r\n")
        .client(&hello("a.example"));
    assert_eq!(flow.said(), (Some(Application::Smtp), vec!["a.example"]));
    assert!(flow.found.starttls && flow.step == Step::Settled);
}

#[test]
fn dns_over_tcp_however_split() {
    let mut stream = Vec::new();
    for id in 0..40 {
        stream.extend(over_tcp(&dns_query(id, &format!("host-{id}.example"))));
    }
    for length in [1, 2, 7, 100, 5000] {
        let mut flow = Flow::tcp(53);
        for part in stream.chunks(length) {
            flow.client(part);
        }
        assert_eq!((flow.messages, flow.step), (40, Step::Continue), "{length}");
        assert_eq!(
            flow.found.names().len() + flow.found.names_dropped as usize,
            40
        );
        assert_eq!(
            flow.found.name(),
            Some(("host-0.example", NameSource::DnsQuery))
        );
    }
}

#[test]
fn siblings_of_dns_over_udp() {
    let query = dns_query(1, "a.example");
    let mut local = query.clone();
    local[2] = 0;
    for (port, message, multicast, application) in [
        (53, &query, false, Some(Application::Dns)),
        (5353, &local, true, Some(Application::Mdns)),
        (5353, &query, false, Some(Application::Dns)),
        (5355, &local, true, Some(Application::Llmnr)),
        (9999, &query, false, Some(Application::Dns)),
    ] {
        let mut flow = Flow::udp(port);
        flow.datagram(true, message, multicast);
        assert_eq!(
            (flow.said(), flow.messages),
            ((application, vec!["a.example"]), 1),
            "{port}"
        );
    }
}

#[test]
fn unknown_flows_settle() {
    let mut flow = Flow::udp(9999);
    for _ in 0..4 {
        assert_eq!(flow.step, Step::Continue);
        flow.datagram(true, &[0x33; 90], false);
    }
    assert_eq!(flow.step, Step::Settled);
    let mut flow = Flow::tcp(9999);
    for _ in 0..12 {
        flow.client(&[0x33; 1460]).server(&[0x44; 1460]);
    }
    assert_eq!(flow.step, Step::Settled);
    assert_eq!(flow.said(), (None, vec![]));
}

#[test]
fn pools_inside_http() {
    let mut flow = Flow::tcp(8332);
    flow.client(b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 43\r\n\r\n");
    flow.client(b"{\"method\": \"getwork\", \"params\": [], \"id\": 1}");
    assert_eq!(flow.said(), (Some(Application::Getwork), vec!["a.example"]));
}

#[test]
fn a_piece_far_out_counts_with_the_room_before_it() {
    const OFFSET: u16 = 12_000;
    let [high, low] = OFFSET.to_be_bytes();
    let mut record = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13];
    record.extend([1, 0, 0x3e, 0x80, 0, 0, 0, high, low, 0, 0, 1, b'x']);
    let mut flow = Flow::udp(443);
    flow.datagram(true, &record, false);
    assert_eq!(flow.said().0, Some(Application::Dtls));
    assert!(flow.state.heap_bytes() > usize::from(OFFSET));
}

proptest! {
    /// However a connection is cut, its hosts are found.
    #[test]
    fn any_cut_gives_the_hosts(cuts in prop::collection::vec(8usize..200, 1..40)) {
        let requests = (0..8).map(|number| {
            let body = "x".repeat(number * 50);
            let length = body.len();
            format!("POST / HTTP/1.1\r\nHost: h{number}.example\r\nContent-Length: {length}\r\n\r\n{body}")
        });
        let stream = requests.collect::<String>();
        let mut flow = Flow::tcp(80);
        let mut rest = stream.as_bytes();
        for &cut in cuts.iter().cycle() {
            let (part, behind) = rest.split_at(cut.min(rest.len()));
            flow.client(part);
            rest = behind;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(flow.found.names().len(), 8);
    }

    /// Whatever comes, nothing panics, and memory stays within the windows.
    #[test]
    fn anything_goes_in(
        first in prop::sample::select(vec![&b"\x16\x03\x01"[..], b"GET / HTTP/1.1\r\n", b"\x05\x01\0", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\0\x20", b""]),
        parts in prop::collection::vec((any::<bool>(), 0u32..40_000, prop::collection::vec(any::<u8>(), 0..60)), 0..80),
        port in prop::sample::select(vec![53u16, 80, 443]),
    ) {
        let mut stream = Flow::tcp(port);
        let mut datagrams = Flow::udp(port);
        stream.client(first);
        for (from_client, sequence, bytes) in parts {
            stream.at(from_client, 100 + sequence, &bytes);
            datagrams.datagram(from_client, &bytes, false);
            prop_assert!(stream.state.heap_bytes() < 2 * 17_000 + 500);
        }
    }
}
