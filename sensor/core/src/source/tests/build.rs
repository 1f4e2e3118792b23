//! Captures written byte by byte.

/// Byte order of a capture to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    pub(super) fn u16(self, number: u16) -> [u8; 2] {
        if self == Self::Big {
            number.to_be_bytes()
        } else {
            number.to_le_bytes()
        }
    }

    pub(super) fn u32(self, number: u32) -> [u8; 4] {
        if self == Self::Big {
            number.to_be_bytes()
        } else {
            number.to_le_bytes()
        }
    }
}

pub(super) const MICROSECONDS: u32 = 0xa1b2_c3d4;
pub(super) const NANOSECONDS: u32 = 0xa1b2_3c4d;
pub(super) const MODIFIED: u32 = 0xa1b2_cd34;

/// A classic capture.
pub(super) struct Pcap {
    order: Order,
    magic: u32,
    pub(super) bytes: Vec<u8>,
}

impl Pcap {
    pub(super) fn new(order: Order, magic: u32, link: u32) -> Self {
        let mut bytes = order.u32(magic).to_vec();
        bytes.extend(order.u16(2));
        bytes.extend(order.u16(4));
        for field in [0, 0, 65_535, link] {
            bytes.extend(order.u32(field));
        }
        Self {
            order,
            magic,
            bytes,
        }
    }

    pub(super) fn packet(
        mut self,
        seconds: u32,
        fraction: u32,
        original: u32,
        bytes: &[u8],
    ) -> Self {
        for field in [seconds, fraction, bytes.len() as u32, original] {
            self.bytes.extend(self.order.u32(field));
        }
        if self.magic == MODIFIED {
            self.bytes.extend([0; 8]);
        }
        self.bytes.extend(bytes);
        self
    }
}

/// Ethernet packets at the given seconds, each with its second as its only byte.
pub(super) fn pcap_at(seconds: &[u32]) -> Vec<u8> {
    let empty = Pcap::new(Order::Little, MICROSECONDS, 1);
    let add = |pcap: Pcap, &second| pcap.packet(second, 0, 60, &[second as u8]);
    seconds.iter().fold(empty, add).bytes
}

/// A capture in blocks.
pub(super) struct Pcapng {
    order: Order,
    pub(super) bytes: Vec<u8>,
}

impl Pcapng {
    pub(super) fn new(order: Order) -> Self {
        Self {
            order,
            bytes: Vec::new(),
        }
        .section(order)
    }

    pub(super) fn section(mut self, order: Order) -> Self {
        self.order = order;
        let mut body = order.u32(0x1a2b_3c4d).to_vec();
        body.extend(order.u16(1));
        body.extend(order.u16(0));
        body.extend([0xff; 8]);
        self.block(0x0a0d_0d0a, &body)
    }

    /// A block with any body, padded.
    pub(super) fn block(mut self, kind: u32, body: &[u8]) -> Self {
        let padding = vec![0; body.len().next_multiple_of(4) - body.len()];
        let length = (12 + body.len() + padding.len()) as u32;
        self.bytes.extend(self.order.u32(kind));
        self.bytes.extend(self.order.u32(length));
        self.bytes.extend(body);
        self.bytes.extend(padding);
        self.bytes.extend(self.order.u32(length));
        self
    }

    pub(super) fn interface(self, link: u16, snap: u32, options: &[(u16, &[u8])]) -> Self {
        let order = self.order;
        let mut body = order.u16(link).to_vec();
        body.extend([0; 2]);
        body.extend(order.u32(snap));
        for (code, value) in options {
            body.extend(order.u16(*code));
            body.extend(order.u16(value.len() as u16));
            body.extend(*value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        if !options.is_empty() {
            body.extend([0; 4]);
        }
        self.block(1, &body)
    }

    pub(super) fn enhanced(self, interface: u32, ticks: u64, original: u32, bytes: &[u8]) -> Self {
        let order = self.order;
        let mut body = order.u32(interface).to_vec();
        for field in [
            (ticks >> 32) as u32,
            ticks as u32,
            bytes.len() as u32,
            original,
        ] {
            body.extend(order.u32(field));
        }
        body.extend(bytes);
        self.block(6, &body)
    }

    pub(super) fn obsolete(self, interface: u16, ticks: u64, original: u32, bytes: &[u8]) -> Self {
        let order = self.order;
        let mut body = order.u16(interface).to_vec();
        body.extend(order.u16(3));
        for field in [
            (ticks >> 32) as u32,
            ticks as u32,
            bytes.len() as u32,
            original,
        ] {
            body.extend(order.u32(field));
        }
        body.extend(bytes);
        self.block(2, &body)
    }

    pub(super) fn simple(self, original: u32, bytes: &[u8]) -> Self {
        let mut body = self.order.u32(original).to_vec();
        body.extend(bytes);
        self.block(3, &body)
    }
}
