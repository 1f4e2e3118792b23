//! Tests of the whole stage.

mod captures;
mod fields;
mod frames;
mod links;
mod properties;
mod speed;
mod tunnels;

use super::{DropReason, Level, Levels, Tunnel, Tunnels, decode};

/// A frame that ends in the one flow that `frames` builds, and what it is wrapped in.
struct Case {
    name: &'static str,
    link: u16,
    frame: Vec<u8>,
    wrapped: &'static [Tunnel],
}

/// Every frame of the tables of links and tunnels.
fn cases() -> Vec<Case> {
    let mut cases = links::cases();
    cases.extend(tunnels::cases());
    cases
}

/// Decodes a frame captured whole.
fn levels_of(link: u16, frame: &[u8]) -> Result<Vec<Level>, DropReason> {
    let mut levels = Levels::default();
    decode(
        link,
        frame,
        frame.len() as u32,
        Tunnels::default(),
        &mut levels,
    )?;
    Ok(levels.as_slice().to_vec())
}

#[test]
fn every_case_gives_the_flow_and_its_tunnels() {
    for case in cases() {
        let levels = levels_of(case.link, &case.frame)
            .unwrap_or_else(|reason| panic!("{}: {reason}", case.name));
        let wrapped: Vec<Tunnel> = levels.iter().skip(1).map(|level| level.tunnel).collect();
        assert_eq!(wrapped, case.wrapped, "{}", case.name);
        let innermost = levels.last().expect("one level at least");
        frames::assert_flow(innermost, &case.frame, case.name);
        assert_eq!(levels[0].tunnel, Tunnel::None, "{}", case.name);
    }
}

#[test]
fn cut_at_every_byte_more_bytes_never_give_less() {
    for case in cases() {
        let mut before = 0;
        for cut in 0..=case.frame.len() {
            let mut levels = Levels::default();
            let captured = &case.frame[..cut];
            let outcome = decode(
                case.link,
                captured,
                case.frame.len() as u32,
                Tunnels::default(),
                &mut levels,
            );
            let found = levels.as_slice();
            assert_eq!(
                outcome.is_ok(),
                !found.is_empty(),
                "{} cut at {cut}",
                case.name
            );
            assert!(found.len() >= before, "{} cut at {cut}", case.name);
            before = found.len();
            for level in found {
                assert!(level.header as usize <= cut, "{} cut at {cut}", case.name);
                assert!(level.payload as usize <= cut, "{} cut at {cut}", case.name);
                assert!(level.header <= level.payload, "{} cut at {cut}", case.name);
            }
        }
    }
}

#[test]
fn a_tunnel_that_is_not_to_be_opened_stays_payload() {
    for case in tunnels::cases() {
        let mut levels = Levels::default();
        let length = case.frame.len() as u32;
        decode(case.link, &case.frame, length, Tunnels::NONE, &mut levels).expect(case.name);
        assert_eq!(levels.as_slice().len(), 1, "{}", case.name);
    }
}

#[test]
fn only_the_tunnels_chosen_are_opened() {
    for case in tunnels::cases() {
        let chosen = Tunnels::NONE.with(case.wrapped[0]);
        let mut levels = Levels::default();
        let length = case.frame.len() as u32;
        decode(case.link, &case.frame, length, chosen, &mut levels).expect(case.name);
        let opened = case
            .wrapped
            .iter()
            .take_while(|tunnel| chosen.opens(**tunnel));
        assert_eq!(levels.as_slice().len(), 1 + opened.count(), "{}", case.name);
    }
}

#[test]
fn a_link_type_that_is_not_read_is_told() {
    assert_eq!(
        levels_of(147, &[0; 64]),
        Err(DropReason::UnsupportedLink(147))
    );
}
