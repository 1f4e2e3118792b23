//! Names and fingerprints of real captures against their ground truth, where there is one.
//!
//! `BLOCKTAP_CAPTURES` tells the folder; with `BLOCKTAP_SHOW` set, what the flows are is printed.

mod known;
mod replay;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use blocktap_core::classify::{Application, Found};
use blocktap_core::name::ja4::Ja4;
use serde_json::Value;

use known::DIFFERENCES;
use replay::{Replay, Set, TCP, UDP};

/// Names of one kind that a difference lists one by one.
const MAX_LISTED: usize = 8;

fn folder() -> PathBuf {
    let named = std::env::var_os("BLOCKTAP_CAPTURES").map(PathBuf::from);
    named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures"))
}

fn read_json(path: &Path) -> Option<Value> {
    let Ok(text) = std::fs::read(path) else {
        eprintln!("SKIPPED: no {}: nothing was compared", path.display());
        return None;
    };
    Some(serde_json::from_slice(&text).expect("JSON"))
}

fn texts<'a>(truth: &'a Value, key: &str) -> impl Iterator<Item = &'a str> {
    truth[key]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// A name of the truth as it is kept here: lower case, no port, no user, no trailing dot.
fn normal(name: &str) -> String {
    if name == "<Root>" {
        return ".".into();
    }
    let name = name.rsplit('@').next().unwrap_or(name);
    let name = match name.split_once(':') {
        Some((host, port)) if !port.contains(':') => host,
        _ => name,
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name.trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned()
}

fn normals(truth: &Value, keys: &[&str]) -> Set {
    let names = keys.iter().flat_map(|key| texts(truth, key)).map(normal);
    names.filter(|name| !name.is_empty()).collect()
}

#[test]
fn names_are_those_of_the_truth() {
    let Some(truth) = read_json(&folder().join("truth.json")) else {
        return;
    };
    let mut wrong = Vec::new();
    for (name, truth) in truth["captures"].as_object().expect("captures") {
        let replay = Replay::of(&folder().join(name));
        if std::env::var_os("BLOCKTAP_SHOW").is_some() {
            show(name, &replay);
        }
        let mut out = differences(&replay, truth);
        compare_hellos(&replay, truth, &mut out);
        let known = DIFFERENCES.iter().find(|(capture, ..)| capture == name);
        if out != known.map_or(&[][..], |(.., known)| known) {
            wrong.push((name, out));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn differences(replay: &Replay, truth: &Value) -> Vec<String> {
    let mut out = Vec::new();
    let [udp, tcp, mdns, llmnr] = &replay.queries;
    let dns: Set = udp.union(tcp).cloned().collect();
    for (what, found, keys) in [
        (
            "tcp",
            &replay.names(TCP),
            &["sni_tcp", "http_hosts", "http2_authorities"][..],
        ),
        (
            "udp",
            &replay.names(UDP),
            &["sni_quic", "sni_gquic", "sni_dtls"],
        ),
        (
            "dns",
            &dns,
            &[
                "dns_qnames_udp53",
                "dns_qnames_tcp53",
                "dns_qnames_other_ports",
            ],
        ),
        ("mdns", mdns, &["dns_qnames_mdns"]),
        ("llmnr", llmnr, &["dns_qnames_llmnr"]),
        ("ja4", &replay.ja4(), &["ja4"]),
    ] {
        let truth = normals(truth, keys);
        let missed: Vec<_> = truth.difference(found).collect();
        if missed.len() > MAX_LISTED {
            out.push(format!("{what} missed {} names", missed.len()));
        } else {
            out.extend(missed.iter().map(|name| format!("{what} missed {name}")));
        }
        out.extend(
            found
                .difference(&truth)
                .map(|name| format!("{what} more {name}")),
        );
    }
    out
}

/// Each hello of the truth names its own flow, and has its mark of ECH.
fn compare_hellos(replay: &Replay, truth: &Value, out: &mut Vec<String>) {
    let end = |event: &Value, address: &str, port: &str| {
        let address: Option<IpAddr> = event[address].as_str().and_then(|text| text.parse().ok());
        let number = match address {
            Some(IpAddr::V4(four)) => u128::from(four.to_ipv6_mapped()),
            Some(IpAddr::V6(six)) => u128::from(six),
            None => 0,
        };
        (number, event[port].as_u64().unwrap_or(0) as u16)
    };
    let hellos = truth["events"]["client_hellos"].as_array();
    for event in hellos.into_iter().flatten() {
        let Some(via @ ("tcp" | "quic")) = event["via"].as_str() else {
            continue;
        };
        let (client, server) = (end(event, "src", "sport"), end(event, "dst", "dport"));
        let sni = texts(event, "sni").next().map(normal);
        let is_named = |found: &Found| {
            let known = sni.as_deref().unwrap_or_default();
            known.is_empty() || found.names().iter().any(|name| **name == *known)
        };
        let has_mark = |found: &Found| found.ech || event.get("ech").is_none();
        let named = replay
            .flows
            .iter()
            .filter(|flow| flow.client == client && flow.server == server)
            .any(|flow| is_named(&flow.found) && has_mark(&flow.found));
        if !named && !texts(event, "ja4").any(|ja4| out.iter().any(|line| line.ends_with(ja4))) {
            out.push(format!(
                "{via} hello of frame {} gave nothing",
                event["frame"]
            ));
        }
    }
}

/// Prints what the flows of a capture are.
fn show(name: &str, replay: &Replay) {
    let mut applications = BTreeMap::<_, usize>::new();
    for flow in &replay.flows {
        let word = flow.found.application().map_or("-", Application::word);
        *applications.entry(word).or_default() += 1;
    }
    println!(
        "{name}: {} looks, {} rows, {:?}, {applications:?}",
        replay.looked_at,
        replay.rows,
        replay.transactions.counters()
    );
}

#[test]
fn every_cut_of_a_hello_gives_its_name_and_fingerprint() {
    let folder = folder().join("derived");
    let Some(expected) = read_json(&folder.join("expected.json")) else {
        return;
    };
    for (name, expected) in expected.as_object().expect("captures") {
        let replay = Replay::of(&folder.join(name));
        let found = replay.flows.iter().find(|flow| flow.found.ja4.is_some());
        let found = found.map(|flow| &flow.found);
        let sni = texts(expected, "sni").next();
        let ja4 = texts(expected, "ja4").next();
        assert_eq!(
            found.and_then(|found| found.name()).map(|(name, _)| name),
            sni,
            "{name}"
        );
        assert_eq!(
            found.and_then(|found| found.ja4).as_ref().map(Ja4::as_str),
            ja4,
            "{name}"
        );
    }
}
