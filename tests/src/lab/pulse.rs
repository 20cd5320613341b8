//! A sound server of the experiment's own, with virtual rooms: loudspeakers are null sinks, microphones the monitors of
//! other sinks, and wires between them carry sound through the air.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::error::{LabError, Outcome};
use super::process::{Process, Running};
use super::programs::tool;

/// A loaded module of the sound server; what it made exists until it is unloaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PulseModule(u32);

/// A running sound server; dropping it ends it.
#[derive(Debug)]
pub struct Pulse {
    home: PathBuf,
    folder: PathBuf,
    _server: Running,
}

impl Pulse {
    /// Starts a sound server without any device.
    ///
    /// # Errors
    /// When it is missing or does not get ready.
    pub fn start(folder: &Path) -> Outcome<Self> {
        // A socket's path may have 107 bytes, which a folder among artefacts can exceed.
        let home = std::env::temp_dir().join(format!("confab-pulse-{}-{}", std::process::id(), unique()));
        let runtime = home.join("run");
        create_private(&home)?;
        create_private(&runtime)?;
        let socket = format!("socket={}", home.join("native").display());
        let protocol = format!("module-native-protocol-unix auth-anonymous=1 {socket}");
        let environment = [("HOME", home.as_os_str()), ("XDG_RUNTIME_DIR", runtime.as_os_str())];
        let server = Process::new(&tool("pulseaudio")?, "pulseaudio", folder)
            .args(["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm=yes"])
            .args(["--realtime=no", "--high-priority=no", "--load", &protocol])
            .envs(environment)
            .start()?;
        let pulse = Self { home, folder: folder.into(), _server: server };
        let deadline = Instant::now() + Duration::from_secs(20);
        while let Err(error) = pulse.control(&["info"]) {
            if Instant::now() > deadline {
                return Err(error);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(pulse)
    }

    /// What a program needs to use this sound server and no other.
    pub fn environment(&self) -> Vec<(String, String)> {
        vec![
            ("PULSE_SERVER".into(), format!("unix:{}", self.home.join("native").display())),
            ("XDG_RUNTIME_DIR".into(), self.home.join("run").display().to_string()),
        ]
    }

    /// A loudspeaker: a null sink. What it plays can be taken from `NAME.monitor`.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn add_speaker(&self, name: &str) -> Outcome<PulseModule> {
        let (name_argument, description) = (format!("sink_name={name}"), described("sink", name));
        self.load(&["module-null-sink", &name_argument, "rate=48000", "channels=1", &description])
    }

    /// A microphone that hears what is played into the sink `NAME_air`.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn add_microphone(&self, name: &str) -> Outcome<PulseModule> {
        self.add_speaker(&format!("{name}_air"))?;
        self.add_microphone_of(name, &format!("{name}_air"))
    }

    /// A microphone in air that is there already, as one that was unplugged and is plugged in again.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn add_microphone_of(&self, name: &str, air: &str) -> Outcome<PulseModule> {
        let (source, master) = (format!("source_name={name}"), format!("master={air}.monitor"));
        self.load(&["module-remap-source", &source, &master, "rate=48000", "channels=1", &described("source", name)])
    }

    /// Carries what a loudspeaker plays to a microphone through this much air.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn wire(&self, speaker: &str, microphone: &str, delay: Duration) -> Outcome<PulseModule> {
        let (source, sink) = (format!("source={speaker}.monitor"), format!("sink={microphone}_air"));
        let latency = format!("latency_msec={}", delay.as_millis());
        self.load(&[
            "module-loopback",
            &source,
            &sink,
            &latency,
            "rate=48000",
            "channels=1",
            "source_dont_move=true",
            // Both ends run on one clock. Following small differences would stretch the sound as no air does.
            "adjust_time=0",
        ])
    }

    /// Makes these the devices that programs take when they are told nothing.
    ///
    /// # Errors
    /// When there are none of these names.
    pub fn set_defaults(&self, speaker: &str, microphone: &str) -> Outcome {
        self.control(&["set-default-sink", speaker])?;
        self.control(&["set-default-source", microphone]).map(|_| ())
    }

    /// Sets the loudness of a sink: 1 leaves it as it is.
    ///
    /// # Errors
    /// When there is none of this name.
    pub fn set_volume(&self, sink: &str, factor: f64) -> Outcome {
        let decibels = format!("{:.2}dB", 20.0 * factor.log10());
        self.control(&["set-sink-volume", sink, &decibels]).map(|_| ())
    }

    /// Takes away what a module made, as when a device is unplugged.
    ///
    /// # Errors
    /// When it is gone already.
    pub fn unload(&self, module: PulseModule) -> Outcome {
        self.control(&["unload-module", &module.0.to_string()]).map(|_| ())
    }

    /// Plays a WAV file into a sink.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn play(&self, sink: &str, file: &Path) -> Outcome<Running> {
        Process::new(&tool("paplay")?, &format!("play-{sink}"), &self.folder)
            .args([&format!("--device={sink}"), "--latency-msec=50"])
            .args([file])
            .envs(self.environment())
            .start()
    }

    /// Records a source, or `SPEAKER.monitor`, into a WAV file until the process ends.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn record(&self, source: &str, file: &Path) -> Outcome<Running> {
        Process::new(&tool("parecord")?, &format!("record-{source}"), &self.folder)
            .args([&format!("--device={source}"), "--file-format=wav", "--rate=48000", "--channels=1"])
            .args(["--format=s16le", "--latency-msec=20"])
            .args([file])
            .envs(self.environment())
            .start()
    }

    fn load(&self, arguments: &[&str]) -> Outcome<PulseModule> {
        let printed = self.control(&[&["load-module"], arguments].concat())?;
        let index = printed.trim().parse();
        index.map(PulseModule).map_err(|_| LabError::Unexpected(format!("no module but \u{201c}{printed}\u{201d}")))
    }

    fn control(&self, arguments: &[&str]) -> Outcome<String> {
        let output = Command::new(tool("pactl")?)
            .args(arguments)
            .envs(self.environment())
            .output()
            .map_err(|error| LabError::io("pactl", error))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(LabError::Unexpected(format!("pactl {}: {}", arguments.join(" "), said.trim())))
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        // Only sockets and caches; what is left behind is in the temporary folder.
        let _ = std::fs::remove_dir_all(&self.home);
    }
}

fn described(kind: &str, name: &str) -> String {
    format!("{kind}_properties=device.description={name}")
}

fn unique() -> u32 {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

/// The sound server wants its folders closed to others.
fn create_private(folder: &Path) -> Outcome {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| LabError::io(folder.display().to_string(), error))
}
