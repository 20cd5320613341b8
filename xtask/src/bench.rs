//! Benchmarks. Each prints one JSON object a line: `metric`, `value`, `unit`, `conditions`.

use crate::process::run;
use crate::system::{Purpose, ensure, ensure_rival};
use crate::{Outcome, cargo};

const NAMES: [&str; 2] = ["call", "sfu"];

/// Builds in the release profile and runs one benchmark.
pub fn bench(options: &[&str]) -> Outcome {
    let Some(name) = options.iter().find(|option| !option.starts_with("--")) else {
        return Err(format!("say which: cargo xtask bench {}", NAMES.join("|")));
    };
    if !NAMES.contains(name) {
        return Err(format!("there is no benchmark {name}; there are: {}", NAMES.join(", ")));
    }
    ensure(Purpose::Run)?;
    if *name == "sfu" {
        // What the server is compared with. Without it the bench says so and goes on.
        if let Err(error) = ensure_rival() {
            eprintln!("Janus could not be installed, so nothing is compared with it. {error}");
        }
    }
    let packages = ["confab-server", "confab-cli", "confab-tests"];
    let mut build = cargo::command();
    build.args(["build", "--quiet", "--release", "--bins"]);
    for package in packages {
        build.args(["--package", package]);
    }
    run(&mut build)?;
    let mut bench = std::process::Command::new(cargo::program("confab-bench", true));
    bench.args(options).env("CONFAB_PROGRAMS", cargo::programs(true));
    run(&mut bench)
}
