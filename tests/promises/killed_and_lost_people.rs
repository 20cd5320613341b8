//! Who is killed is gone at once; who loses the network is kept for a while, and the others notice nothing but that.

use std::time::{Duration, Instant};

use confab_impair::RelayConfig;
use confab_protocol::LeaveReason;
use confab_tests::lab::{Lab, MemberView, Outcome, Person, RoomView};

use crate::five_people::join_all;

/// A killed program's connection ends at once, and its media was flowing a moment ago.
const GONE_WITHIN: Duration = Duration::from_secs(1);

/// No packet for two seconds, and a second for the news.
const REJOINING_WITHIN: Duration = Duration::from_secs(3);

/// How long a place is kept.
const KEPT: Duration = Duration::from_secs(15);

/// Once the network is back.
const BACK_WITHIN: Duration = Duration::from_secs(5);

fn is_rejoining(view: &RoomView, name: &str) -> bool {
    view.member(name).is_some_and(MemberView::is_rejoining)
}

/// Waits until each of `people` sees it; gives the longest time since `start`.
fn slowest(
    people: &mut [Person],
    start: Instant,
    what: &str,
    within: Duration,
    seen: impl Fn(&RoomView) -> bool,
) -> Outcome<Duration> {
    let mut slowest = Duration::ZERO;
    for person in people {
        // More patience than the promise has, so that a failure says how late it was.
        let at = person.wait_until(what, within + Duration::from_secs(10), &seen)?;
        slowest = slowest.max(at.saturating_duration_since(start));
    }
    Ok(slowest)
}

#[test]
fn a_killed_person_is_gone_at_once_and_a_lost_one_is_kept_for_fifteen_seconds() -> Outcome {
    let lab = Lab::open("killed-and-lost")?;
    let server = lab.server()?;
    let room = server.create_room()?;
    let relay = lab.relay(RelayConfig::new(server.address()))?;
    let way = |name: &str| if name == "Eve" { relay.address() } else { server.address() };
    let mut people = join_all(&lab, &room, way)?;
    let mut eve = people.pop().expect("Eve is the fifth");
    let mut dan = people.pop().expect("Dan is the fourth");
    let mut others = people;

    // Killed.
    let start = Instant::now();
    dan.kill();
    let gone = slowest(&mut others, start, "Dan gone", GONE_WITHIN, |view| view.member("Dan").is_none())?;
    assert!(gone <= GONE_WITHIN, "a killed person stayed in a list for {gone:?}");
    for person in &mut others {
        assert_eq!(person.view().left.last(), Some(&("Dan".to_owned(), LeaveReason::Gone)));
    }

    // Ten seconds without network, and back.
    let start = Instant::now();
    relay.set_black_hole(true);
    let swallowed = relay.up().swallowed;
    let seen = slowest(&mut others, start, "Eve rejoining", REJOINING_WITHIN, |view| is_rejoining(view, "Eve"))?;
    assert!(seen <= REJOINING_WITHIN, "Eve showed as rejoining after {seen:?}");
    for person in &mut others {
        person.stays("Eve in the list", start + Duration::from_secs(10), |view| view.member("Eve").is_some())?;
    }
    assert!(relay.up().swallowed > swallowed, "the hole swallowed nothing");
    let start = Instant::now();
    relay.set_black_hole(false);
    let shown: Vec<u64> = others.iter_mut().map(|person| person.view().frames_shown("Eve")).collect();
    let back = slowest(&mut others, start, "Eve back", BACK_WITHIN, |view| view.is_connected("Eve"))?;
    assert!(back <= BACK_WITHIN, "Eve was back after {back:?}");
    for (person, shown) in others.iter_mut().zip(shown) {
        person.wait_until("Eve's picture moving", BACK_WITHIN, |view| view.frames_shown("Eve") > shown + 5)?;
    }
    let shown = eve.view().frames_shown("Ada");
    eve.wait_until("Ada's picture moving", BACK_WITHIN, |view| view.frames_shown("Ada") > shown + 5)?;
    assert_eq!(eve.view().state, "joined", "Eve is in the call again");

    // Lost for good.
    let start = Instant::now();
    relay.set_black_hole(true);
    let seen = slowest(&mut others, start, "Eve rejoining", REJOINING_WITHIN, |view| is_rejoining(view, "Eve"))?;
    assert!(seen <= REJOINING_WITHIN, "Eve showed as rejoining after {seen:?}");
    let gone = slowest(&mut others, start, "Eve gone", KEPT, |view| view.member("Eve").is_none())?;
    let promised = KEPT - Duration::from_secs(1)..=KEPT + Duration::from_secs(1);
    assert!(promised.contains(&gone), "Eve was gone after {gone:?}");
    for person in &mut others {
        assert_eq!(person.view().left.last(), Some(&("Eve".to_owned(), LeaveReason::TimedOut)));
    }

    // The rest noticed nothing.
    for person in &mut others {
        let me = person.name().to_owned();
        for name in ["Ada", "Ben", "Cleo"].into_iter().filter(|name| *name != me) {
            let frozen = person.view().frozen_ms(name);
            assert_eq!(frozen, 0, "{me} saw {name} stand still for {frozen} ms");
        }
        assert_eq!(person.view().joins, 1, "{me} had to join again");
    }
    Ok(())
}
