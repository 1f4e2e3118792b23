//! TCP: both directions put in order, looked at whenever one of them grows.

use super::dns_stream::{self, begins_dns};
use super::http_stream::{self, HttpStep};
use super::{Naming, Segment, Step};
use crate::classify::found::NameSource;
use crate::classify::{Application, Verdict, refine};
use crate::flow::{Head, Pushed};
use crate::name::ja4::Carrier;
use crate::name::proxied::{Proxy, proxied_offset};
use crate::name::starttls::{PlainProtocol, starttls_offset};
use crate::name::tls::client_hello;
use crate::name::tls_server::server_hello;
use crate::name::{Progress, http, http2};

/// Data segments of a flow that are looked at before it is given up.
pub const MAX_NAME_SEGMENTS: u8 = 64;
/// Data segments after which the matchers of applications are not asked again.
pub const MAX_CLASSIFY_SEGMENTS: u8 = 16;
/// Segments out of reach after which a stream goes on behind what is missing.
pub(super) const MAX_STALLED_SEGMENTS: u8 = 4;

const TLS_HANDSHAKE: u8 = 22;
/// Record header and type of message: enough to tell a hello from anything else.
const HELLO_SIGN_BYTES: usize = 6;

const HTTP: Verdict = Verdict::sure(Application::Http, &["request line"]);
const HTTP_ANSWER: Verdict = Verdict::sure(Application::Http, &["status line"]);
const HTTP2: Verdict = Verdict::sure(Application::Http2, &["connection preface"]);
const TLS_CUT: Verdict = Verdict::sure(Application::Tls, &["beginning of a client hello"]);
const TLS_ANSWER: Verdict = Verdict::sure(Application::Tls, &["server hello"]);
const SOCKS: Verdict = Verdict::sure(Application::Socks, &["request to connect"]);

/// What the stream is known to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// Nothing yet.
    #[default]
    Looking,
    /// HTTP/1.x; where in the client's head the next request begins.
    Http(u64),
    /// HTTP/2; where its next frame begins.
    Http2(u64),
    /// DNS.
    Dns,
}

/// State of a TCP flow.
#[derive(Debug, Default)]
pub struct StreamState {
    client: Head,
    server: Head,
    phase: Phase,
    /// Data segments looked at.
    segments: u8,
    /// Segments of the client in a row that could not be put in order.
    stalled: u8,
    /// The end taken for the server at first turned out to be the client.
    swapped: bool,
    /// Behind a proxy's request or STARTTLS: only names are looked for, in the client's bytes.
    carried: bool,
}

impl StreamState {
    /// Takes the next segment.
    pub(super) fn take(&mut self, segment: &Segment<'_>, naming: &mut Naming<'_>) -> Step {
        let from_client = segment.from_client != self.swapped;
        if !from_client && self.ignores_server() {
            return Step::Continue;
        }
        let head = if from_client {
            &mut self.client
        } else {
            &mut self.server
        };
        let mut pushed = head.push(segment.sequence, segment.syn, segment.payload);
        if segment.payload.is_empty() {
            return Step::Continue;
        }
        self.segments = self.segments.saturating_add(1);
        if pushed != Pushed::Grew && self.resumes(segment, from_client, pushed) {
            pushed = Pushed::Grew;
        }
        if pushed == Pushed::Grew {
            let step = match self.phase {
                Phase::Looking => self.look(segment, from_client, naming),
                Phase::Http(offset) => self.follow_http(segment, offset, naming),
                Phase::Http2(offset) => self.follow_http2(offset, naming),
                Phase::Dns => {
                    let head = if from_client {
                        &mut self.client
                    } else {
                        &mut self.server
                    };
                    dns_stream::take(head, naming)
                }
            };
            if step == Step::Settled {
                return Step::Settled;
            }
        }
        self.give_up(naming)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        size_of::<Self>() + self.client.heap_bytes() + self.server.heap_bytes()
    }

    /// Whether the server's bytes cannot say anything more.
    fn ignores_server(&self) -> bool {
        self.carried
            || matches!(self.phase, Phase::Http(_) | Phase::Http2(_))
                && self.segments >= MAX_CLASSIFY_SEGMENTS
    }

