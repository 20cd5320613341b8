//! `confab-cli create`: makes a room over the server's WebSocket.

use std::net::IpAddr;

use clap::Args;
use confab_call::signal::create_room;
use confab_protocol::MeetingLink;
use confab_protocol::link::ServerAddress;

/// What `create` takes.
#[derive(Args)]
pub struct CreateArguments {
    /// Which server: HOST, HOST:PORT, or an address with http:// or https://. One that made its own certificate is named
    /// with its fingerprint, as it prints it at its start: https://HOST:PORT#fp=...; for a shell, in quotes.
    #[arg(long, default_value = "127.0.0.1:8003")]
    server: String,
    /// Shown title of the meeting.
    #[arg(long, default_value = "")]
    name: String,
    /// The key a server prints at its first start, and with --show-host-key; needed from outside its local network.
    #[arg(long)]
    host_key: Option<String>,
    /// Print a JSON object with code, link and the host's token instead of the link.
    #[arg(long)]
    json: bool,
}

/// Makes the room and prints it.
pub async fn run(arguments: CreateArguments) -> Result<(), String> {
    let server = ServerAddress::parse(&arguments.server).map_err(|error| error.to_string())?;
    let room = create_room(server, &arguments.name, arguments.host_key).await.map_err(|error| error.to_string())?;
    if arguments.json {
        println!("{}", serde_json::json!({ "code": room.code, "link": room.link, "token": room.token }));
    } else {
        println!("{}", room.link);
        if let Some(note) = reach(&room.link) {
            eprintln!("{note}");
        }
    }
    Ok(())
}

/// What to know of a link, by where it leads: the server may have a public name, whatever address it was asked at.
fn reach(link: &str) -> Option<&'static str> {
    let server = MeetingLink::parse(link).ok()?.server?;
    let host = server.host.trim_matches(['[', ']']);
    let loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    loopback.then_some(
        "This link works on this computer only. For others, make the meeting at an address the server prints for other \
         computers: confab-cli create --server \"https://HOST:PORT#fp=...\"",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_leads_nowhere_else_is_said_to() {
        for near in ["http://127.0.0.1:8003", "http://localhost", "http://[::1]:8003"] {
            let said = reach(&format!("{near}/m/onyx-pier-5143")).expect("it is said");
            assert!(said.contains("this computer only"), "{near}");
        }
        for far in ["http://192.168.1.9:8003", "https://meet.example.org"] {
            assert_eq!(reach(&format!("{far}/m/onyx-pier-5143")), None, "{far}");
        }
    }
}
