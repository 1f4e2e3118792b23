//! TCP: both directions put in order, looked at whenever one of them grows.

use super::dns_stream::{self, begins_dns};
use super::http_stream::{self, HttpStep};
use super::{Naming, Segment, Step};
use crate::flow::{Head, MAX_HEAD_BYTES, Pushed};
use crate::name::http;
use crate::name::proxied::Proxy;

/// Bits of a SYN's sequence number that tell the others, given what comes after it.
pub const SYN_BITS: u32 = 29;
/// First bytes of a server that are looked at.
const MAX_SERVER_BYTES: usize = 4 << 10;
/// Those of one that answers in HTTP: what follows is for people.
const MAX_ANSWER_BYTES: usize = 128;
/// Data segments of a flow that are looked at before it is given up.
pub const MAX_NAME_SEGMENTS: u8 = 64;
/// Data segments after which the matchers of applications are not asked again.
pub const MAX_CLASSIFY_SEGMENTS: u8 = 12;
/// Segments out of reach after which a stream goes on behind what is missing.
pub(super) const MAX_STALLED_SEGMENTS: u8 = 4;

/// Times that one request is read again because more of it came.
const MAX_REREADS: u8 = 64;

/// What the stream is known to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing yet.
    #[default]
    Looking,
    /// HTTP/1.x; where in the client's head the next request begins.
    Http(u64),
    /// HTTP/1.x of which too much is missing: its next request is whatever segment begins with one.
    HttpLost,
    /// HTTP/2; where its next frame begins.
    Http2(u64),
    /// DNS.
    Dns,
}

/// State of a TCP flow.
#[derive(Debug, Default)]
pub struct StreamState {
    pub(super) client: Head,
    pub(super) server: Head,
    pub(super) phase: Phase,
    /// Data segments looked at.
    pub(super) segments: u8,
    /// Segments of the client in a row that could not be put in order.
    stalled: u8,
    /// Times that the request at hand was read without coming to its end.
    rereads: u8,
    /// The server answered in HTTP: its bytes say nothing more.
    pub(super) answered: bool,
    /// The end taken for the server at first turned out to be the client.
    pub(super) swapped: bool,
    /// Behind a proxy's request or STARTTLS: only names are looked for, in the client's bytes.
    pub(super) carried: bool,
    /// Lower bits of the sequence number of a SYN that the client's stream is still to begin with.
    syn_lower: Option<u32>,
}

impl StreamState {
    /// Says the lower [`SYN_BITS`] of the sequence number of the client's SYN, seen before there was a state.
    pub(crate) fn begin_after_syn(&mut self, lower: u32) {
        self.syn_lower = Some(lower);
    }

    /// As new, but small buffers stay for their memory.
    pub(super) fn renew(&mut self) {
        let (mut client, mut server) = (
            std::mem::take(&mut self.client),
            std::mem::take(&mut self.server),
        );
        client.renew();
        server.renew();
        *self = Self {
            client,
            server,
            ..Self::default()
        };
    }

    /// Takes the next segment.
    pub(crate) fn take(&mut self, segment: &Segment<'_>, naming: &mut Naming<'_>) -> Step {
        if segment.from_client
            && let Some(lower) = self.syn_lower.take()
        {
            self.client
                .push(syn_sequence(lower, segment.sequence), true, &[]);
        }
        let from_client = segment.from_client != self.swapped;
        if !from_client && self.ignores_server() {
            self.forget_server();
            return self.goes_on();
        }
        if self.phase == Phase::HttpLost {
            if !http_stream::begins_request(segment.payload) {
                return self.goes_on();
            }
            self.phase = Phase::Http(0);
            self.rereads = 0;
            self.client.restart(segment.sequence);
        }
        if from_client
            && self.phase == Phase::Looking
            && let Some(step) = self.look_in_place(segment, naming)
        {
            return step;
        }
        // A server shows what it is sooner than a client says its name; DNS answers have any length.
        let window = if from_client || self.phase == Phase::Dns {
            MAX_HEAD_BYTES
        } else if self.begins_answer(segment) {
            self.answered = true;
            MAX_ANSWER_BYTES
        } else {
            MAX_SERVER_BYTES
        };
        let head = if from_client {
            &mut self.client
        } else {
            &mut self.server
        };
        let pushed = head.push_within(window, segment.sequence, segment.syn, segment.payload);
        if segment.payload.is_empty() {
            return self.goes_on();
        }
        self.segments = self.segments.saturating_add(1);
        let grew = match pushed {
            Pushed::Grew => true,
            Pushed::Waiting | Pushed::Beyond => self.resumes(segment, from_client, pushed),
            Pushed::Known | Pushed::Contradicts => false,
        };
        if !grew {
            return self.give_up();
        }
        if from_client || self.phase == Phase::Dns {
            self.stalled = 0;
        }
        let step = match self.phase {
            Phase::Looking => self.look(segment, from_client, naming),
            Phase::Http(_) if !from_client => self.classify_http(naming),
            Phase::Http(offset) => self.follow_http(segment, offset, naming),
            Phase::HttpLost => Step::Continue,
            Phase::Http2(offset) => self.follow_http2(offset, naming),
            Phase::Dns if from_client => dns_stream::take(&mut self.client, naming),
            Phase::Dns => dns_stream::take(&mut self.server, naming),
        };
        if step == Step::Settled {
            return Step::Settled;
        }
        if !self.swapped && self.ignores_server() {
            self.forget_server();
        }
        self.give_up()
    }

    /// Whether this segment of the server begins its stream with an answer in HTTP.
    fn begins_answer(&self, segment: &Segment<'_>) -> bool {
        is_last_word(segment.payload) && self.server.would_begin_with(segment.sequence, segment.syn)
    }