    /// Whether a stream that waits in vain for lost bytes goes on at this segment, which begins a request or a
    /// message.
    fn resumes(&mut self, segment: &Segment<'_>, from_client: bool, pushed: Pushed) -> bool {
        if !matches!(pushed, Pushed::Waiting | Pushed::Beyond) {
            return false;
        }
        self.stalled = self.stalled.saturating_add(1);
        if self.stalled < MAX_STALLED_SEGMENTS && pushed == Pushed::Waiting {
            return false;
        }
        let head = match self.phase {
            Phase::Http(_) if from_client && http_stream::begins_request(segment.payload) => {
                self.phase = Phase::Http(0);
                &mut self.client
            }
            Phase::Dns if begins_dns(segment.payload, false) && from_client => &mut self.client,
            Phase::Dns if begins_dns(segment.payload, false) => &mut self.server,
            _ => return false,
        };
        self.stalled = 0;
        head.restart(segment.sequence);
        head.push(segment.sequence, false, segment.payload) == Pushed::Grew
    }

    /// Settles a flow of which enough was seen without knowing what it is.
    fn give_up(&mut self, naming: &mut Naming<'_>) -> Step {
        if self.phase != Phase::Looking {
            return Step::Continue;
        }
        let is_spent = self.segments >= MAX_NAME_SEGMENTS
            || self.client.is_full() && (self.carried || self.server.is_full());
        if !is_spent {
            return Step::Continue;
        }
        if begins_hello(self.client.bytes()) {
            naming.found.say(TLS_CUT);
        }
        Step::Settled
    }

    fn look(&mut self, segment: &Segment<'_>, from_client: bool, naming: &mut Naming<'_>) -> Step {
        let from_client = from_client != self.swaps(from_client);
        if !from_client {
            self.look_at_server(naming);
        } else if let Some(step) = self.look_at_client(segment, naming) {
            return step;
        }
        if self.carried || begins_hello(self.client.bytes()) {
            return Step::Continue;
        }
        let on_port = segment.client_port == 53 || segment.server_port == 53;
        if begins_dns(self.client.bytes(), !on_port) || begins_dns(self.server.bytes(), !on_port) {
            self.phase = Phase::Dns;
            naming.found.say(dns_stream::DNS);
            dns_stream::take(&mut self.client, naming);
            return dns_stream::take(&mut self.server, naming);
        }
        if let Some(step) = self.look_behind_preamble(segment, naming) {
            return step;
        }
        self.classify(naming)
    }

    /// Looks for what a client begins with; none where it began with nothing known.
    fn look_at_client(&mut self, segment: &Segment<'_>, naming: &mut Naming<'_>) -> Option<Step> {
        let client = self.client.bytes();
        match client_hello(client, Carrier::Tcp) {
            Progress::Done(hello) => {
                let server_port = if self.swapped {
                    segment.client_port
                } else {
                    segment.server_port
                };
                let verdict = refine::tls(&hello, server_port, naming.resolvers);
                // A server hello that came first is no better reason.
                if naming.found.application() == Some(Application::Tls) {
                    naming.found.verdict = None;
                }
                naming.found.say(verdict);
                naming.found.add_hello(&hello, NameSource::TlsSni);
                return Some(Step::Settled);
            }
            Progress::More if client.first() == Some(&TLS_HANDSHAKE) => {
                return Some(Step::Continue);
            }
            Progress::More | Progress::No => {}
        }
        if http::request(client).done().is_some() {
            naming.found.say(HTTP);
            self.phase = Phase::Http(0);
            return Some(self.follow_http(segment, 0, naming));
        }
        if client.starts_with(http2::PREFACE) {
            naming.found.say(HTTP2);
            self.phase = Phase::Http2(0);
            return Some(self.follow_http2(0, naming));
        }
        None
    }

    /// Swaps the ends where one says what only the other end says; whether it did.
    fn swaps(&mut self, from_client: bool) -> bool {
        let (client, server) = (self.client.bytes(), self.server.bytes());
        let is_wrong = if from_client {
            server.is_empty() && is_answer(client).is_some()
        } else {
            let asks = begins_hello(server) || http_stream::begins_request(server);
            asks && !begins_hello(client)
        };
        let swaps = is_wrong && !self.carried;
        if swaps {
            std::mem::swap(&mut self.client, &mut self.server);
            self.swapped = !self.swapped;
        }
        swaps
    }

    /// An answer to what was not seen tells as much; a client's bytes may still come.
    fn look_at_server(&mut self, naming: &mut Naming<'_>) {
        if !self.client.is_empty() || naming.found.verdict.is_some() {
            return;
        }
        if let Some(verdict) = is_answer(self.server.bytes()) {
            naming.found.say(verdict);
        }
    }

