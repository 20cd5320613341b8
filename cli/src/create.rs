//! `confab-cli create`: makes a room over the server's WebSocket.

use clap::Args;
use confab_call::signal::create_room;
use confab_protocol::link::ServerAddress;

/// What `create` takes.
#[derive(Args)]
pub struct CreateArguments {
    /// Which server: HOST, HOST:PORT, or an address with http:// or https://.
    #[arg(long, default_value = "127.0.0.1:8003")]
    server: String,
    /// Shown title of the meeting.
    #[arg(long, default_value = "")]
    name: String,
    /// The key a server prints at its first start; needed from outside its local network.
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
    }
    Ok(())
}
