//! Five people in a room who cost little enough that two cores carry them beside everything else.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use confab_protocol::RoomCode;
use confab_tests::lab::{Lab, Outcome, Person, PersonOptions};

pub const NAMES: [&str; 5] = ["Ada", "Ben", "Cleo", "Dan", "Eve"];

/// Long enough for five debug builds to join on a loaded machine.
pub const ALL_JOINED: Duration = Duration::from_secs(30);

/// One of them, not yet joined: a small test picture at half the usual rate.
pub fn light(lab: &Lab, name: &str) -> PersonOptions<'static> {
    lab.person(name).args(["--camera-format", "320x180@15", "--view", "320x180"])
}

/// Joins all five, each at the address that `way` gives for the name, and waits until everybody sees everybody's
/// packets come and everybody's picture.
pub fn join_all(lab: &Lab, room: &RoomCode, way: impl Fn(&str) -> SocketAddr) -> Outcome<Vec<Person>> {
    let mut people = Vec::new();
    for name in NAMES {
        people.push(light(lab, name).start(way(name), room)?);
    }
    wait_for_all(&mut people, "five people connected and seen", ALL_JOINED)?;
    Ok(people)
}

/// Waits until all of `people` see each other, with pictures; gives the time when the last of them did.
pub fn wait_for_all(people: &mut [Person], what: &str, within: Duration) -> Outcome<Instant> {
    let names: Vec<String> = people.iter().map(|person| person.name().to_owned()).collect();
    let mut last = Instant::now();
    for person in people {
        let me = person.name().to_owned();
        let reached = person.wait_until(what, within, |view| {
            view.state == "joined"
                && names.iter().all(|name| view.is_connected(name))
                && names.iter().filter(|name| **name != me).all(|name| view.frames_shown(name) > 0)
        })?;
        last = last.max(reached);
    }
    Ok(last)
}