    /// Gives back what nobody will look at; the beginning of an answer stays, which tells what the client is not.
    fn forget_server(&mut self) {
        if !self.answered {
            self.server.clear();
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        size_of::<Self>() + self.client.heap_bytes() + self.server.heap_bytes()
    }

    /// Reads each of its lines.
    #[inline]
    pub(super) fn touch(&self) -> u64 {
        let last = u64::from(self.segments) ^ u64::from(self.carried);
        self.client.touch() ^ self.server.touch() ^ last
    }

    /// Whether the server's bytes cannot say anything more.
    fn ignores_server(&self) -> bool {
        match self.phase {
            Phase::Looking => self.carried || self.answered,
            Phase::Http(_) => {
                self.carried || self.answered || self.segments >= MAX_CLASSIFY_SEGMENTS
            }
            Phase::HttpLost | Phase::Http2(_) => true,
            Phase::Dns => false,
        }
    }

    /// Whether a stream that waits in vain for lost bytes goes on at this segment, which begins a request or a
    /// message.
    fn resumes(&mut self, segment: &Segment<'_>, from_client: bool, pushed: Pushed) -> bool {
        self.stalled = self.stalled.saturating_add(1);
        if self.stalled < MAX_STALLED_SEGMENTS && pushed == Pushed::Waiting {
            return false;
        }
        let head = match self.phase {
            Phase::Http(_) if from_client => {
                if !http_stream::begins_request(segment.payload) {
                    self.client.clear();
                    self.phase = Phase::HttpLost;
                    return false;
                }
                self.phase = Phase::Http(0);
                &mut self.client
            }
            Phase::Dns if begins_dns(segment.payload, false) && from_client => &mut self.client,
            Phase::Dns if begins_dns(segment.payload, false) => &mut self.server,
            _ => return false,
        };
        head.restart(segment.sequence);
        head.push(segment.sequence, false, segment.payload) == Pushed::Grew
    }

    /// Settles a flow of which enough was seen without knowing what it is, or that lost too much.
    fn give_up(&self) -> Step {
        let is_spent = match self.phase {
            Phase::Looking => {
                self.segments >= MAX_NAME_SEGMENTS
                    || self.client.is_full()
                        && (self.ignores_server() || self.server.bytes().len() >= MAX_SERVER_BYTES)
            }
            Phase::Http(_) | Phase::HttpLost => false,
            Phase::Http2(_) | Phase::Dns => self.stalled >= MAX_NAME_SEGMENTS,
        };
        if is_spent {
            Step::Settled
        } else {
            self.goes_on()
        }
    }

    /// More may come, perhaps only from the client: of the flow's ends that is the other one where they were
    /// taken for each other. A SYN that is still to be entered comes with the initiator's next segment.
    fn goes_on(&self) -> Step {
        if !self.ignores_server() {
            Step::Continue
        } else if !self.swapped {
            Step::OnlyClient
        } else if self.syn_lower.is_none() {
            Step::OnlyServer
        } else {
            Step::Continue
        }
    }

    /// Asks the matchers what is carried inside HTTP.
    fn classify_http(&mut self, naming: &mut Naming<'_>) -> Step {
        if !self.carried
            && self.segments <= MAX_CLASSIFY_SEGMENTS
            && let Some(verdict) = crate::classify::tcp(self.client.bytes(), self.server.bytes())
        {
            naming.found.verdict = Some(verdict);
        }
        Step::Continue
    }

    /// Reads the requests that are there.
    pub(super) fn follow_http(
        &mut self,
        segment: &Segment<'_>,
        offset: u64,
        naming: &mut Naming<'_>,
    ) -> Step {
        self.classify_http(naming);
        match http_stream::follow(&self.client, offset, naming) {
            // Cut into ever smaller pieces, a request would be read again and again.
            HttpStep::Next(next) if next == offset && self.rereads >= MAX_REREADS => {
                self.client.clear();
                self.server.clear();
                self.phase = Phase::HttpLost;
                Step::Continue
            }
            HttpStep::Next(next) => {
                self.rereads = if next == offset { self.rereads + 1 } else { 0 };
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
            HttpStep::Ended if self.segments < MAX_CLASSIFY_SEGMENTS => Step::Continue,
            HttpStep::Ended => Step::Settled,
        }
    }

    /// Reads the frames that are there.
    pub(super) fn follow_http2(&mut self, offset: u64, naming: &mut Naming<'_>) -> Step {
        match http_stream::follow_http2(&mut self.client, offset, naming) {
            Some(next) => {
                self.phase = Phase::Http2(next);
                Step::Continue
            }
            None => Step::Settled,
        }
    }
}
/// Whether a server that begins so says nothing more: an answer in HTTP, but for one that goes over to another
/// protocol.
pub(super) fn is_last_word(stream: &[u8]) -> bool {
    const SWITCHING_PROTOCOLS: u16 = 101;
    http::response(stream)
        .done()
        .is_some_and(|status| status != SWITCHING_PROTOCOLS)
}

/// The sequence number of a client's SYN whose lower bits are known: the upper ones are those that bring it
/// nearest to what the client sends now. What the server expects may be another number, where a firewall
/// changes them on the way.
const fn syn_sequence(lower: u32, sequence: u32) -> u32 {
    const UNIT: u32 = 1 << SYN_BITS;
    let distance = sequence.wrapping_sub(lower);
    let upper = distance.wrapping_add(UNIT / 2) & !(UNIT - 1);
    lower.wrapping_add(upper)
}
