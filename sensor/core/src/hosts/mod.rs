//! Evidence for counting people: what each inside address showed of itself on each UTC day.
//!
//! A host of a day has a row: when its first and last packet came, how many flows began, and the distinct
//! times to live, JA4 fingerprints and user agents of what it sent itself. A row exists for each host that
//! sent a packet; an address that is only scanned is no host.
//!
//! Internal flows and flows in tunnels are left out: they stand apart from all that people are counted by, and
//! their packets come another way, with other times to live. All other flows of a host are placed on one worker,
//! so that its row does not depend on how many there are.
//!
//! Rows merge: one day of a host may have several, whose times, flows and lists together are the day's. They
//! are written when the capture ends, when there is no room, when the rules change and, live, soon after
//! something new was seen, else once an hour. A replay with room for all has one row a day and host.

mod day;
mod evidence;
mod host;
mod table;

pub use day::Day;
pub use host::{HostRow, MAX_JA4S, MAX_USER_AGENTS};
pub use table::{HostLimits, Hosts, MAX_HOSTS, MAX_TEXT_BYTES, WRITE_EVERY_NS};

#[cfg(test)]
mod tests;
