//! One open capture: bytes in, packets out, whatever happens to it told in its report.

use std::io::{self, ErrorKind, Read};

use super::compressed::{Bytes, HEAD_BYTES, Packing, unpack};
use super::interfaces::{Interfaces, file_label};
use super::{Chunk, InputReport, Record, SourceError, pcap, pcapng};

/// Where a parser puts what it finds.
pub(super) struct Sink<'a> {
    pub(super) records: &'a mut Vec<Record>,
    pub(super) interfaces: &'a mut Interfaces,
}

/// How far a parser came in the bytes it was given.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pass {
    /// Bytes done with; the rest must be given again, with more behind it.
    pub(super) consumed: usize,
    /// What is wrong with the bytes after that, if going on makes no sense.
    pub(super) damage: Option<String>,
}

/// A number of four bytes in the order of the file.
#[inline]
pub(super) fn word<const BIG_ENDIAN: bool>(bytes: [u8; 4]) -> u32 {
    if BIG_ENDIAN {
        u32::from_be_bytes(bytes)
    } else {
        u32::from_le_bytes(bytes)
    }
}

#[derive(Debug)]
enum Format {
    Pcap(pcap::Parser),
    Pcapng(pcapng::Parser),
}

impl Format {
    fn recognise(head: &[u8], label: &str) -> Option<Self> {
        let magic = *head.first_chunk::<4>()?;
        if pcapng::Parser::recognises(magic) {
            return Some(Self::Pcapng(pcapng::Parser::new(label)));
        }
        pcap::Parser::recognise(magic, label).map(Self::Pcap)
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Pcap(_) => "pcap",
            Self::Pcapng(_) => "pcapng",
        }
    }

    fn pass(&mut self, data: &[u8], sink: &mut Sink<'_>) -> Pass {
        match self {
            Self::Pcap(parser) => parser.pass(data, sink),
            Self::Pcapng(parser) => parser.pass(data, sink),
        }
    }

    /// Bytes of a block passed over that have not come yet.
    const fn owed_bytes(&self) -> u64 {
        match self {
            Self::Pcap(_) => 0,
            Self::Pcapng(parser) => parser.owed_bytes(),
        }
    }
}

/// A capture being read. Between two fills it holds no more than one incomplete record.
pub(super) struct Input {
    bytes: Bytes,
    format: Format,
    /// The start of a record whose end has not been read yet.
    carry: Vec<u8>,
    /// Offset of `carry` in the unpacked capture.
    offset: u64,
    /// Came while the format was recognised; told at the first fill.
    failure: Option<io::Error>,
    ended: bool,
    report: InputReport,
}

impl Input {
    /// Recognises what `bytes` holds. Reads no more than that takes.
    pub(super) fn new(path: &str, mut bytes: Bytes, max_ratio: u64) -> Result<Self, SourceError> {
        let refuse = |reason| SourceError {
            path: path.to_owned(),
            reason,
        };
        let (head, failure) = read_head(&mut bytes);
        if let Some(failure) = failure {
            return Err(refuse(format!("cannot be read: {failure}")));
        }
        if head.is_empty() {
            return Err(refuse("empty file".to_owned()));
        }
        let packing = Packing::of(&head);
        let mut bytes = unpack(packing, head, bytes, max_ratio)
            .map_err(|failure| refuse(format!("cannot be unpacked: {failure}")))?;
        let (head, failure) = read_head(&mut bytes);
        let Some(format) = Format::recognise(&head, &file_label(path)) else {
            return Err(refuse(no_capture(packing, &head, failure)));
        };
        let report = InputReport {
            path: path.to_owned(),
            format: format!("{}{}", format.name(), packing.suffix()),
            ..InputReport::default()
        };
        Ok(Self {
            bytes,
            format,
            carry: head,
            offset: 0,
            failure,
            ended: false,
            report,
        })
    }

    /// What was read of it so far.
    pub(super) fn report(&self) -> &InputReport {
        &self.report
    }

