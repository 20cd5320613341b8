//! System packages. On Debian and Ubuntu what is missing is installed; elsewhere it is named.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Outcome;
use crate::process::{on_path, run};

/// What the machine is to be able to do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd)]
pub enum Purpose {
    /// Compile and start the programs.
    Run,
    /// Compile and run the tests, the window's too.
    Test,
}

/// To compile: a C compiler for the codecs, nasm (OpenH264 is silently slow without), cmake for Opus, libclang for the
/// camera's headers, ALSA's headers for cpal, the webview.
const BUILD: [&str; 8] = [
    "build-essential",
    "pkg-config",
    "nasm",
    "cmake",
    "libclang-dev",
    "libasound2-dev",
    "libwebkit2gtk-4.1-dev",
    "librsvg2-dev",
];

/// To test: a display, sound devices, a driver for the window, instruments, networks.
const TEST: [&str; 14] = [
    "xvfb",
    "x11-utils",
    "dbus-x11",
    "pulseaudio",
    "pulseaudio-utils",
    "webkit2gtk-driver",
    "ffmpeg",
    "imagemagick",
    "fonts-dejavu-core",
    "chromium",
    "xauth",
    "iproute2",
    "nftables",
    "conntrack",
];

/// Installs what `purpose` needs and the machine lacks.
pub fn ensure(purpose: Purpose) -> Outcome {
    if !cfg!(target_os = "linux") {
        return ensure_elsewhere();
    }
    let mut wanted: BTreeSet<&str> = BUILD.into_iter().collect();
    if purpose == Purpose::Test {
        wanted.extend(TEST);
    }
    if !on_path("dpkg-query") {
        return name_what_is_missing(&wanted);
    }
    let missing = missing_packages(&wanted)?;
    if missing.is_empty() {
        return Ok(());
    }
    println!("Installing system packages: {}", missing.join(" "));
    apt(&["update", "-qq"])?;
    let mut words = vec!["install", "-y", "-qq", "--no-install-recommends"];
    words.extend(&missing);
    apt(&words)
}

/// What `bench sfu` compares the server with, and the tool to give it a network namespace.
const RIVAL: [&str; 2] = ["janus", "iproute2"];

/// Installs Janus where the system is Debian or Ubuntu. It is not to run by itself afterwards.
pub fn ensure_rival() -> Outcome {
    if !cfg!(target_os = "linux") || !on_path("dpkg-query") {
        return Err("This is not Debian or Ubuntu.".into());
    }
    let missing = missing_packages(&RIVAL.into_iter().collect())?;
    if missing.is_empty() {
        return Ok(());
    }
    println!("Installing what the server is compared with: {}", missing.join(" "));
    apt(&["update", "-qq"])?;
    let mut words = vec!["install", "-y", "-qq", "--no-install-recommends"];
    words.extend(&missing);
    apt(&words)?;
    if missing.contains(&"janus") && Path::new("/run/systemd/system").exists() {
        run(Command::new("systemctl").args(["disable", "--now", "--quiet", "janus"]))?;
    }
    Ok(())
}

fn missing_packages<'a>(wanted: &BTreeSet<&'a str>) -> Outcome<Vec<&'a str>> {
    let output = Command::new("dpkg-query")
        .args(["-W", "-f", "${Package} ${Status}\\n"])
        .args(wanted)
        .stderr(Stdio::null())
        .output()
        .map_err(|error| format!("dpkg-query cannot be started: {error}"))?;
    let listing = String::from_utf8_lossy(&output.stdout).into_owned();
    let installed: BTreeSet<&str> =
        listing.lines().filter(|line| line.ends_with(" installed")).filter_map(|line| line.split(' ').next()).collect();
    Ok(wanted.iter().copied().filter(|package| !installed.contains(package)).collect())
}

fn apt(words: &[&str]) -> Outcome {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0\n"));
    let mut command = if is_root || !on_path("sudo") {
        Command::new("apt-get")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.arg("apt-get");
        sudo
    };
    command.env("DEBIAN_FRONTEND", "noninteractive").args(words).stdout(Stdio::null());
    run(&mut command).map_err(|error| format!("{error}. Install by hand: {}", words.join(" ")))
}

fn ensure_elsewhere() -> Outcome {
    let missing: Vec<&str> = ["nasm", "cmake", "node"].into_iter().filter(|tool| !has_tool(tool)).collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(format!("These programs are missing: {}. Install them and start again.", missing.join(", ")))
    }
}

fn has_tool(tool: &str) -> bool {
    on_path(&format!("{tool}{}", std::env::consts::EXE_SUFFIX))
}

fn name_what_is_missing(wanted: &BTreeSet<&str>) -> Outcome {
    let tools: Vec<&str> = ["cc", "nasm", "cmake", "pkg-config"].into_iter().filter(|tool| !on_path(tool)).collect();
    let libraries: Vec<&str> = ["webkit2gtk-4.1", "alsa"]
        .into_iter()
        .filter(|library| !Command::new("pkg-config").arg(library).status().is_ok_and(|status| status.success()))
        .collect();
    if tools.is_empty() && libraries.is_empty() {
        return Ok(());
    }
    Err(format!(
        "This is not Debian or Ubuntu, so nothing was installed. Missing programs: {}; missing libraries: {}. \
         Install your system's packages for these (on Debian they are called: {}).",
        tools.join(", "),
        libraries.join(", "),
        wanted.iter().copied().collect::<Vec<_>>().join(" ")
    ))
}
