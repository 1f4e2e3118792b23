//! From packets and records of flows to what their inside hosts showed.
//!
//! Most is taken from a flow's record when that is written: it has the times of its first and last packet and
//! the one time to live that its packets nearly always have. Packet by packet only what a record cannot say is
//! looked at: another time to live, and records that reach over midnight.

use super::{Day, Hosts};
use crate::classify::Note;
use crate::decode::Tunnel;
use crate::flow::{Flow, Packet};

impl Hosts {
    /// A packet is about to be counted in a flow's record.
    #[inline]
    pub fn about_to_count(&mut self, flow: &Flow, packet: &Packet) {
        let today = self.today;
        let in_one_day =
            today.holds(packet.time_ns) && today.holds(flow.start_ns) && today.holds(flow.end_ns);
        if !in_one_day || flow.changes_ttl(packet) {
            self.look(flow, packet);
        }
    }

    #[cold]
    fn look(&mut self, flow: &Flow, packet: &Packet) {
        let day = Day::of(packet.time_ns);
        self.today = day;
        if stands_apart(flow) {
            return;
        }
        let began = Day::of(flow.start_ns);
        let was_in_one_day = began.holds(flow.end_ns);
        let stays = was_in_one_day && began == day;
        if was_in_one_day && (!stays || flow.changes_ttl(packet)) {
            // What the record will no longer say.
            self.change(flow, began, |host| {
                host.see(flow.start_ns);
                host.see(flow.end_ns);
                host.add_ttl(flow.ttl_out());
            });
        }
        if !stays {
            let sent = flow.goes_out(packet.forward).then_some(packet.ttl);
            self.change(flow, day, |host| {
                host.see(packet.time_ns);
                host.add_ttl(sent);
            });
        }
    }

    /// A record of a flow is written. It counts on the day of its first packet; so do the client's fingerprint
    /// and user agents, with each of a flow's records.
    pub fn record(&mut self, flow: &Flow, note: Option<&Note>) {
        if stands_apart(flow) {
            return;
        }
        let day = Day::of(flow.start_ns);
        self.change(flow, day, |host| {
            host.see(flow.start_ns);
            if day.holds(flow.end_ns) {
                host.see(flow.end_ns);
                host.add_ttl(flow.ttl_out());
            }
            if flow.record == 0 {
                host.begin_flow();
            }
            if let Some(found) = note.and_then(|note| note.found.as_deref()) {
                host.learn(flow, found);
            }
        });
    }
}

/// Whether a flow is left out of what people are counted by.
#[inline]
fn stands_apart(flow: &Flow) -> bool {
    flow.is_internal() || flow.key.tunnel() != Tunnel::None
}
