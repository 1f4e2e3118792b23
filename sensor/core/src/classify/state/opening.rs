//! The beginning of a TCP connection: what its first bytes make of it.

use super::dns_stream::{self, begins_dns};
use super::http_stream;
use super::stream::{MAX_CLASSIFY_SEGMENTS, Phase, StreamState, is_last_word};
use super::{Naming, Segment, Step};
use crate::classify::found::NameSource;
use crate::classify::{Application, Verdict, refine};
use crate::flow::MAX_HEAD_BYTES;
use crate::name::ja4::Carrier;
use crate::name::proxied::{Proxy, proxied_offset};
use crate::name::starttls::{PlainProtocol, starttls_offset};
use crate::name::tls::{ClientHello, client_hello};
use crate::name::tls_server::server_hello;
use crate::name::{Progress, http, http2};

const TLS_HANDSHAKE: u8 = 22;
/// Record header and type of message: enough to tell a hello from anything else.
const HELLO_SIGN_BYTES: usize = 6;

const HTTP: Verdict = Verdict::sure(Application::Http, &["request line"]);
const HTTP_ANSWER: Verdict = Verdict::sure(Application::Http, &["status line"]);
const HTTP2: Verdict = Verdict::sure(Application::Http2, &["connection preface"]);
const TLS_CUT: Verdict = Verdict::sure(Application::Tls, &["beginning of a client hello"]);
const TLS_ANSWER: Verdict = Verdict::sure(Application::Tls, &["server hello"]);
const SOCKS: Verdict = Verdict::sure(Application::Socks, &["request to connect"]);

impl StreamState {
    /// Looks at the head that grew.
    pub(super) fn look(
        &mut self,
        segment: &Segment<'_>,
        from_client: bool,
        naming: &mut Naming<'_>,
    ) -> Step {
        let from_client = from_client != self.swaps(from_client);
        if !from_client {
            self.look_at_server(naming);
        } else if let Some(step) = self.look_at_client(segment, naming) {
            return step;
        }
        if begins_hello(self.client.bytes()) {
            // Also of one that cannot be read, whether that shows in its first segment or in a later one.
            naming.found.say(TLS_CUT);
            return Step::Continue;
        }
        if self.carried {
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
        self.classify(segment, naming)
    }

    /// Reads a hello that begins the client's stream and is whole in its first segment, as most are, where it
    /// lies; none where the segment has to be kept.
    pub(super) fn look_in_place(
        &self,
        segment: &Segment<'_>,
        naming: &mut Naming<'_>,
    ) -> Option<Step> {
        let window = segment.payload.get(..MAX_HEAD_BYTES);
        let payload = window.unwrap_or(segment.payload);
        if !begins_hello(payload) || !self.client.would_begin_with(segment.sequence, segment.syn) {
            return None;
        }
        let hello = client_hello(payload, Carrier::Tcp).done()?;
        Some(self.take_hello(hello, segment, naming))
    }

    /// Takes what a whole hello says: the flow is settled.
    fn take_hello(
        &self,
        hello: ClientHello,
        segment: &Segment<'_>,
        naming: &mut Naming<'_>,
    ) -> Step {
        let server_port = if self.swapped {
            segment.client_port
        } else {
            segment.server_port
        };
        let verdict = refine::tls(&hello, server_port, naming.resolvers);
        // What told only that this is TLS is no better reason.
        if naming.found.application() == Some(Application::Tls) {
            naming.found.verdict = None;
        }
        naming.found.say(verdict);
        naming.found.add_hello(hello, NameSource::TlsSni);
        Step::Settled
    }

    /// Looks for what a client begins with; none where it began with nothing known.
    fn look_at_client(&mut self, segment: &Segment<'_>, naming: &mut Naming<'_>) -> Option<Step> {
        let client = self.client.bytes();
        match client_hello(client, Carrier::Tcp) {
            Progress::Done(hello) => return Some(self.take_hello(hello, segment, naming)),
            Progress::More if client.first() == Some(&TLS_HANDSHAKE) => {
                // The rest may never come, where packets are cut or lost.
                if begins_hello(client) {
                    naming.found.say(TLS_CUT);
                }
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
            self.answered = is_last_word(self.server.bytes());
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
        let start = may_go_over(server)
            .then(|| starttls_offset(client, server))
            .flatten()?;
        // Whether the command was heeded shows in what follows it.
        if client.len() <= start.client_offset {
            return Some(Step::Continue);
        }
        naming.found.say(verdict_of(start.protocol));
        naming.found.starttls = true;
        Some(self.carry_on(start.client_offset, segment, naming))
    }

    /// Goes on with what is carried, from an offset in the client's bytes on.
    pub(super) fn carry_on(
        &mut self,
        offset: usize,
        segment: &Segment<'_>,
        naming: &mut Naming<'_>,
    ) -> Step {
        self.carried = true;
        self.phase = Phase::Looking;
        self.server.clear();
        self.client.consume(offset as u64);
        self.look_at_client(segment, naming)
            .unwrap_or(Step::Continue)
    }

    /// Asks the matchers of applications.
    fn classify(&mut self, segment: &Segment<'_>, naming: &mut Naming<'_>) -> Step {
        if self.segments > MAX_CLASSIFY_SEGMENTS {
            return Step::Continue;
        }
        let (client, server) = (self.client.bytes(), self.server.bytes());
        // Met in the middle, either end may be the client.
        let may_be_turned = !segment.client_is_known && !self.swapped;
        let verdict = crate::classify::tcp(client, server).or_else(|| {
            may_be_turned
                .then(|| crate::classify::tcp(server, client))
                .flatten()
        });
        let Some(verdict) = verdict else {
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
}

/// What a server answers in the clear to what was not seen.
fn is_answer(stream: &[u8]) -> Option<Verdict> {
    if server_hello(stream).done().is_some() {
        Some(TLS_ANSWER)
    } else {
        http::response(stream).done().map(|_status| HTTP_ANSWER)
    }
}

/// Whether a server has greeted, or was not heard, as those do that go over to TLS.
fn may_go_over(server: &[u8]) -> bool {
    let greetings: [&[u8]; 3] = [b"220", b"* ", b"+OK"];
    server.is_empty() || greetings.iter().any(|known| server.starts_with(known))
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
