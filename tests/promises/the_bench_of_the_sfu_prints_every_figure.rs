//! The bench of the forwarding server works at its smallest: every figure is printed, and nothing is lost or mixed up.
//! How fast anything is, a busy computer cannot tell; `cargo xtask bench sfu --json` does on a quiet one.

use std::collections::BTreeMap;
use std::process::Command;

use confab_tests::lab::{Outcome, program};
use serde_json::Value;

#[test]
fn the_bench_of_the_sfu_prints_every_figure() -> Outcome {
    let output = Command::new(program("confab-bench")?).args(["sfu", "--small", "--json"]).output();
    let output = output.expect("confab-bench runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut figures = BTreeMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let figure: Value = serde_json::from_str(line).expect("a JSON object a line");
        assert!(figure["conditions"].as_str().is_some_and(|words| words.len() > 20), "{figure}");
        figures.insert(figure["metric"].as_str().expect("a name").to_owned(), figure["value"].as_f64());
    }

    let shapes = ["1x10", "1x50", "1x100", "1x200", "1x500", "1x100_25_slots", "1x100_49_slots", "8x5", "busy"];
    for shape in shapes.into_iter().chain(["50_see_9", "50_see_25"]) {
        for metric in [
            "server_us_per_packet",
            "floor_us_per_packet",
            "cpu_ratio_to_floor",
            "load_us_per_packet",
            "server_cores",
            "packets_received",
            "memory_kib_per_person",
            "join_ms_p95",
        ] {
            let value = figures.get(&format!("{metric}_{shape}")).copied().flatten();
            assert!(value.is_some_and(|value| value > 0.0), "{metric}_{shape} is {value:?}: {figures:#?}");
        }
        for metric in ["packets_lost", "packets_wrong", "send_failures", "server_socket_drops"] {
            let value = figures.get(&format!("{metric}_{shape}")).copied().flatten();
            assert_eq!(value, Some(0.0), "{metric}_{shape}: {figures:#?}");
        }
        for metric in ["forward_delay_ms_p50", "forward_delay_ms_p99", "packets_unaccounted", "load_socket_drops"] {
            assert!(figures.get(&format!("{metric}_{shape}")).is_some_and(Option::is_some), "{metric}_{shape}");
        }
    }
    for metric in ["cost_growth_50_to_500", "two_worker_cost_ratio", "memory_kib_per_subscriber"] {
        let value = figures.get(metric).copied().flatten();
        assert!(value.is_some_and(|value| value > 0.0), "{metric} is {value:?}: {figures:#?}");
    }
    let allocations = figures.get("allocations_per_packet").copied().flatten();
    assert!(allocations.is_some_and(f64::is_finite), "{allocations:?}: {figures:#?}");
    let lossy = |metric: &str| figures.get(&format!("{metric}_1x100_lossy")).copied().flatten();
    assert_eq!(lossy("packets_lost"), Some(0.0), "all that people lost was repaired: {figures:#?}");
    assert!(lossy("packets_repaired").is_some_and(|repaired| repaired > 0.0), "{figures:#?}");
    // A computer without Janus says so in place of a value.
    assert!(figures.contains_key("cpu_ratio_to_janus_1x100"), "{figures:#?}");
    Ok(())
}
