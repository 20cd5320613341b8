//! The main job: the server and the desktop app. Without a display, two people meet without a window instead.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::process::{cannot_start, output};
use crate::system::{Purpose, ensure};
use crate::{Outcome, cargo, process, ui};

/// How long the headless demonstration lasts, seconds.
const DEMONSTRATION_S: u32 = 10;

/// Builds what is needed and starts it; returns when the app is closed or the demonstration is over.
pub fn run(options: &[&str]) -> Outcome {
    let release = options.contains(&"--release");
    ensure(Purpose::Run)?;
    if options.contains(&"--headless") || !has_display() {
        build(&["confab-server", "confab-cli"], release)?;
        return demonstrate(release);
    }
    ui::build()?;
    build(&["confab-server", "confab-cli", "confab"], release)?;
    let server = Server::start(release, &[])?;
    println!("The server is at {}. Closing the app stops it.", server.address);
    let mut app = Command::new(cargo::program("confab", release));
    app.env("CONFAB_SERVER", &server.address);
    process::run(&mut app)
}

fn has_display() -> bool {
    !cfg!(target_os = "linux") || ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some())
}

fn build(packages: &[&str], release: bool) -> Outcome {
    println!("Building {}", packages.join(", "));
    let mut command = cargo::command();
    command.args(["build", "--bins"]);
    if release {
        command.args(["--release", "--features", "tauri/custom-protocol"]);
    }
    for package in packages {
        command.args(["--package", package]);
    }
    process::run(&mut command)
}

/// A server of our own, stopped when dropped.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(release: bool, options: &[&str]) -> Outcome<Self> {
        let mut command = Command::new(cargo::program("confab-server", release));
        command.args(options).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| cannot_start(&command, &error))?;
        let printed = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut lines = printed.lines().map_while(Result::ok);
        let address =
            lines.find_map(|line| line.split_once("listening on ").map(|(_, address)| address.trim().to_owned()));
        let Some(address) = address else {
            let _ = child.kill();
            return Err("the server did not start; its reason stands above".into());
        };
        std::thread::spawn(move || lines.for_each(|line| println!("{line}")));
        Ok(Self { child, address })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if cfg!(unix) {
            // SIGINT lets the server say goodbye and close its store, whoever is in; `Child` can only kill.
            let _ = Command::new("kill").args(["-s", "INT", &self.child.id().to_string()]).status();
        } else {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

fn demonstrate(release: bool) -> Outcome {
    println!("No display here, so two people meet without a window for {DEMONSTRATION_S} s.");
    let server = Server::start(release, &["--listen", "127.0.0.1:0", "--udp-port-base", "0", "--ephemeral"])?;
    let folder = cargo::target_dir().join("demonstration");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let cli = cargo::program("confab-cli", release);
    let link = output(Command::new(&cli).args(["create", "--server", &server.address]))?.trim().to_owned();
    println!("They meet at {link}");
    let mut ada = join(&cli, &link, "Ada", &folder)?;
    let mut ben = join(&cli, &link, "Ben", &folder)?;
    for (name, child) in [("Ada", &mut ada), ("Ben", &mut ben)] {
        let status = child.wait().map_err(|error| error.to_string())?;
        if !status.success() {
            return Err(format!("{name} ended with {status}"));
        }
    }
    for name in ["Ada", "Ben"] {
        print_figures(name, &folder.join(format!("{name}.json")))?;
    }
    println!("The received video (uncompressed, some hundred megabytes) is in {}", folder.join("Ben").display());
    Ok(())
}

fn join(cli: &Path, link: &str, name: &str, folder: &Path) -> Outcome<Child> {
    let videos = folder.join(name);
    if videos.exists() {
        std::fs::remove_dir_all(&videos).map_err(|error| format!("{}: {error}", videos.display()))?;
    }
    let mut command = Command::new(cli);
    command
        .args(["join", link, "--name", name, "--camera", "test", "--microphone", "test", "--speaker", "none"])
        .args(["--for", &format!("{DEMONSTRATION_S}s"), "--stats"])
        .arg(folder.join(format!("{name}.json")));
    if name == "Ben" {
        command.arg("--save-video").arg(&videos);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().map_err(|error| cannot_start(&command, &error))
}

fn print_figures(name: &str, path: &Path) -> Outcome {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let stats: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    // The file also has a line for each picture; these are the figures a person wants.
    for (what, figures) in [("joined", &stats["stats"]["join"]), ("received", &stats["summary"])] {
        println!("{name} {what}: {}", serde_json::to_string_pretty(figures).unwrap_or_default());
    }
    println!("All figures of {name}: {}", path.display());
    Ok(())
}
