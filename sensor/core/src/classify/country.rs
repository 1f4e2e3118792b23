//! Where an address is registered.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The day of the registries' data: the crate is published anew for each.
pub const REGISTRY_DATE: &str = "2026-11-01";

/// ISO code of the country to which a registry gave an address of IP `version`; IPv4 is mapped.
///
/// None where no country holds it: not given away, private, or given to a region as a whole.
#[inline]
pub fn registered_country(version: u8, address: u128) -> Option<&'static str> {
    let address = if version == 4 {
        IpAddr::V4(Ipv4Addr::from(address as u32))
    } else {
        IpAddr::V6(Ipv6Addr::from(address))
    };
    iptocc::country_code(address).filter(|code| !matches!(*code, "EU" | "AP" | "XX" | "ZZ"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn country(text: &str) -> Option<&'static str> {
        match text.parse().expect("an address") {
            IpAddr::V4(address) => registered_country(4, address.to_ipv6_mapped().into()),
            IpAddr::V6(address) => registered_country(6, address.into()),
        }
    }

    #[test]
    fn registered_private_and_special_addresses() {
        assert_eq!(country("175.45.176.1"), Some("KP"));
        assert_eq!(country("8.8.8.8"), Some("US"));
        assert_eq!(country("2001:200::1"), Some("JP"));
        for none in [
            "10.0.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "fe80::1",
            "ff02::1",
        ] {
            assert_eq!(country(none), None, "{none}");
        }
    }

    #[test]
    fn the_date_belongs_to_the_crate() {
        // Published on that day; a new version has new data, and this constant its new day.
        let manifest = include_str!("../../Cargo.toml");
        assert!(manifest.contains("iptocc = \"=1.4.175\""));
        assert_eq!(REGISTRY_DATE, "2026-11-01");
    }
}
