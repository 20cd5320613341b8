//! Benchmarks. Each prints one JSON object a line: `metric`, `value`, `unit`, `conditions`.

use crate::process::run;
use crate::system::{Purpose, ensure, ensure_rival};
use crate::{Outcome, cargo, tools, ui};

const NAMES: [&str; 3] = ["call", "client", "sfu"];

/// Builds in the release profile and runs one benchmark.
pub fn bench(options: &[&str]) -> Outcome {
    let Some(name) = options.iter().find(|option| !option.starts_with("--")) else {
        return Err(format!("say which: cargo xtask bench {}", NAMES.join("|")));
    };
    if !NAMES.contains(name) {
        return Err(format!("there is no benchmark {name}; there are: {}", NAMES.join(", ")));
    }
    // The app is drawn on a display of the bench's own, beside a browser.
    ensure(if *name == "client" { Purpose::Test } else { Purpose::Run })?;
    if *name == "sfu" {
        // What the server is compared with. Without it the bench says so and goes on.
        if let Err(error) = ensure_rival() {
            eprintln!("Janus could not be installed, so nothing is compared with it. {error}");
        }
    }
    let mut build = cargo::command();
    build.args(["build", "--quiet", "--release", "--bins"]);
    for package in ["confab-server", "confab-cli", "confab-tests"] {
        build.args(["--package", package]);
    }
    if *name == "client" {
        ui::build()?;
        build.args(["--package", "confab", "--features", "tauri/custom-protocol"]);
    }
    run(&mut build)?;
    let mut bench = std::process::Command::new(cargo::program("confab-bench", true));
    bench.args(options).env("CONFAB_PROGRAMS", cargo::programs(true));
    if *name == "client" {
        bench.env("CONFAB_TAURI_DRIVER", tools::ensure(tools::TAURI_DRIVER)?);
    }
    run(&mut bench)
}
