//! `confab-cli`: a participant without a window. A bot, a recorder, a room kit, a load; and the tests' instrument.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod create;
mod devices;
mod interrupt;
mod join;
mod load;

/// Takes part in Confab meetings without a window.
#[derive(Parser)]
#[command(name = "confab-cli", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Joins a meeting and stays until told to leave.
    Join(Box<join::JoinArguments>),
    /// Makes a room and prints its link.
    Create(create::CreateArguments),
    /// Lists cameras, microphones, speakers and screens.
    Devices(devices::DevicesArguments),
    /// Loads a server with many light people and prints what it measured, as JSON.
    Load(load::LoadArgs),
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("confab_call=warn,confab_cli=info,error")),
        )
        .init();
    let done = match Arguments::parse().command {
        Command::Join(arguments) => join::run(*arguments).await,
        Command::Create(arguments) => create::run(arguments).await,
        Command::Devices(arguments) => devices::run(&arguments),
        Command::Load(arguments) => load::run_and_print(arguments).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}
