//! Many light people in several rooms: every packet arrives once, in its place, and soon.
//!
//! L1 to L3 are the load tests of the list of tests we mean to pass. The full tier takes their counts; the quick one takes a
//! sample that a test build carries beside other tests, and says nothing of delays.

use std::process::Command;
use std::time::Duration;

use confab_tests::lab::{Lab, Load, Outcome, Server, ServerOptions, program};
use serde_json::Value;

/// Share of packets that may be missing.
const LOST_AT_MOST: f64 = 0.000_1;

#[test]
fn people_in_several_rooms_get_every_packet_once_and_soon() -> Outcome {
    let lab = Lab::open("load")?;
    let server = Server::start(lab.folder(), ServerOptions::default())?;
    let (rooms, seconds) = if Lab::is_full() { ("10", "30") } else { ("2", "4") };
    let output = Command::new(program("confab-cli")?)
        .args(["load", "--server", &server.address().to_string(), "--rooms", rooms, "--people", "5", "--senders", "3"])
        .args(["--seconds", seconds, "--video-kbps", "300"])
        .output()
        .expect("confab-cli runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report in JSON");

    assert_eq!(report["joined"], report["people"], "{report:#}");
    assert_eq!(report["lost_people"], 0, "{report:#}");
    for kind in ["audio", "video"] {
        let figures = &report[kind];
        for nothing in ["packets_lost", "duplicates", "mixed_up"] {
            assert_eq!(figures[nothing], 0, "{kind} {nothing}: {report:#}");
        }
        let (sent, received) = (&figures["packets_sent"], &figures["packets_received"]);
        let (sent, received) = (sent.as_u64().unwrap_or(0), received.as_u64().unwrap_or(0));
        assert!(sent > 500, "{kind}: something was sent: {report:#}");
        // Each sender is heard and seen by four others; a little is on its way when counting begins and ends.
        assert!(received > sent * 39 / 10, "{kind}: {received} of {sent} times four: {report:#}");
        // A busy computer may hold up a few packets, not half of them.
        let median = figures["delay_ms"]["p50"].as_f64().unwrap_or(f64::MAX);
        assert!(median < 30.0, "{kind}: half of the packets took over {median} ms: {report:#}");
    }
    Ok(())
}

#[test]
fn l1_rooms_of_five_who_all_talk_and_show_themselves_lose_nothing() -> Outcome {
    let lab = Lab::open("load-l1")?;
    let server = Server::start(lab.folder(), alone(ServerOptions::default()))?;
    let (rooms, kbps, length) = if Lab::is_full() { ("8", "600", 600) } else { ("3", "300", 5) };
    let load = start(&lab, &server, &["--rooms", rooms, "--people", "5", "--video-kbps", kbps])?;
    let sent = talk_for(load, Duration::from_secs(length))?;
    // Forty voices of fifty packets a second are more than enough to say that there was a load.
    assert!(sent.sent_a_second >= if Lab::is_full() { 3_500.0 } else { 900.0 }, "{:#}", sent.report);
    check_whole(&sent.report, 1_000.0);
    check_delays(&server)
}

#[test]
fn l2_one_speaker_reaches_two_hundred_listeners_who_are_in_within_a_second() -> Outcome {
    let lab = Lab::open("load-l2")?;
    let options = ServerOptions { arguments: words(&["--room-participants", "300"]), ..ServerOptions::default() };
    let server = Server::start(lab.folder(), alone(options))?;
    let (people, length) = if Lab::is_full() { ("201", 600) } else { ("41", 5) };
    let load = start(
        &lab,
        &server,
        &["--rooms", "1", "--people", people, "--senders", "1", "--video-kbps", "600", "--open-one-in", "10"],
    )?;
    let sent = talk_for(load, Duration::from_secs(length))?;
    check_whole(&sent.report, 1_000.0);
    check_delays(&server)
}

