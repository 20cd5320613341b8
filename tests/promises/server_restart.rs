//! A server that dies and comes back finds its people again, and they find what they had written.

use std::time::{Duration, Instant};

use confab_tests::lab::{Lab, Outcome};

use crate::five_people::{join_all, wait_for_all};

/// From the moment the server is ready again.
const BACK_WITHIN: Duration = Duration::from_secs(6);

#[test]
fn after_a_server_restart_all_five_are_back_within_six_seconds_with_their_chat() -> Outcome {
    let lab = Lab::open("server-restart")?;
    let mut server = lab.server()?;
    let room = server.create_room()?;
    let address = server.address();
    let mut people = join_all(&lab, &room, |_| address)?;
    people[0].command("say Before the crash")?;
    for person in &mut people {
        person.wait_until("Ada's line", Duration::from_secs(2), |view| view.has_chat("Ada", "Before the crash"))?;
    }

    server.kill();
    for person in &mut people {
        person.wait_until("reconnecting", Duration::from_secs(5), |view| view.state == "reconnecting")?;
    }
    server = server.restart()?;
    assert_eq!(server.address(), address);
    let start = Instant::now();
    for person in &mut people {
        person.wait_until("joined again", BACK_WITHIN * 3, |view| view.joins == 2 && view.state == "joined")?;
    }
    let back = wait_for_all(&mut people, "everybody back and seen", BACK_WITHIN * 3)? - start;
    assert!(back <= BACK_WITHIN, "all were back after {back:?}");
    for person in &mut people {
        assert_eq!(person.view().names(), ["Ada", "Ben", "Cleo", "Dan", "Eve"], "nobody is there twice");
    }

    // The history is in the store, not only in the clients' memory.
    let mut late = lab.person("Late").camera("none").join(address, &room)?;
    assert!(late.view().has_chat("Ada", "Before the crash"), "the chat survived the crash");
    Ok(())
}
