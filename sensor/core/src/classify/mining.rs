//! Mining pools: Stratum in its dialects, getwork and getblocktemplate over HTTP.

use super::bytes::contains;
use super::{Application, Streams, Verdict};

/// Bytes of a direction searched.
const MAX_SEARCH_BYTES: usize = 4096;

/// Methods that nothing but a pool or its miner speaks.
const STRATUM_METHODS: [&[u8]; 17] = [
    b"mining.subscribe",
    b"mining.authorize",
    b"mining.submit",
    b"mining.notify",
    b"mining.set_difficulty",
    b"mining.set_target",
    b"mining.set_extranonce",
    b"mining.extranonce.subscribe",
    b"mining.configure",
    b"mining.suggest_difficulty",
    b"mining.suggest_target",
    b"mining.multi_version",
    b"mining.hello",
    b"mining.set",
    b"eth_submitLogin",
    b"eth_submitWork",
    b"eth_submitHashrate",
];

/// JSON lines with a mining method, a miner's login, or a job with what a miner needs; over TCP or
/// inside a WebSocket, whose frames from the server are in the clear.
pub(super) fn stratum(streams: Streams<'_>) -> Option<Verdict> {
    const METHOD: Verdict =
        Verdict::sure(Application::Stratum, &["JSON object", "method of mining"]);
    const LOGIN: Verdict = Verdict::sure(
        Application::Stratum,
        &["JSON object", "method login with login, pass and agent"],
    );
    const JOB: Verdict = Verdict::sure(
        Application::Stratum,
        &["JSON object", "job with blob, target and job_id"],
    );
    for bytes in streams.both() {
        let bytes = bytes.get(..MAX_SEARCH_BYTES).unwrap_or(bytes);
        if !is_json(bytes) && !is_upgrade(bytes) {
            continue;
        }
        if STRATUM_METHODS
            .iter()
            .any(|method| has_method(bytes, method))
        {
            return Some(METHOD);
        }
        let has_all = |keys: &[&[u8]]| keys.iter().all(|key| contains(bytes, key));
        if has_method(bytes, b"login")
            && has_all(&[b"\"params\"", b"\"login\"", b"\"pass\"", b"\"agent\""])
        {
            return Some(LOGIN);
        }
        if has_all(&[b"\"job_id\"", b"\"blob\"", b"\"target\""]) {
            return Some(JOB);
        }
    }
    None
}

/// Bitcoin's older ways, JSON-RPC in an HTTP POST.
pub(super) fn getwork(streams: Streams<'_>) -> Option<Verdict> {
    let bytes = streams
        .client
        .get(..MAX_SEARCH_BYTES)
        .unwrap_or(streams.client);
    if !bytes.starts_with(b"POST ") {
        return None;
    }
    let body = bytes.get(memchr::memmem::find(bytes, b"\r\n\r\n")?..)?;
    let asks = [
        &b"getwork"[..],
        b"getblocktemplate",
        b"getwork_async",
        b"submitblock",
        b"eth_getWork",
    ]
    .iter()
    .any(|method| has_method(body, method));
    asks.then_some(Verdict::sure(
        Application::Getwork,
        &["JSON-RPC in HTTP POST", "method of mining"],
    ))
}

fn is_json(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"{")
}

fn is_upgrade(bytes: &[u8]) -> bool {
    bytes.starts_with(b"HTTP/1.1 101 ")
}

/// Whether some `"method"` key has exactly this value, white space aside.
fn has_method(bytes: &[u8], method: &[u8]) -> bool {
    const KEY: &[u8] = b"\"method\"";
    memchr::memmem::find_iter(bytes, KEY).take(16).any(|at| {
        let rest = bytes
            .get(at + KEY.len()..)
            .unwrap_or(&[])
            .trim_ascii_start();
        let Some(value) = rest.strip_prefix(b":").map(<[u8]>::trim_ascii_start) else {
            return false;
        };
        value
            .strip_prefix(b"\"")
            .and_then(|value| value.strip_prefix(method))
            .is_some_and(|rest| rest.starts_with(b"\""))
    })
}
