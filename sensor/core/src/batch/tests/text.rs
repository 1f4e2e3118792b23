//! Addresses as the standard library writes them.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::super::text::push_address;

fn text(version: u8, address: u128) -> String {
    let mut bytes = b"before ".to_vec();
    push_address(&mut bytes, version, address);
    let text = String::from_utf8(bytes).expect("text");
    text.strip_prefix("before ").expect("added only").to_owned()
}

fn mapped(address: u32) -> u128 {
    0xffff_0000_0000 | u128::from(address)
}

#[test]
fn every_octet() {
    for octet in 0..=255_u8 {
        let address = Ipv4Addr::new(octet, 255 - octet, 0, octet);
        assert_eq!(text(4, mapped(address.to_bits())), address.to_string());
    }
}

proptest! {
    #[test]
    fn ipv4(bits in any::<u32>()) {
        prop_assert_eq!(text(4, mapped(bits)), Ipv4Addr::from(bits).to_string());
    }

    #[test]
    fn ipv6(bits in any::<u128>(), zeros in any::<u8>(), bits_32 in any::<u32>()) {
        // Runs of zeros of all lengths and places, to be written as two colons.
        let holes = (0..8).filter(|group| zeros >> group & 1 == 1);
        let holed = holes.fold(bits, |bits, group| bits & !(0xffff << (16 * group)));
        for bits in [bits, holed, mapped(bits_32), u128::from(bits_32)] {
            prop_assert_eq!(text(6, bits), Ipv6Addr::from(bits).to_string());
        }
    }
}
