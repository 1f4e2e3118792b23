//! Interfaces that only the test sees, and frames sent over them.

use std::os::fd::{AsRawFd, OwnedFd};
use std::process::Command;
use std::thread;
use std::time::Duration;

use nix::ifaddrs::getifaddrs;
use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, bind, send, socket};

/// An ethertype for experiments, which no kernel sends of its own accord.
const EXPERIMENT: [u8; 2] = [0x88, 0xb5];
const ADDRESSES: [u8; 12] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];

/// Runs a test in a network namespace of its own, which is gone with it. Says so where that cannot be done.
pub fn in_namespace(test: impl FnOnce() + Send + 'static) {
    let body = move || {
        if let Err(failure) = unshare(CloneFlags::CLONE_NEWNET) {
            eprintln!("SKIPPED: no network namespace can be made ({failure}); be root");
            return;
        }
        if Command::new("ip").arg("-V").output().is_err() {
            eprintln!("SKIPPED: there is no `ip`; install iproute2");
            return;
        }
        // Else each interface says hello to its neighbours.
        let _ = std::fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
        test();
    };
    if let Err(panic) = thread::spawn(body).join() {
        std::panic::resume_unwind(panic);
    }
}

/// Runs a command, which must succeed.
pub fn command(line: &str) {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().expect("a program"));
    let output = command.args(words).output().expect("the program runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {told}");
}

/// Two interfaces, what goes into one comes out of the other.
pub fn pair(near: &str, far: &str) {
    command(&format!("ip link add {near} type veth peer name {far}"));
    command(&format!("ip link set {near} up"));
    command(&format!("ip link set {far} up"));
}

/// Sends frames until the other end receives any: an interface that just came up may not yet.
pub fn settle(sender: &Sender, mut receives: impl FnMut() -> bool) {
    for _ in 0..40 {
        sender.send(&frame(0, 100));
        if receives() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("nothing was received");
}

/// Sends frames over an interface.
pub struct Sender(OwnedFd);

impl Sender {
    pub fn new(interface: &str) -> Self {
        let socket = socket(
            AddressFamily::Packet,
            SockType::Raw,
            SockFlag::empty(),
            None,
        );
        let socket = socket.expect("a socket");
        let address = getifaddrs()
            .expect("interfaces")
            .filter(|entry| entry.interface_name == interface)
            .filter_map(|entry| entry.address)
            .find_map(|address| address.as_link_addr().copied())
            .expect("the interface");
        bind(socket.as_raw_fd(), &address).expect("the interface");
        Self(socket)
    }

    pub fn send_all(&self, frames: &[Vec<u8>]) {
        for frame in frames {
            self.send(frame);
        }
    }

    pub fn send(&self, frame: &[u8]) {
        let sent = send(self.0.as_raw_fd(), frame, MsgFlags::empty());
        assert_eq!(sent.expect("room"), frame.len());
    }
}

/// A frame that tells its number, of so many bytes.
pub fn frame(number: u32, bytes: usize) -> Vec<u8> {
    let mut frame = [&ADDRESSES[..], &EXPERIMENT, &number.to_be_bytes()].concat();
    frame.resize(bytes, number as u8);
    frame
}

/// The same with VLAN tags.
pub fn tagged_frame(number: u32, tags: &[(u16, u16)]) -> Vec<u8> {
    let tags = tags
        .iter()
        .flat_map(|(protocol, tag)| [protocol.to_be_bytes(), tag.to_be_bytes()].concat());
    let mut tagged = ADDRESSES.to_vec();
    tagged.extend(tags);
    tagged.extend(&frame(number, 100)[ADDRESSES.len()..]);
    tagged
}

/// The number of a frame without tags.
pub fn number_of(frame: &[u8]) -> u32 {
    let number = frame.get(14..18).expect("long enough");
    u32::from_be_bytes(number.try_into().expect("four bytes"))
}
