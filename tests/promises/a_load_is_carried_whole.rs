//! Many light people in several rooms: every packet arrives once, in its place, and soon.

use std::process::Command;

use confab_tests::lab::{Lab, Outcome, Server, ServerOptions, program};
use serde_json::Value;

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
