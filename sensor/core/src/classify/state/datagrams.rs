//! UDP: one datagram after another, each parser with its own small state.

use super::{Naming, Step, UdpDatagram};
use crate::classify::found::NameSource;
use crate::classify::{Application, Datagram, Side, UdpState, Verdict, refine};
use crate::name::Progress;
use crate::name::dns::{MAX_ANSWERS, MAX_QUESTIONS, Message, is_dns_strict};
use crate::name::dns_table::DnsTransport;
use crate::name::dtls::{self, DtlsState};
use crate::name::quic::{self, QuicState};
use crate::name::quic_header::looks_like_quic;

/// Datagrams of a flow that are looked at before it is given up; QUIC and DTLS have limits of their own.
pub const MAX_NAME_DATAGRAMS: u8 = UdpState::MAX_DATAGRAMS;

const DNS_PORT: u16 = 53;
const MDNS_PORT: u16 = 5353;
const LLMNR_PORT: u16 = 5355;
const RECURSION_DESIRED: u16 = 0x0100;

const QUIC: Verdict = Verdict::sure(Application::Quic, &["long header of a known version"]);
const DTLS: Verdict = Verdict::sure(Application::Dtls, &["client hello"]);
const DTLS_ANSWER: Verdict = Verdict::sure(Application::Dtls, &["server hello"]);

/// What the flow is known to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// Nothing yet.
    #[default]
    Looking,
    /// QUIC whose hello is still to come.
    Quic,
    /// DTLS whose hello is still to come.
    Dtls,
    /// DNS of any kind.
    Dns,
}

/// State of a UDP flow.
#[derive(Debug, Default)]
pub struct DatagramState {
    phase: Phase,
    /// Datagrams looked at.
    datagrams: u8,
    /// Those who speak first are clients, but a flow may be met in the middle.
    client_is_server: bool,
    quic: Option<Box<QuicState>>,
    dtls: Option<Box<DtlsState>>,
    classify: UdpState,
}

impl DatagramState {
    /// Takes the next datagram.
    pub(crate) fn take(&mut self, datagram: &UdpDatagram<'_>, naming: &mut Naming<'_>) -> Step {
        if datagram.payload.is_empty() {
            return Step::Continue;
        }
        self.datagrams = self.datagrams.saturating_add(1);
        match self.phase {
            Phase::Looking => self.look(datagram, naming),
            Phase::Quic => self.read_quic(datagram, naming).unwrap_or(Step::Continue),
            Phase::Dtls => self.read_dtls(datagram, naming).unwrap_or(Step::Continue),
            Phase::Dns => {
                read_dns(datagram, naming, Evidence::Flow);
                Step::Continue
            }
        }
    }

    /// The state of a flow that is known to be DNS.
    pub(crate) fn of_dns() -> Self {
        Self {
            phase: Phase::Dns,
            ..Self::default()
        }
    }

    /// The little that is known where it fits [`HINT_BITS`](crate::classify::HINT_BITS) bits.
    pub(crate) fn hint(&self) -> Option<u32> {
        let only_datagrams =
            self.phase == Phase::Looking && self.quic.is_none() && self.dtls.is_none();
        // Both count the same, unless a datagram was no matter for the matchers.
        (only_datagrams && self.datagrams == self.classify.datagrams())
            .then(|| self.classify.hint())
            .flatten()
    }

    /// The state that gave this hint.
    pub(crate) fn of_hint(hint: u32) -> Self {
        let classify = UdpState::of_hint(hint);
        Self {
            datagrams: classify.datagrams(),
            classify,
            ..Self::default()
        }
    }

    /// Whether the flow is known to be DNS, and that is all there is to know.
    pub(crate) fn is_dns(&self) -> bool {
        self.phase == Phase::Dns
    }

    /// Whether the datagrams so far point to nothing: a new state would do as well.
    pub fn is_blank(&self) -> bool {
        self.phase == Phase::Looking
            && self.quic.is_none()
            && self.dtls.is_none()
            && self.classify.is_blank()
    }

    fn look(&mut self, datagram: &UdpDatagram<'_>, naming: &mut Naming<'_>) -> Step {
        let has_port = |port| datagram.source_port == port || datagram.destination_port == port;
        let on_port = [DNS_PORT, MDNS_PORT, LLMNR_PORT].into_iter().any(has_port);
        let evidence = if on_port {
            Evidence::Port
        } else {
            Evidence::Beyond
        };
        if read_dns(datagram, naming, evidence) {
            self.phase = Phase::Dns;
            return Step::Continue;
        }
        if let Some(step) = self.read_quic(datagram, naming) {
            return step;
        }
        if let Some(step) = self.read_dtls(datagram, naming) {
            return step;
        }
        let step = self.classify(datagram, naming);
        if self.datagrams >= MAX_NAME_DATAGRAMS || self.classify.is_hopeless() {
            return Step::Settled;
        }
        step
    }

    /// Bytes of memory, about.
    pub(super) fn heap_bytes(&self) -> usize {
        let quic = self.quic.as_deref();
        let dtls = self.dtls.as_deref();
        size_of::<Self>()
            + quic.map_or(0, |state| size_of::<QuicState>() + state.heap_bytes())
            + dtls.map_or(0, |state| size_of::<DtlsState>() + state.heap_bytes())
    }

    /// Reads its first line.
    #[inline]
    pub(super) fn touch(&self) -> u64 {
        u64::from(self.datagrams)
    }

