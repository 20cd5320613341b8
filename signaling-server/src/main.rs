//! `confab-server`: the server as a program.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use confab_server::{Config, Server, StopWish, StopWishes, start_logging};

/// Confab's server. Without any option it listens on this computer only and keeps its data in your data folder.
#[derive(Parser)]
#[command(name = "confab-server", version)]
struct Arguments {
    #[command(flatten)]
    config: Config,

    /// Print the host key that is kept in the data folder, and end. A server that runs with it goes on.
    #[arg(long)]
    show_host_key: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.show_host_key {
        return show_host_key(&arguments.config).await;
    }
    if let Err(error) = start_logging(&arguments.config) {
        eprintln!("confab-server: {error}");
        return ExitCode::FAILURE;
    }
    let ephemeral = arguments.config.ephemeral;
    let server = match Server::start(arguments.config).await {
        Ok(server) => server,
        Err(error) => {
            eprintln!("confab-server: {error}");
            return ExitCode::FAILURE;
        }
    };
    // One that only this computer reaches, and that keeps nothing, has nobody to give it to.
    let for_this_computer = ephemeral && server.urls_for_others().is_empty();
    if server.host_key_is_new() && !for_this_computer {
        // To the terminal and not through the log: logs are collected.
        eprintln!("Host key, to start meetings from outside this network: {}", server.host_key());
    }
    // Heard from before the line below on: who reads it may end the server at once, and it must end in order.
    let mut wishes = StopWishes::listen();
    let mut lines: Vec<String> =
        server.urls().iter().take(1).map(|url| format!("Confab server listening on {url}\n")).collect();
    lines.extend(server.urls_for_others().iter().map(|url| format!("for other computers: {url}\n")));
    if let Some(fingerprint) = server.fingerprint() {
        lines.push(format!("Certificate of its own, SHA-256 fingerprint: {fingerprint}\n"));
    }
    // Whoever started the server may have closed its output.
    let mut out = std::io::stdout();
    let _ = out.write_all(lines.concat().as_bytes()).and_then(|()| out.flush());
    end(server, &mut wishes).await;
    // A thread that hangs must not keep the process: whatever was to be stored is.
    std::process::exit(0)
}

/// To standard output, so that it can be handed on.
async fn show_host_key(config: &Config) -> ExitCode {
    match Server::kept_host_key(config).await {
        Ok(key) => {
            println!("{key}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("confab-server: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Waits for the wish to end, and ends as it is wished. Each further wish is more impatient.
async fn end(server: Server, wishes: &mut StopWishes) {
    let mut hurries = false;
    if wishes.next().await == StopWish::WhenEmpty {
        tokio::select! {
            () = server.drain() => {}
            _ = wishes.next() => hurries = true,
        }
    }
    tokio::select! {
        () = async { if hurries { server.shutdown_now().await } else { server.shutdown().await } } => {}
        _ = wishes.next() => {}
    }
}
