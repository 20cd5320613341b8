//! Networks that stand between a person and the server: one that lets no UDP through, and one that translates addresses.

use std::time::{Duration, Instant};

use confab_protocol::SourceKind;
use confab_tests::lab::{Lab, LabError, Namespace, Outcome, RoomView, ServerOptions};

/// N9 of the list of tests: however media gets through, this is how long people wait.
const CONNECTED_WITHIN: Duration = Duration::from_secs(5);

fn listening_everywhere() -> ServerOptions {
    ServerOptions { listen: ([0, 0, 0, 0], 0).into(), ..ServerOptions::default() }
}

#[test]
fn where_no_udp_gets_through_a_call_is_connected_over_tls_within_five_seconds() -> Outcome {
    let lab = Lab::open("no-udp")?;
    let office = Namespace::beside_this_computer()?;
    office.block_udp()?;
    let server = lab.server_with(listening_everywhere())?;
    let room = server.create_room()?;
    let mut ada = lab.person("Ada").join(server.address(), &room)?;
    let link = server.link_at(office.gateway().into(), &room)?;
    assert!(link.starts_with("https://") && link.contains("#fp="), "{link}");

    let start = Instant::now();
    let mut ben = lab.person("Ben").inside(&office).args(["--for", "12s"]).start_at(&link)?;
    let connected = |view: &RoomView| view.is_connected("Ben") && view.is_connected("Ada");
    let at = ben.wait_until("being connected", Duration::from_secs(20), connected)?;
    let took = at.saturating_duration_since(start);
    println!("connected after {took:?}");
    assert!(took <= CONNECTED_WITHIN, "connected only after {took:?}");

    ada.wait_until("Ben's packets", Duration::from_secs(5), |view| view.is_connected("Ben"))?;
    ben.finish(Duration::from_secs(30))?;
    ada.leave()?;
    let blocked = office.blocked()?;
    assert!(blocked > 0, "the firewall had nothing to keep back, so this shows nothing");
    let (bens, adas) = (ben.stats()?, ada.stats()?);
    let missing = || LabError::Unexpected("the statistics do not say who they are".into());
    let seen_by_ben = bens.frames_of(adas.me.ok_or_else(missing)?, SourceKind::Camera).len();
    let seen_by_ada = adas.frames_of(bens.me.ok_or_else(missing)?, SourceKind::Camera).len();
    let to_video = bens.stats["join"]["video_ms"].as_f64();
    let relayed = server.metric("confab_relay_datagrams_total")?;
    println!(
        "{blocked} packets blocked; {relayed} relayed; first picture after {to_video:?} ms; Ben saw {seen_by_ben}, Ada {seen_by_ada}"
    );
    assert!(to_video.is_some_and(|time| time <= 5_000.0), "the first picture came after {to_video:?} ms");
    assert!(seen_by_ben >= 120 && seen_by_ada >= 120, "Ben saw {seen_by_ben} pictures, Ada {seen_by_ada}");
    assert!(relayed >= 500.0, "only {relayed} datagrams were relayed");
    Ok(())
}

#[test]
fn a_call_through_a_nat_needs_no_relay_and_goes_on_when_the_nat_forgets_it() -> Outcome {
    let lab = Lab::open("nat")?;
    let (home, router) = Namespace::behind_a_nat()?;
    let server = lab.server_with(listening_everywhere())?;
    let room = server.create_room()?;
    let mut ada = lab.person("Ada").join(server.address(), &room)?;
    let link = server.link_at(router.gateway().into(), &room)?;
    let mut ben = lab.person("Ben").inside(&home).args(["--for", "16s"]).start_at(&link)?;
    let connected = |view: &RoomView| view.is_connected("Ben") && view.is_connected("Ada");
    ben.wait_until("being connected", CONNECTED_WITHIN, connected)?;
    std::thread::sleep(Duration::from_secs(5));
    let forgotten = unix_ms();
    router.forget_udp()?;
    ben.finish(Duration::from_secs(40))?;
    ada.leave()?;
    assert!(server.metric("confab_relay_allocations_total")? < 0.5, "a NAT is no reason to relay");
    let adas = ada.stats()?.me.ok_or_else(|| LabError::Unexpected("Ada's statistics do not say who she was".into()))?;
    let shown: Vec<f64> =
        ben.stats()?.frames_of(adas, SourceKind::Camera).iter().map(|frame| frame.at_unix_ms).collect();
    let around: Vec<f64> = shown.into_iter().filter(|at| *at > forgotten - 1_000.0).collect();
    let gap = around.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
    println!("the picture stood for {gap:.0} ms after the NAT had forgotten the call");
    let after = around.iter().filter(|at| **at > forgotten + 5_000.0).count();
    assert!(after >= 60, "only {after} pictures came later than five seconds after it");
    assert!(gap <= 1_000.0, "the picture stood for {gap:.0} ms");
    Ok(())
}

fn unix_ms() -> f64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    now.as_secs_f64() * 1_000.0
}
