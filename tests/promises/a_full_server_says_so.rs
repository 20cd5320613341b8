//! A server that carries as much as it may: newcomers are told at once, who is in notices nothing, and when people have
//! left it takes newcomers again.

use std::time::{Duration, Instant};

use confab_protocol::RoomCode;
use confab_tests::lab::{Lab, Load, Outcome, RawSocket, Server, ServerOptions};
use serde_json::{Value, json};

/// What issue 3 grants a refusal, from sending the join to the error.
const REFUSED_WITHIN: Duration = Duration::from_millis(100);

/// Two rooms of four who all send are 64 of them.
const TRACKS: u32 = 90;

#[test]
fn a_newcomer_to_a_full_server_is_told_so_at_once_and_nobody_else_notices() -> Outcome {
    let lab = Lab::open("full-server")?;
    let arguments = ["--workers", "1", "--worker-tracks", &TRACKS.to_string()].map(str::to_owned).to_vec();
    let server = Server::start(lab.folder(), ServerOptions { arguments, ..ServerOptions::default() })?;
    assert_eq!(server.health()?["admission"]["state"], "open");
    let mut inside = start_load(&lab, &server, ["--rooms", "2", "--people", "4", "--joins-per-second", "4"])?;

    // Pairs come until there is no place.
    let mut pairs = Vec::new();
    while !is_full(&server)? {
        assert!(pairs.len() < 10, "never full: {}", server.health()?);
        pairs.push(start_load(&lab, &server, ["--rooms", "1", "--people", "2", "--joins-per-second", "4"])?);
    }
    let health = server.health()?;
    assert_eq!(health["admission"]["limit"], "tracks", "{health}");
    let percent = health["admission"]["workers"][0]["tracks_percent"].as_u64().unwrap_or_default();
    assert!((90..=115).contains(&percent), "{health}");

    let before = inside.count()?;
    let room = server.create_room()?;
    let refusals = if Lab::is_full() { 500 } else { 50 };
    let mut longest = Duration::ZERO;
    let mut newcomer = RawSocket::connect(server.address())?;
    for number in 1..=refusals {
        let asked = Instant::now();
        newcomer.send_text(&join(number, &room).to_string())?;
        let error = newcomer.expect("error")?;
        longest = longest.max(asked.elapsed());
        assert_eq!((&error["code"], &error["request"]), (&json!("server_full"), &json!(number)), "{error}");
        assert!(error["message"].as_str().is_some_and(|text| text.contains("Try again")), "{error}");
        // Messages have a limit of their own.
        std::thread::sleep(Duration::from_millis(30));
    }
    println!("{refusals} refusals, the slowest after {longest:?}");
    assert!(longest <= REFUSED_WITHIN, "a refusal took {longest:?}");
    assert!(server.metric("confab_worker_refused_total")? >= f64::from(refusals));
    assert!(server.metric("confab_admission_open")?.abs() < 0.5);
    let meanwhile = inside.count()?;
    assert!(meanwhile.arrived > before.arrived + 1_000, "they talked on: {before:?} {meanwhile:?}");

    // The pairs go as if their computers had failed.
    drop(pairs);
    let opened = Instant::now();
    while server.health()?["admission"]["state"] != "open" {
        assert!(opened.elapsed() < Duration::from_secs(10), "still full: {}", server.health()?);
        std::thread::sleep(Duration::from_millis(50));
    }
    let again = start_load(&lab, &server, ["--rooms", "1", "--people", "1", "--joins-per-second", "1"])?;
    let again = again.end()?;
    assert_eq!(again["joined"], 1, "{again:#}");

    let report = inside.end()?;
    assert_eq!((&report["joined"], &report["lost_people"]), (&json!(8), &json!(0)), "{report:#}");
    for kind in ["audio", "video"] {
        for nothing in ["packets_lost", "duplicates", "mixed_up"] {
            assert_eq!(report[kind][nothing], 0, "{kind} {nothing}: {report:#}");
        }
        assert!(report[kind]["packets_received"].as_u64() > Some(1_000), "{report:#}");
    }
    Ok(())
}

fn start_load(lab: &Lab, server: &Server, arguments: [&str; 6]) -> Outcome<Load> {
    let server = server.address().to_string();
    let light = ["--server", &server, "--video-kbps", "300"];
    let arguments = arguments.into_iter().chain(light).map(str::to_owned);
    Load::start(lab.folder(), None, arguments, Duration::from_secs(40))
}

/// Full by what is carried: what is expected of people who were just let in is over after two seconds.
fn is_full(server: &Server) -> Outcome<bool> {
    std::thread::sleep(Duration::from_millis(2_200));
    Ok(server.health()?["admission"]["state"] == "full")
}

fn join(request: u32, room: &RoomCode) -> Value {
    json!({ "event_type": "call.join", "request": request, "version": confab_protocol::PROTOCOL_VERSION, "code": room,
        "name": "Eve", "offer": "v=0", "tracks": [] })
}