    /// Asks the matchers of applications.
    fn classify(&mut self, datagram: &UdpDatagram<'_>, naming: &mut Naming<'_>) -> Step {
        let side = if datagram.from_client {
            Side::Client
        } else {
            Side::Server
        };
        let datagram = Datagram {
            bytes: datagram.payload,
            length: datagram.length,
            side,
            source_port: datagram.source_port,
            destination_port: datagram.destination_port,
        };
        let Some(verdict) = crate::classify::udp(&datagram, &mut self.classify) else {
            return Step::Continue;
        };
        // What uTP carries, and what STUN opened the way for, says more.
        let said = naming.found.application();
        if said.is_none_or(may_be_more) {
            naming.found.verdict = Some(verdict);
        }
        if may_be_more(verdict.application) {
            Step::Continue
        } else {
            Step::Settled
        }
    }

    /// Reads a datagram as QUIC; none where it is none.
    fn read_quic(&mut self, datagram: &UdpDatagram<'_>, naming: &mut Naming<'_>) -> Option<Step> {
        // Only the first of a flow may be the server's before any is the client's.
        if self.phase == Phase::Quic && datagram.from_client == self.client_is_server {
            return None;
        }
        if self.quic.is_none() && looks_like_quic(datagram.payload).is_none() {
            return None;
        }
        let state = self.quic.get_or_insert_default();
        match quic::client_datagram(state, datagram.payload) {
            Progress::Done(read) => {
                let server_port = datagram.destination_port;
                let verdict = refine::quic(&read.hello, server_port, naming.resolvers);
                naming.found.verdict = Some(verdict);
                naming.found.add_hello(read.hello, NameSource::QuicSni);
                Some(Step::Settled)
            }
            Progress::More => {
                self.phase = Phase::Quic;
                self.client_is_server = !datagram.from_client;
                naming.found.verdict = Some(QUIC);
                Some(Step::Continue)
            }
            Progress::No if self.phase == Phase::Quic => Some(Step::Settled),
            Progress::No => None,
        }
    }

    /// Reads a datagram as DTLS; none where it is none.
    fn read_dtls(&mut self, datagram: &UdpDatagram<'_>, naming: &mut Naming<'_>) -> Option<Step> {
        if self.dtls.is_none() && !(20..=26).contains(datagram.payload.first()?) {
            return None;
        }
        let state = self.dtls.get_or_insert_default();
        match dtls::client_datagram(state, datagram.payload) {
            Progress::Done(hello) => {
                naming.found.verdict = Some(DTLS);
                naming.found.add_hello(hello, NameSource::TlsSni);
                Some(Step::Settled)
            }
            Progress::More => {
                self.phase = Phase::Dtls;
                naming.found.verdict = Some(DTLS);
                Some(Step::Continue)
            }
            Progress::No => {
                if dtls::is_server_answer(datagram.payload) {
                    naming.found.verdict = Some(DTLS_ANSWER);
                    return Some(Step::Continue);
                }
                (self.phase == Phase::Dtls).then_some(Step::Continue)
            }
        }
    }
}

/// Whether a flow of this application may turn out to be for something else.
const fn may_be_more(application: Application) -> bool {
    matches!(application, Application::Utp | Application::Stun)
}

/// What speaks for DNS besides the message itself.
#[derive(Clone, Copy, Debug)]
enum Evidence {
    /// Nothing: it must be DNS beyond doubt.
    Beyond,
    /// The port, which other protocols hide behind.
    Port,
    /// Earlier messages of the flow.
    Flow,
}

/// Whether a message on a port of DNS says what messages of DNS say.
fn is_plausible(message: &Message) -> bool {
    const TOP_BIT: u16 = 0x8000;
    let Some(question) = message.questions().first() else {
        let says_something = message.is_response() || !message.answers().is_empty();
        return says_something && usize::from(message.counts[1]) <= MAX_ANSWERS;
    };
    usize::from(message.counts[0]) <= MAX_QUESTIONS
        && matches!(question.qclass & !TOP_BIT, 1 | 3 | 4 | 254 | 255)
}

/// Takes a datagram as a DNS message, if it is one.
fn read_dns(datagram: &UdpDatagram<'_>, naming: &mut Naming<'_>, evidence: Evidence) -> bool {
    let is_message = match evidence {
        Evidence::Beyond => is_dns_strict(datagram.payload, naming.message),
        Evidence::Port => naming.message.parse(datagram.payload) && is_plausible(naming.message),
        Evidence::Flow => naming.message.parse(datagram.payload),
    };
    if !is_message {
        return false;
    }
    let (verdict, transport) = kind(datagram, naming.message.flags);
    naming.found.say(verdict);
    naming.take_message(transport);
    true
}

/// DNS, or one of its siblings: by the port, and by a multicast address or what only unicast DNS asks for.
fn kind(datagram: &UdpDatagram<'_>, flags: u16) -> (Verdict, DnsTransport) {
    const DNS: Verdict = Verdict::sure(Application::Dns, &["message of DNS"]);
    const MDNS: Verdict = Verdict::sure(Application::Mdns, &["message of DNS", "port 5353"]);
    const LLMNR: Verdict = Verdict::sure(Application::Llmnr, &["message of DNS", "port 5355"]);
    let has_port = |port| datagram.source_port == port || datagram.destination_port == port;
    let is_local = datagram.multicast || flags & RECURSION_DESIRED == 0;
    if is_local && has_port(MDNS_PORT) {
        (MDNS, DnsTransport::Mdns)
    } else if is_local && has_port(LLMNR_PORT) {
        (LLMNR, DnsTransport::Llmnr)
    } else {
        (DNS, DnsTransport::Udp)
    }
}
