//! Every matcher with bytes it takes, bytes that come near, cuts, mutations and noise.

use super::*;
use proptest::prelude::*;

mod datagrams;
mod sieve;
mod streams;

use streams::STREAMS;

fn word(verdict: Option<Verdict>) -> &'static str {
    verdict.map_or("", |verdict| verdict.application.word())
}

/// Datagrams of one flow in turn; the word of the verdict and how many datagrams it took.
fn classify_datagrams(flow: &[(Side, Vec<u8>)], ports: (u16, u16)) -> (&'static str, usize) {
    let mut state = UdpState::default();
    for (at, (side, bytes)) in flow.iter().enumerate() {
        let (source_port, destination_port) = match side {
            Side::Client => ports,
            Side::Server => (ports.1, ports.0),
        };
        let datagram = Datagram {
            bytes,
            length: bytes.len(),
            side: *side,
            source_port,
            destination_port,
        };
        if let Some(verdict) = udp(&datagram, &mut state) {
            return (verdict.application.word(), at + 1);
        }
    }
    ("", flow.len())
}

#[test]
fn every_application_is_in_the_rules() {
    let rules = include_str!("../../../../rules/protocols.toml");
    for application in Application::ALL {
        let line = format!("application = \"{}\"", application.word());
        assert_eq!(
            rules.lines().filter(|found| *found == line).count(),
            1,
            "{line}"
        );
    }
    let listed = rules
        .lines()
        .filter(|line| line.starts_with("application = "))
        .count();
    assert_eq!(listed, Application::ALL.len());
}

#[test]
fn words_are_distinct() {
    let words: std::collections::BTreeSet<_> = Application::ALL
        .iter()
        .map(|application| application.word())
        .collect();
    assert_eq!(words.len(), Application::ALL.len());
}

#[test]
fn state_gives_up() {
    let flow = vec![(Side::Client, vec![0xab; 40]); usize::from(UdpState::MAX_DATAGRAMS)];
    let mut late = flow;
    late.push((Side::Client, b"r6fnvWj8".repeat(8)));
    assert_eq!(classify_datagrams(&late, (5000, 6000)).0, "");
}

#[test]
fn state_is_small() {
    assert!(size_of::<UdpState>() <= 40);
}

proptest! {
    #[test]
    fn noise_is_nothing(client in proptest::collection::vec(any::<u8>(), 0..400), server in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert_eq!(word(tcp(&client, &server)), "");
        let flow = [(Side::Client, client), (Side::Server, server)];
        prop_assert_eq!(classify_datagrams(&flow, (50_000, 50_001)).0, "");
    }

    #[test]
    fn mutated_streams_go_in(which in 0..STREAMS.len(), position in any::<prop::sample::Index>(), value in any::<u8>()) {
        let (_, client, server) = STREAMS[which];
        let mut client = client.to_vec();
        if !client.is_empty() {
            let at = position.index(client.len());
            client[at] = value;
        }
        let _ = tcp(&client, server);
        let _ = tcp(server, &client);
    }
}