#[test]
fn l3_a_storm_of_joins_lets_everybody_in_and_those_inside_lose_nothing() -> Outcome {
    let lab = Lab::open("load-l3")?;
    let server = Server::start(lab.folder(), ServerOptions::default())?;
    let (inside, kbps) = if Lab::is_full() { ("4", "600") } else { ("2", "300") };
    let mut inside = start(&lab, &server, &["--rooms", inside, "--people", "5", "--video-kbps", kbps])?;
    let before = inside.count()?;
    let (rooms, people) = if Lab::is_full() { ("20", "10") } else { ("5", "10") };
    let storm =
        ["--rooms", rooms, "--people", people, "--senders", "1", "--video-kbps", "0", "--joins-per-second", "40"];
    let storm = start(&lab, &server, &storm)?;
    let meanwhile = inside.count()?;
    assert!(meanwhile.arrived > before.arrived + 1_000, "they talked on: {before:?} {meanwhile:?}");
    let storm = talk_for(storm, Duration::from_secs(1))?.report;
    assert_eq!(storm["joined"], storm["people"], "{storm:#}");
    assert!(storm["join_ms"]["p95"].as_f64().is_some_and(|p95| p95 <= 1_500.0), "{storm:#}");
    let inside = talk_for(inside, Duration::from_secs(1))?;
    check_whole(&inside.report, 1_500.0);
    Ok(())
}

/// Where delays are measured the server has a core to itself, and the load another.
fn alone(options: ServerOptions) -> ServerOptions {
    ServerOptions { core: Lab::is_full().then_some(0), ..options }
}

/// What a load said in the end.
struct Talked {
    report: Value,
    sent_a_second: f64,
}

fn words(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(|word| (*word).to_owned()).collect()
}

fn start(lab: &Lab, server: &Server, arguments: &[&str]) -> Outcome<Load> {
    let mut arguments = words(arguments);
    arguments.extend(["--server".to_owned(), server.address().to_string()]);
    let within = Duration::from_secs(60);
    if Lab::is_full() {
        Load::start_on_core(lab.folder(), 1, arguments, within)
    } else {
        Load::start(lab.folder(), None, arguments, within)
    }
}

fn talk_for(mut load: Load, length: Duration) -> Outcome<Talked> {
    let before = load.count()?;
    std::thread::sleep(length);
    let sent = load.count()?.sent.saturating_sub(before.sent);
    Ok(Talked { report: load.end()?, sent_a_second: sent as f64 / length.as_secs_f64() })
}

/// Everybody came within so many milliseconds, stayed, and missed nothing to speak of.
fn check_whole(report: &Value, join_ms: f64) {
    assert_eq!(report["joined"], report["people"], "{report:#}");
    assert_eq!(report["lost_people"], 0, "{report:#}");
    assert!(report["join_ms"]["p95"].as_f64().is_some_and(|p95| p95 <= join_ms), "{report:#}");
    for kind in ["audio", "video"] {
        let of = |name: &str| report[kind][name].as_f64().unwrap_or(f64::NAN);
        assert!(of("packets_received") > 500.0, "{kind}: something came: {report:#}");
        assert!(of("packets_lost") <= of("packets_received") * LOST_AT_MOST, "{kind}: {report:#}");
        assert!((of("duplicates") + of("mixed_up")).abs() < 0.5, "{kind}: {report:#}");
    }
}

/// Half of the packets are in the server for a millisecond at most, 99 of 100 for ten.
fn check_delays(server: &Server) -> Outcome {
    let buckets = server.histogram("confab_media_forward_delay_seconds")?;
    let all = buckets.last().map_or(0.0, |(_, count)| *count);
    let within = |end: f64| {
        let below = buckets.iter().rfind(|(known, _)| *known <= end * 1.000_1).map_or(0.0, |(_, count)| *count);
        below / all
    };
    let (one, ten) = (within(0.001), within(0.01));
    println!("{all} packets; {:.1} % were in the server for 1 ms at most, {:.1} % for 10 ms", one * 100.0, ten * 100.0);
    assert!(all > 500.0, "the server counts what it forwards: {buckets:?}");
    // How fast anything is, only a computer that does nothing else can tell.
    if Lab::is_full() {
        assert!(one >= 0.5 && ten >= 0.99, "{buckets:?}");
    }
    Ok(())
}
