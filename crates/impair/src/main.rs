//! `confab-impair`: a relay to be put between a client and a server by hand.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;
use confab_impair::{Counters, Profile, Relay, RelayConfig};

/// Makes the path to a Confab server worse, the same way each time.
///
/// While it runs it reads commands from standard input: a profile, `up PROFILE`, `down PROFILE`, `hole on`, `hole off`,
/// `rebind`, `counters`, `quit`.
#[derive(Parser)]
#[command(name = "confab-impair", version)]
struct Arguments {
    /// The server's TCP address.
    #[arg(long, default_value = "127.0.0.1:8003")]
    server: SocketAddr,
    /// Where to listen; clients use this in place of the server's address.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// As `moderate` or `delay=50ms,jitter=20ms,loss=5%`.
    #[arg(long, default_value = "perfect")]
    profile: Profile,
    /// The same seed loses the same packets.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Runtime::new()?;
    let config = RelayConfig { listen: arguments.listen, ..RelayConfig::new(arguments.server) };
    let relay = runtime.block_on(Relay::start(config.with_profile(arguments.profile).with_seed(arguments.seed)))?;
    println!("Relay to {} listening on {}", arguments.server, relay.address());
    // The relay runs on the runtime's threads while this one waits for commands.
    let _runtime = runtime.enter();
    for line in std::io::stdin().lines() {
        let line = line?;
        if line.trim() == "quit" {
            return Ok(());
        }
        match obey(&relay, line.trim()) {
            Ok(reply) => println!("{reply}"),
            Err(error) => eprintln!("{error}"),
        }
    }
    // Without a terminal there is nobody to give commands; the relay goes on.
    loop {
        std::thread::park();
    }
}

fn obey(relay: &Relay, line: &str) -> Result<String, String> {
    let parse = |text: &str| text.parse::<Profile>().map_err(|error| error.to_string());
    match line.split_once(' ').unwrap_or((line, "")) {
        ("", _) => {}
        ("hole", state) => relay.set_black_hole(state != "off"),
        ("rebind", _) => relay.rebind().map_err(|error| format!("No port for the rebinding: {error}"))?,
        ("counters", _) => return Ok(format!("up:   {}\ndown: {}", describe(relay.up()), describe(relay.down()))),
        ("up", profile) => relay.set_up(parse(profile)?),
        ("down", profile) => relay.set_down(parse(profile)?),
        _ => relay.set_profile(parse(line)?),
    }
    Ok("done".into())
}

fn describe(counters: Counters) -> String {
    format!(
        "{} offered, {} delivered, {} lost ({:.1} %), {} overflowed, {} swallowed, mean delay {:.1} ms",
        counters.offered,
        counters.delivered,
        counters.lost,
        counters.observed_loss() * 100.0,
        counters.overflowed,
        counters.swallowed,
        counters.mean_delay().as_secs_f64() * 1000.0,
    )
}
