//! Every test, in the order in which a failure is cheapest to learn of. Ends with the line `N passed, N failed`.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::system::{Purpose, ensure};
use crate::{Outcome, cargo, process, tidy, tools, ui};

/// What the runners counted.
#[derive(Default)]
struct Count {
    passed: u64,
    failed: u64,
}

type Step = (&'static str, fn(&mut Count) -> Outcome);

const STEPS: [Step; 5] =
    [("tidy", tidy_step), ("ui", ui_step), ("lint", lint_step), ("rust", rust_step), ("deny", deny_step)];

/// Runs all steps, or the one named.
pub fn test(options: &[&str]) -> Outcome {
    let only = options.iter().find(|option| !option.starts_with("--")).copied();
    if let Some(unknown) = only.filter(|only| STEPS.iter().all(|(name, _)| name != only)) {
        return Err(format!("there is no test step {unknown}"));
    }
    if options.contains(&"--full") {
        FULL.set(true).expect("set once");
    }
    ensure(Purpose::Test)?;
    let mut count = Count::default();
    let mut failures = Vec::new();
    for (name, step) in STEPS.iter().filter(|(name, _)| only.is_none_or(|only| only == *name)) {
        let start = Instant::now();
        println!("== {name}");
        match step(&mut count) {
            Ok(()) => println!("== {name}: {} s", start.elapsed().as_secs()),
            Err(message) => {
                println!("== {name} FAILED after {} s: {message}", start.elapsed().as_secs());
                failures.push(*name);
            }
        }
    }
    // A step that fails without counting (a compile error, a lint) must not look like a success.
    count.failed = count.failed.max(failures.len() as u64);
    println!("{} passed, {} failed", count.passed, count.failed);
    if failures.is_empty() { Ok(()) } else { Err(format!("failed: {}", failures.join(", "))) }
}

static FULL: std::sync::OnceLock<bool> = std::sync::OnceLock::new();

fn cargo() -> Command {
    let mut command = cargo::command();
    if FULL.get().is_some() {
        command.env("CONFAB_FULL", "1");
    }
    command
}

fn tidy_step(count: &mut Count) -> Outcome {
    process::run(cargo().args(["fmt", "--all", "--check"]))?;
    tidy::tidy()?;
    count.passed += 2;
    Ok(())
}

fn ui_step(count: &mut Count) -> Outcome {
    let printed = ui::test();
    if let Ok(printed) = &printed {
        print!("{printed}");
        count.passed += vitest_passed(printed).ok_or("the window's tests printed no count")?;
    }
    printed?;
    ui::build()?;
    ui::build_browser()
}

fn lint_step(count: &mut Count) -> Outcome {
    ui::build()?;
    process::run(cargo().args(["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    count.passed += 1;
    Ok(())
}

fn rust_step(count: &mut Count) -> Outcome {
    ui::build()?;
    // A promise opens it in Chromium.
    ui::build_browser()?;
    let driver = tools::ensure(tools::TAURI_DRIVER)?;
    // The promises start the real programs, which `cargo test` alone does not build. With all targets, so that the
    // features of the dependencies are the same in both and nothing is built twice.
    process::run(cargo().args(["build", "--quiet", "--workspace", "--all-targets"]))?;
    let mut command = cargo();
    command
        .args(["test", "--workspace", "--no-fail-fast"])
        .env("CONFAB_TAURI_DRIVER", driver)
        .env("CONFAB_PROGRAMS", cargo::programs(false))
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| process::cannot_start(&command, &error))?;
    let printed = child.stdout.take().expect("stdout is piped");
    for line in BufReader::new(printed).lines().map_while(Result::ok) {
        if let Some((passed, failed)) = cargo_test_result(&line) {
            count.passed += passed;
            count.failed += failed;
        }
        if interesting(&line) {
            println!("{line}");
        }
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("cargo test ended with {status}")) }
}

/// Licences, sources and banned crates. Advisories need a database from the network, so they have their own command
/// (`cargo deny check advisories`).
fn deny_step(count: &mut Count) -> Outcome {
    let program = tools::ensure(tools::CARGO_DENY)?;
    let mut command = Command::new(program);
    command.current_dir(process::root()).args(["--log-level", "error", "check", "licenses", "bans", "sources"]);
    process::run(&mut command)?;
    count.passed += 1;
    Ok(())
}

/// Empty runs and their headings say nothing; the rest is shown as it is.
fn interesting(line: &str) -> bool {
    !(line.is_empty() || line == "running 0 tests" || line.starts_with("test result: ok. 0 passed"))
}

/// Reads `test result: ok. 3 passed; 0 failed; ...`.
fn cargo_test_result(line: &str) -> Option<(u64, u64)> {
    let counts = line.strip_prefix("test result: ")?.split_once(". ")?.1;
    let mut numbers = counts.split("; ").filter_map(|part| part.split(' ').next()?.parse().ok());
    Some((numbers.next()?, numbers.next()?))
}

/// Reads vitest's `Tests  12 passed (12)`.
fn vitest_passed(printed: &str) -> Option<u64> {
    let line = printed.lines().map(str::trim).find(|line| line.starts_with("Tests "))?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let position = words.iter().position(|word| *word == "passed")?;
    words.get(position.checked_sub(1)?)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{cargo_test_result, vitest_passed};

    #[test]
    fn the_counts_of_cargo_and_vitest_are_read() {
        let line = "test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        assert_eq!(cargo_test_result(line), Some((3, 1)));
        assert_eq!(cargo_test_result("running 3 tests"), None);
        assert_eq!(vitest_passed(" Test Files  2 passed (2)\n      Tests  12 passed (12)\n"), Some(12));
        assert_eq!(vitest_passed("      Tests  1 failed | 12 passed (13)\n"), Some(12));
    }
}