    /// Replaces the chunk's contents with the packets of the next read; false at the end.
    pub(super) fn fill(
        &mut self,
        chunk: &mut Chunk,
        interfaces: &mut Interfaces,
        read_bytes: usize,
    ) -> bool {
        let Chunk { data, records, .. } = chunk;
        records.clear();
        let mut length = self.carry.len();
        grow(data, length);
        if let Some(front) = data.get_mut(..length) {
            front.copy_from_slice(&self.carry);
        }
        self.carry.clear();
        while records.is_empty() && !self.ended {
            grow(data, length + read_bytes);
            let room = data
                .get_mut(length..length + read_bytes)
                .unwrap_or_default();
            let end = match self.read(room) {
                Ok(0) => Some(End::File),
                Ok(count) => {
                    length += count;
                    None
                }
                Err(failure) => Some(End::Failure(failure)),
            };
            let filled = data.get(..length).unwrap_or_default();
            let Pass { consumed, damage } = self.format.pass(
                filled,
                &mut Sink {
                    records,
                    interfaces,
                },
            );
            self.offset += consumed as u64;
            self.report.packets += records.len() as u64;
            if let Some(end) = damage.map(End::Damage).or(end) {
                self.finish(&end, length - consumed);
            } else if records.is_empty() {
                // Nothing points into the bytes yet: make room for more of the record.
                data.copy_within(consumed..length, 0);
                length -= consumed;
            } else {
                self.carry
                    .extend_from_slice(data.get(consumed..length).unwrap_or_default());
            }
        }
        !records.is_empty()
    }

    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        loop {
            match self.bytes.read(room) {
                Err(failure) if failure.kind() == ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    /// Says why there is no more to come, and what was kept. `left` bytes were read past `offset`
    /// that are no whole packet.
    fn finish(&mut self, end: &End, left: usize) {
        self.ended = true;
        let (start, kept) = (self.offset, self.report.packets);
        let reached = start + left as u64;
        let report = &mut self.report;
        match end {
            End::File if left == 0 && self.format.owed_bytes() == 0 => {}
            End::File => {
                report.warning = Some(format!(
                    "cut short at byte {reached}: what begins at byte {start} is incomplete; \
                     {kept} packets kept"
                ));
            }
            End::Failure(failure) if failure.kind() == ErrorKind::UnexpectedEof => {
                report.warning = Some(format!(
                    "cut short: the compressed data ends early, at byte {reached} unpacked; \
                     {kept} packets kept"
                ));
            }
            End::Failure(failure) => {
                report.error = Some(format!(
                    "reading failed at byte {reached}: {failure}; {kept} packets kept"
                ));
            }
            End::Damage(damage) => {
                report.error = Some(format!(
                    "damaged at byte {start}: {damage}; {kept} packets kept, the rest is not read"
                ));
            }
        }
    }
}

/// Why an input has no more packets.
enum End {
    File,
    Failure(io::Error),
    Damage(String),
}

/// Makes a buffer at least so long; it never gets shorter, so that nothing is zeroed twice.
fn grow(data: &mut Vec<u8>, length: usize) {
    if data.len() < length {
        data.resize(length, 0);
    }
}

/// The first bytes, fewer only at the end; what came before a failure is kept.
fn read_head(bytes: &mut Bytes) -> (Vec<u8>, Option<io::Error>) {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    let failure = bytes.take(HEAD_BYTES as u64).read_to_end(&mut head).err();
    (head, failure)
}

/// Why an input is refused that begins with `head`, once unpacked.
fn no_capture(packing: Packing, head: &[u8], failure: Option<io::Error>) -> String {
    let within = match packing {
        Packing::None => String::new(),
        packed => format!(
            " inside the {} file",
            packed.suffix().trim_start_matches('.')
        ),
    };
    if let Some(failure) = failure {
        return format!("not a capture: nothing to read{within} ({failure})");
    }
    if head.is_empty() {
        return format!("empty file: no bytes{within}");
    }
    let found: Vec<String> = head.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "not a capture: the first bytes{within} are {}; read are pcap and pcapng, \
         each also packed as .gz, .zst or .xz",
        found.join(" ")
    )
}