    /// Goes on behind a proxy's request or a change to TLS.
    fn look_behind_preamble(
        &mut self,
        segment: &Segment<'_>,
        naming: &mut Naming<'_>,
    ) -> Option<Step> {
        let (client, server) = (self.client.bytes(), self.server.bytes());
        if let Some(proxied) = proxied_offset(client, server) {
            if proxied.proxy != Proxy::HttpConnect {
                naming.found.say(SOCKS);
            }
            naming.found.proxied = Some(proxied.proxy);
            return Some(self.carry_on(proxied.client_offset, segment, naming));
        }
        let is_text = client.first().is_some_and(u8::is_ascii_alphanumeric);
        let start = starttls_offset(client, server).filter(|_| is_text)?;
        // Whether the command was heeded shows in what follows it.
        if client.len() <= start.client_offset {
            return Some(Step::Continue);
        }
        naming.found.say(verdict_of(start.protocol));
        naming.found.starttls = true;
        Some(self.carry_on(start.client_offset, segment, naming))
    }

    fn carry_on(&mut self, offset: usize, segment: &Segment<'_>, naming: &mut Naming<'_>) -> Step {
        self.carried = true;
        self.phase = Phase::Looking;
        self.server.clear();
        self.client.consume(offset as u64);
        self.look_at_client(segment, naming)
            .unwrap_or(Step::Continue)
    }

    /// Asks the matchers of applications.
    fn classify(&mut self, naming: &mut Naming<'_>) -> Step {
        if self.segments > MAX_CLASSIFY_SEGMENTS {
            return Step::Continue;
        }
        let Some(verdict) = crate::classify::tcp(self.client.bytes(), self.server.bytes()) else {
            return Step::Continue;
        };
        // More specific than a mere status line of a server.
        if naming.found.application() == Some(Application::Http) {
            naming.found.verdict = None;
        }
        naming.found.say(verdict);
        match verdict.application {
            // These may yet carry something, or go over to TLS.
            Application::Smtp
            | Application::Imap
            | Application::Pop3
            | Application::Ftp
            | Application::Socks => Step::Continue,
            _ => Step::Settled,
        }
    }

    fn follow_http(&mut self, segment: &Segment<'_>, offset: u64, naming: &mut Naming<'_>) -> Step {
        self.stalled = 0;
        let classifies = !self.carried && self.segments <= MAX_CLASSIFY_SEGMENTS;
        if classifies
            && let Some(verdict) = crate::classify::tcp(self.client.bytes(), self.server.bytes())
        {
            naming.found.verdict = Some(verdict);
        }
        match http_stream::follow(&self.client, offset, naming) {
            HttpStep::Next(next) => {
                self.phase = Phase::Http(next);
                if self.segments >= MAX_CLASSIFY_SEGMENTS || self.client.is_full() {
                    self.server.clear();
                    self.phase = Phase::Http(0);
                    if !self.client.consume(next) {
                        return Step::Settled;
                    }
                }
                Step::Continue
            }
            HttpStep::Tunnel(next) => {
                naming.found.proxied = Some(Proxy::HttpConnect);
                self.carry_on(next, segment, naming)
            }
            HttpStep::Http2(next) => {
                self.client.consume(next);
                self.phase = Phase::Http2(0);
                self.follow_http2(0, naming)
            }
            // What follows an upgrade may still show what the connection is for.
            HttpStep::Ended if classifies => Step::Continue,
            HttpStep::Ended => Step::Settled,
        }
    }

    fn follow_http2(&mut self, offset: u64, naming: &mut Naming<'_>) -> Step {
        match http_stream::follow_http2(&mut self.client, offset, naming) {
            Some(next) => {
                self.phase = Phase::Http2(next);
                Step::Continue
            }
            None => Step::Settled,
        }
    }
}

/// What a server answers in the clear to what was not seen.
fn is_answer(stream: &[u8]) -> Option<Verdict> {
    if server_hello(stream).done().is_some() {
        Some(TLS_ANSWER)
    } else {
        http::response(stream).done().map(|_status| HTTP_ANSWER)
    }
}

fn begins_hello(stream: &[u8]) -> bool {
    stream.len() >= HELLO_SIGN_BYTES && matches!(stream, [TLS_HANDSHAKE, 3, 0..=4, _, _, 1, ..])
}

const fn verdict_of(protocol: PlainProtocol) -> Verdict {
    const COMMAND: &[&str] = &["command to begin TLS", "client hello behind it"];
    Verdict::sure(
        match protocol {
            PlainProtocol::Smtp => Application::Smtp,
            PlainProtocol::Imap => Application::Imap,
            PlainProtocol::Pop3 => Application::Pop3,
            PlainProtocol::Ftp => Application::Ftp,
        },
        COMMAND,
    )
}
