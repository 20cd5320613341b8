//! `confab-cli devices`: what there is to choose from.

use clap::Args;
use confab_call::devices::{self, DeviceInfo};

/// What `devices` takes.
#[derive(Args)]
pub struct DevicesArguments {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Prints the lists.
pub fn run(arguments: &DevicesArguments) -> Result<(), String> {
    let list = devices::list();
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&list).map_err(|error| error.to_string())?);
        return Ok(());
    }
    print("Cameras", &list.cameras);
    print("Microphones", &list.microphones);
    print("Speakers", &list.speakers);
    println!("Screens and windows");
    if list.screens.is_empty() {
        println!("  none");
    }
    for screen in &list.screens {
        println!("  {}  {} ({}x{})", screen.id, screen.title, screen.width, screen.height);
    }
    Ok(())
}

fn print(title: &str, devices: &[DeviceInfo]) {
    println!("{title}");
    if devices.is_empty() {
        println!("  none");
    }
    for device in devices {
        let default = if device.is_default { "  (default)" } else { "" };
        println!("  {}  {}{default}", device.id, device.name);
    }
}
