//! A room with more people than one worker of the server takes spreads over its workers, and nobody in it notices.

use std::time::{Duration, Instant};

use confab_tests::lab::{Lab, Load, Outcome, Server, ServerOptions};
use confab_tests::two_person_call::{self, CallPlan};

/// Eight people who all send and see each other fill a worker of a hundred tracks: two each that they send, and up to
/// thirteen that each is sent.
const TRACKS: u32 = 100;

const PEOPLE: u32 = 12;

#[test]
fn a_room_larger_than_a_worker_loses_nothing_where_it_crosses() -> Outcome {
    let lab = Lab::open("large-room")?;
    let server = start_server(&lab, TRACKS)?;
    let (people, address) = (PEOPLE.to_string(), server.address().to_string());
    let arguments = ["--server", &address, "--rooms", "1", "--people", &people, "--joins-per-second", "2"];
    let light = ["--video-kbps", "150", "--fps", "15"];
    let arguments = arguments.into_iter().chain(light).map(str::to_owned);
    let mut load = Load::start(lab.folder(), None, arguments, Duration::from_secs(60))?;
    let before = load.count()?;
    std::thread::sleep(Duration::from_secs(if Lab::is_full() { 30 } else { 4 }));

    let health = server.health()?;
    for worker in 0..2 {
        let percent = health["admission"]["workers"][worker]["tracks_percent"].as_u64();
        assert!(percent >= Some(30), "both workers carry people: {health}");
    }
    assert!((server.metric("confab_media_members")? - f64::from(PEOPLE)).abs() < 0.5);
    assert!((server.metric("confab_media_mirrors")? - f64::from(PEOPLE)).abs() < 0.5, "all are known on both workers");
    let counted = load.pause()?;
    assert!(counted.arrived > before.arrived + 2_000, "{before:?} {counted:?}");
    // Reports of who is watched go on; media does not.
    std::thread::sleep(Duration::from_millis(500));
    let (out, into) =
        (server.metric("confab_media_relayed_out_total")?, server.metric("confab_media_relayed_in_total")?);
    println!("{out} packets crossed, {} arrived", counted.arrived);
    assert!(out > 2_000.0 && (out - into).abs() < 0.5, "{out} handed over, {into} taken");
    assert!(server.metric("confab_media_relay_batches_dropped_total")?.abs() < 0.5);

    let report = load.end()?;
    assert_eq!((&report["joined"], &report["lost_people"]), (&PEOPLE.into(), &0.into()), "{report:#}");
    for kind in ["audio", "video"] {
        for nothing in ["packets_lost", "duplicates", "mixed_up"] {
            assert_eq!(report[kind][nothing], 0, "{kind} {nothing}: {report:#}");
        }
        let median = report[kind]["delay_ms"]["p50"].as_f64().unwrap_or(f64::MAX);
        assert!(median < 30.0, "{kind}: half of the packets took over {median} ms: {report:#}");
    }
    // Nothing of the room stays, once nobody has been in it for a while.
    let ended = Instant::now();
    while server.metric("confab_media_members")? + server.metric("confab_media_mirrors")? > 0.5 {
        assert!(ended.elapsed() < Duration::from_secs(10), "{}", server.health()?);
        std::thread::sleep(Duration::from_millis(100));
    }
    while server.metric("confab_media_rooms")? > 1.5 {
        assert!(ended.elapsed() < Duration::from_secs(20), "the second worker still has the room");
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

#[test]
fn two_people_on_two_workers_see_and_hear_each_other() -> Outcome {
    let lab = Lab::open("two-workers")?;
    // The first of them fills a worker with a voice and a picture.
    let server = start_server(&lab, 2)?;
    let plan = CallPlan { length: Duration::from_secs(11), skip: Duration::from_secs(5) };
    let result = two_person_call::hold(&lab, &server, plan, server.address(), server.address())?;
    println!("{:?}\n{:?}", result.video, result.audio);
    let crossed = server.metric("confab_media_relayed_in_total")?;
    assert!(crossed > 1_000.0, "only {crossed} packets crossed");
    let (video, audio) = (&result.video, &result.audio);
    assert!(video.fps >= 24.0 && video.full_size >= 0.9, "{video:?}");
    assert!(video.frozen_s <= 0.5, "the picture stood still for {:.1} s", video.frozen_s);
    assert!(audio.windows >= 5 && audio.correlation >= 0.85, "{audio:?}");
    assert!(result.join_to_video_ms.is_some_and(|time| time <= 3_000.0), "picture after {:?}", result.join_to_video_ms);
    Ok(())
}

fn start_server(lab: &Lab, tracks: u32) -> Outcome<Server> {
    let arguments = ["--workers", "2", "--worker-tracks", &tracks.to_string()].map(str::to_owned).to_vec();
    Server::start(lab.folder(), ServerOptions { arguments, ..ServerOptions::default() })
}
