//! The main job: the server and the desktop app. Without a display, two people meet without a window instead.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use self::figures::{Meeting, Received};
use crate::process::{cannot_start, output};
use crate::system::{Purpose, ensure};
use crate::{Outcome, cargo, process, ui};

mod figures;

/// How long something at the server's address may take to say what it is.
const ANSWERS_WITHIN: Duration = Duration::from_millis(500);

/// A server's account of its health is much shorter, bytes.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// Said when the server ends before the app.
const SERVER_ENDED: &str = "The server has ended, so calls in the app cannot go on. Close the app and start both again \
                            with cargo xtask run.";

/// How long the headless demonstration lasts, seconds.
const DEMONSTRATION_S: u32 = 10;

/// What may follow `run`.
#[derive(Default, PartialEq, Eq, Debug)]
struct Options {
    release: bool,
    headless: bool,
}

impl Options {
    fn parse(words: &[&str]) -> Outcome<Self> {
        let mut options = Self::default();
        for word in words {
            match *word {
                "--release" => options.release = true,
                "--headless" => options.headless = true,
                unknown => {
                    return Err(format!("cargo xtask run does not know {unknown}; it knows --release and --headless"));
                }
            }
        }
        Ok(options)
    }
}

/// Builds what is needed and starts it; returns when the app is closed or the demonstration is over.
pub fn run(words: &[&str]) -> Outcome {
    let Options { release, headless } = Options::parse(words)?;
    let headless = headless || !has_display();
    if !headless && is_confab(usual_address()) {
        // Said before minutes of building.
        return Err(already_runs(usual_address()));
    }
    ensure(Purpose::Run)?;
    if headless {
        build(&["confab-server", "confab-cli"], release)?;
        return demonstrate(release);
    }
    ui::build()?;
    build(&["confab-server", "confab-cli", "confab"], release)?;
    let server = Server::start(release, &[])?;
    println!("The server is at {}. Closing the app stops it.", server.address);
    let second = cargo::program("confab-cli", release);
    println!(
        "A second person, without a window: {} join LINK --name Bo --camera test --microphone test",
        second.display()
    );
    let mut app = Command::new(cargo::program("confab", release));
    app.env("CONFAB_SERVER", &server.address);
    process::run(&mut app)
}

/// Where the server listens, unless it is told otherwise.
fn usual_address() -> SocketAddr {
    let set = std::env::var("CONFAB_LISTEN").ok().and_then(|text| text.parse::<SocketAddr>().ok());
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, 8003));
    set.map_or(usual, |set| if set.ip().is_unspecified() { SocketAddr::new(usual.ip(), set.port()) } else { set })
}

/// Whether a Confab server answers there.
fn is_confab(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&address, ANSWERS_WITHIN)?;
        stream.set_read_timeout(Some(ANSWERS_WITHIN))?;
        let question = format!("GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        // In one piece: who answers the first of several and closes resets the connection under the answer.
        stream.write_all(question.as_bytes())?;
        let mut answer = String::new();
        stream.take(LONGEST_ANSWER).read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.contains("\"admission\""))
}

fn already_runs(address: SocketAddr) -> String {
    format!(
        "a Confab server already runs at {address}, most likely another `cargo xtask run`. Use its window, or close it \
         first. A second person on this computer joins with: \
         cargo run -p confab-cli -- join LINK --name Bo --camera test --microphone test"
    )
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
    /// It is to end, so its end is no news.
    stopping: Arc<AtomicBool>,
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
        let stopping = Arc::<AtomicBool>::default();
        let expected = Arc::clone(&stopping);
        std::thread::spawn(move || {
            lines.for_each(|line| println!("{line}"));
            if !expected.load(Ordering::Relaxed) {
                println!("{SERVER_ENDED}");
            }
        });
        Ok(Self { child, address, stopping })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
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
    let quietly = ["--listen", "127.0.0.1:0", "--udp-port-base", "0", "--ephemeral", "--log", "warn"];
    let server = Server::start(release, &quietly)?;
    let folder = cargo::target_dir().join("demonstration");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let cli = cargo::program("confab-cli", release);
    let made = output(Command::new(&cli).args(["create", "--json", "--server", &server.address]))?;
    let made: serde_json::Value =
        serde_json::from_str(&made).map_err(|error| format!("no meeting was made: {error}"))?;
    let link = made["link"].as_str().unwrap_or_default().to_owned();
    println!("They meet at {link}");
    let mut ada = join(&cli, &link, "Ada", &folder)?;
    let mut ben = join(&cli, &link, "Ben", &folder)?;
    for (name, child) in [("Ada", &mut ada), ("Ben", &mut ben)] {
        let status = child.wait().map_err(|error| error.to_string())?;
        if !status.success() {
            return Err(format!("{name} ended with {status}"));
        }
    }
    drop(server);
    let [ada, ben] = ["Ada", "Ben"].map(|name| folder.join(format!("{name}.json")));
    println!("All figures: {} and {}", ada.display(), ben.display());
    println!("The received video (uncompressed, some hundred megabytes) is in {}", folder.join("Ben").display());
    let met = Meeting { ada: Received::read(&ada)?, ben: Received::read(&ben)? };
    println!("{}", met.in_words()?);
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

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn an_option_that_run_does_not_know_is_refused() {
        assert_eq!(Options::parse(&["--headless"]), Ok(Options { release: false, headless: true }));
        assert_eq!(Options::parse(&["--release", "--headless"]), Ok(Options { release: true, headless: true }));
        let refused = Options::parse(&["--release", "--bogus"]).expect_err("it is unknown");
        assert!(refused.contains("--bogus") && refused.contains("--headless"), "{refused}");
    }

    /// Answers one request with these words.
    fn answering(words: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("somebody asks");
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(words.as_bytes());
        });
        address
    }

    #[test]
    fn a_confab_server_that_has_the_port_is_told_from_any_other_program() {
        assert!(is_confab(answering("HTTP/1.1 200 OK\r\n\r\n{\"status\":\"ok\",\"admission\":{}}")));
        assert!(!is_confab(answering("HTTP/1.1 404 Not Found\r\n\r\nnothing here")));
        let closed = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
        assert!(!is_confab(closed));
        assert!(already_runs(closed).contains("confab-cli -- join LINK"));
    }
}
