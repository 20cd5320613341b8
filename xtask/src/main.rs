//! Everything a developer or a machine does with this repository, as one command: `cargo xtask WHAT`.

mod bench;
mod cargo;
mod codegen;
mod fuzz;
mod process;
mod run;
mod screenshots;
mod system;
mod test;
mod tidy;
mod tools;
mod ui;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask run [--release] [--headless]
                                   server and desktop app with embedded defaults; without a display, or with --headless,
                                   two people meet without a window
cargo xtask test [--full] [STEP]   every test; --full runs the long counts; STEP is one of: tidy ui lint deny rust
cargo xtask bench NAME [--json]    a benchmark of the repository: call, sfu, client
cargo xtask fuzz [--seconds N]     every parser and the forwarding core against changed packets, N (60) seconds each
cargo xtask screenshots [--only SCENE] [--check]
                                   pictures of every state of the window; --check looks at its accessibility instead
cargo xtask codegen                writes the generated TypeScript
cargo xtask tidy                   checks crate edges, generated files and file lengths
cargo xtask setup                  installs what the other commands need, and nothing else
";

/// What went wrong, in words for the person at the terminal.
type Outcome<T = ()> = Result<T, String>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["run", options @ ..] if options.iter().any(|option| matches!(*option, "--help" | "-h")) => {
            print!("{USAGE}");
            Ok(())
        }
        ["run", options @ ..] => run::run(options),
        ["test", options @ ..] => test::test(options),
        ["bench", options @ ..] => bench::bench(options),
        ["fuzz", options @ ..] => fuzz::fuzz(options),
        ["screenshots", options @ ..] => screenshots::screenshots(options),
        ["codegen"] => codegen::write(),
        ["tidy"] => tidy::tidy(),
        ["setup"] => system::ensure(system::Purpose::Test).and_then(|()| ui::install()),
        ["help" | "--help" | "-h"] | [] => {
            print!("{USAGE}");
            Ok(())
        }
        _ => Err(format!("cargo xtask does not know {:?}.\n{USAGE}", words.join(" "))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
