//! SIGTERM under load: no new meetings at once, those under way go on until people leave, and then it ends well; asked
//! twice it ends within two seconds.

use std::time::{Duration, Instant};

use confab_protocol::RoomCode;
use confab_tests::lab::{Lab, Load, Outcome, RawSocket, Server, ServerOptions};
use serde_json::json;

#[test]
fn a_server_that_drains_lets_meetings_end_by_themselves_and_then_ends() -> Outcome {
    let lab = Lab::open("drain")?;
    let mut server = Server::start(lab.folder(), ServerOptions::default())?;
    let room = server.create_room()?;
    let mut load = start_load(&lab, &server, &room, 4)?;
    server.drain()?;
    let asked = Instant::now();
    while server.any_health()?.0 != 503 {
        assert!(asked.elapsed() < Duration::from_secs(1), "it does not drain");
    }
    let (_, health) = server.any_health()?;
    assert_eq!(
        (&health["status"], &health["admission"]["state"]),
        (&json!("draining"), &json!("draining")),
        "{health}"
    );
    assert!(server.create_room().is_err(), "a room was made");
    let mut socket = RawSocket::connect(server.address())?;
    socket.send_text(&json!({ "event_type": "meeting.create", "request": 1, "name": "" }).to_string())?;
    assert_eq!(socket.expect_error()?, "draining");
    drop(socket);

    // The meeting goes on, and others come into it.
    let before = load.count()?;
    let latecomers = start_load(&lab, &server, &room, 2)?;
    std::thread::sleep(Duration::from_secs(if Lab::is_full() { 30 } else { 2 }));
    let after = load.count()?;
    assert!(after.arrived > before.arrived + 500, "{before:?} {after:?}");
    for load in [latecomers, load] {
        assert!(server.is_running(), "it ended with people in it");
        let report = load.end()?;
        assert_eq!(report["lost_people"], 0, "{report:#}");
        assert_eq!(
            (&report["audio"]["packets_lost"], &report["video"]["packets_lost"]),
            (&json!(0), &json!(0)),
            "{report:#}"
        );
    }
    server.ended(Duration::from_secs(5))
}

#[test]
fn a_server_asked_twice_ends_within_two_seconds_under_load() -> Outcome {
    let lab = Lab::open("drain-twice")?;
    let mut server = Server::start(lab.folder(), ServerOptions::default())?;
    let room = server.create_room()?;
    let _load = start_load(&lab, &server, &room, 4)?;
    server.drain()?;
    std::thread::sleep(Duration::from_secs(1));
    assert!(server.is_running(), "it did not wait for the meeting");
    let asked = Instant::now();
    server.drain()?;
    server.ended(Duration::from_secs(2))?;
    println!("ended after {:?}", asked.elapsed());
    Ok(())
}

fn start_load(lab: &Lab, server: &Server, room: &RoomCode, people: u32) -> Outcome<Load> {
    let (server, room, people) = (server.address().to_string(), room.to_string(), people.to_string());
    let arguments = ["--server", &server, "--room", &room, "--people", &people, "--video-kbps", "300"];
    Load::start(lab.folder(), None, arguments.map(str::to_owned), Duration::from_secs(40))
}
