//! A `PulseAudio` server of our own: a speaker, a microphone, and a way into that microphone.
//!
//! `speaker` is a null sink (heard at `speaker.monitor`), `mic` a source that gives what is played to `mic_feed`.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::child::Scratch;

/// The running server; killed when dropped.
pub struct Pulse {
    daemon: Child,
    folder: Scratch,
}

impl Pulse {
    pub fn start() -> Self {
        let folder = Scratch::new("pulse");
        let socket = folder.0.join("native");
        let script = folder.0.join("confab.pa");
        let lines = [
            format!("load-module module-native-protocol-unix auth-anonymous=1 socket={}", socket.display()),
            "load-module module-null-sink sink_name=speaker sink_properties=device.description=TestSpeaker rate=48000 channels=2".into(),
            "load-module module-null-sink sink_name=mic_feed sink_properties=device.description=MicFeed rate=48000 channels=1".into(),
            "load-module module-remap-source source_name=mic master=mic_feed.monitor source_properties=device.description=TestMic channels=1 rate=48000".into(),
            "set-default-sink speaker".into(),
            "set-default-source mic".into(),
            String::new(),
        ];
        std::fs::write(&script, lines.join("\n")).unwrap();
        let daemon = Command::new("pulseaudio")
            .args(["-n", "-F"])
            .arg(&script)
            .args(["--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm=yes"])
            .env("XDG_RUNTIME_DIR", &folder.0)
            .env("HOME", &folder.0)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("pulseaudio is needed for this test: apt-get install pulseaudio pulseaudio-utils");
        let pulse = Self { daemon, folder };
        let patience = Instant::now() + Duration::from_secs(20);
        while !pulse.pactl(&["list", "short", "sources"]).contains("mic\t") {
            assert!(Instant::now() < patience, "pulseaudio did not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        pulse
    }

    /// What goes into `PULSE_SERVER`.
    pub fn server(&self) -> String {
        format!("unix:{}", self.folder.0.join("native").display())
    }

    fn pactl(&self, arguments: &[&str]) -> String {
        pactl(&self.server(), arguments)
    }

    /// Lets a child process use this server, control it ([`unplug`]) and kill it ([`kill_server`]).
    pub fn give_to(&self, command: &mut Command) {
        command
            .env("PULSE_SERVER", self.server())
            .env("XDG_RUNTIME_DIR", &self.folder.0)
            .env("CONFAB_TEST_PULSE_PID", self.daemon.id().to_string());
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

fn pactl(server: &str, arguments: &[&str]) -> String {
    let output = Command::new("pactl")
        .args(arguments)
        .env("PULSE_SERVER", server)
        .output()
        .expect("pactl is needed for this test: apt-get install pulseaudio-utils");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// In the child: removes the device whose module was loaded with this argument, as if it were unplugged.
pub fn unplug(argument: &str) {
    let server = std::env::var("PULSE_SERVER").unwrap();
    let modules = pactl(&server, &["list", "short", "modules"]);
    let module = modules.lines().find(|line| line.contains(argument)).unwrap();
    pactl(&server, &["unload-module", module.split('\t').next().unwrap()]);
}

/// In the child: kills the server.
pub fn kill_server() {
    let process = std::env::var("CONFAB_TEST_PULSE_PID").unwrap();
    assert!(Command::new("kill").args(["-9", &process]).status().unwrap().success());
}

/// An environment without any sound system.
pub fn silence(command: &mut Command) -> Scratch {
    let empty = Scratch::new("silent");
    let missing: PathBuf = empty.0.join("nothing");
    command.env("PULSE_SERVER", format!("unix:{}", missing.display())).env("XDG_RUNTIME_DIR", &empty.0);
    empty
}
