//! The sound system: which one, its devices, and their names.
//!
//! `PulseAudio` (or what answers in its place: pipewire-pulse) where a server answers, else `PipeWire` where cpal is
//! built with it, else ALSA; elsewhere the system's own.
//!
//! Connections are lent out and kept for the life of the process ([`Lease`]): cpal's `PulseAudio` client leaves a thread
//! and a connection behind each time it is dropped. Each stream has one of its own: a connection calls back for all its
//! streams from one thread, and allows one playing stream only.

use std::sync::{Mutex, PoisonError};

use cpal::traits::{DeviceTrait, HostTrait};

use super::DeviceInfo;
use super::alsa_names::{Bridges, worth_showing};

/// Which way sound goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Direction {
    Input,
    Output,
}

/// Connections that nobody uses at present.
static IDLE: Mutex<Vec<cpal::Host>> = Mutex::new(Vec::new());

/// A connection to the sound system, given back when dropped.
pub(crate) struct Lease(Option<cpal::Host>);

impl Lease {
    /// A connection that works, idle or new.
    pub(crate) fn take() -> Self {
        let host = loop {
            let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
            match idle {
                Some(host) if still_best(&host) => break host,
                // Its server is gone, and its thread with it.
                Some(_) => {}
                None => break connect(),
            }
        };
        quiet_alsa(&host);
        Self(Some(host))
    }

    pub(crate) fn host(&self) -> &cpal::Host {
        self.0.as_ref().expect("a lease has its host until it is dropped")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(host) = self.0.take() {
            IDLE.lock().unwrap_or_else(PoisonError::into_inner).push(host);
        }
    }
}

/// Whether a host still answers and no better one has appeared.
fn still_best(host: &cpal::Host) -> bool {
    if rank(host.id()) > cpal::available_hosts().into_iter().map(rank).min().unwrap_or(0) {
        return false;
    }
    // ALSA answers always and slowly; the others tell when their server is gone.
    is_alsa(host.id()) || host.devices().is_ok()
}

fn connect() -> cpal::Host {
    let mut hosts = cpal::available_hosts();
    hosts.sort_by_key(|host| rank(*host));
    hosts
        .into_iter()
        .filter(|host| rank(*host) < UNWANTED)
        .find_map(|host| cpal::host_from_id(host).ok())
        .unwrap_or_else(cpal::default_host)
}

const UNWANTED: u8 = 9;

/// Lower is better.
fn rank(host: cpal::HostId) -> u8 {
    match host.name().to_ascii_lowercase().as_str() {
        "pulseaudio" | "wasapi" | "coreaudio" => 0,
        "pipewire" => 1,
        "alsa" => 2,
        _ => UNWANTED,
    }
}

fn is_alsa(host: cpal::HostId) -> bool {
    host.name().eq_ignore_ascii_case("alsa")
}

/// Whether streams on this host must leave the buffer size alone: with a fixed one `PipeWire` delivers corrupt sound
/// (measured with cpal 0.18.2 and `PipeWire` 0.3.65).
pub(crate) fn needs_default_buffer(host: cpal::HostId) -> bool {
    host.name().eq_ignore_ascii_case("pipewire")
}

/// Keeps ALSA from writing its complaints about missing plug-ins to our standard error, for the calling thread.
fn quiet_alsa(host: &cpal::Host) {
    #[cfg(target_os = "linux")]
    if is_alsa(host.id()) {
        // A thread that cannot have a handler is merely noisy.
        let _ = alsa::Output::local_error_handler();
    }
    #[cfg(not(target_os = "linux"))]
    let _ = host;
}

/// The sound devices of the machine.
#[derive(Debug, Default)]
pub(crate) struct SoundDevices {
    pub microphones: Vec<DeviceInfo>,
    pub speakers: Vec<DeviceInfo>,
    /// Ids of devices that are there but not shown to people.
    pub hidden: Vec<String>,
}

/// Microphones and speakers.
pub(crate) fn list() -> SoundDevices {
    let lease = Lease::take();
    let mut hidden = Vec::new();
    SoundDevices {
        microphones: devices(lease.host(), Direction::Input, &mut hidden),
        speakers: devices(lease.host(), Direction::Output, &mut hidden),
        hidden,
    }
}

fn devices(host: &cpal::Host, direction: Direction, hidden: &mut Vec<String>) -> Vec<DeviceInfo> {
    let default = default_device(host, direction).and_then(|device| id_of(&device));
    let mut found: Vec<(String, DeviceInfo)> = Vec::new();
    for device in host.devices().into_iter().flatten() {
        let fits = match direction {
            Direction::Input => device.supports_input(),
            Direction::Output => device.supports_output(),
        };
        let (true, Ok(id)) = (fits, device.id()) else { continue };
        let text = id.to_string();
        if direction == Direction::Input && is_monitor(id.id()) {
            hidden.push(text);
            continue;
        }
        if found.iter().any(|(_, other)| other.id == text) {
            continue;
        }
        let info =
            DeviceInfo { is_default: default.as_deref() == Some(text.as_str()), name: name_of(&device), id: text };
        found.push((id.id().to_owned(), info));
    }
    if is_alsa(host.id()) {
        let names: Vec<String> = found.iter().map(|(name, _)| name.clone()).collect();
        let shown = worth_showing(&names, Bridges::from_environment());
        found.retain(|(name, info)| {
            let is_shown = shown.contains(name);
            if !is_shown {
                hidden.push(info.id.clone());
            }
            is_shown
        });
    }
    let mut devices: Vec<DeviceInfo> = found.into_iter().map(|(_, info)| info).collect();
    number_equal_names(&mut devices);
    devices
}

/// Two devices of the same make get numbers, so that a person can tell them apart.
fn number_equal_names(devices: &mut [DeviceInfo]) {
    let names: Vec<String> = devices.iter().map(|device| device.name.clone()).collect();
    for (position, device) in devices.iter_mut().enumerate() {
        let before = names[..position].iter().filter(|name| **name == device.name).count();
        if before > 0 {
            device.name = format!("{} ({})", device.name, before + 1);
        }
    }
}

/// What the others say comes out of a monitor; as a microphone it would send them their own voices.
fn is_monitor(id: &str) -> bool {
    id.ends_with(".monitor")
}

fn id_of(device: &cpal::Device) -> Option<String> {
    device.id().ok().map(|id| id.to_string())
}

/// The device's name for people.
pub(crate) fn name_of(device: &cpal::Device) -> String {
    device.description().map_or_else(|_| "Unknown device".to_owned(), |description| description.name().to_owned())
}

fn default_device(host: &cpal::Host, direction: Direction) -> Option<cpal::Device> {
    match direction {
        Direction::Input => host.default_input_device(),
        Direction::Output => host.default_output_device(),
    }
}

/// Finds the device with this id or name, or the default one. A machine without microphones has a monitor as its
/// default input, and ALSA has a default without any card; those are not taken unless they are asked for by id.
pub(crate) fn find(host: &cpal::Host, direction: Direction, choice: Option<&str>) -> Option<cpal::Device> {
    let Some(choice) = choice else {
        return default_device(host, direction).filter(|device| match direction {
            _ if is_alsa(host.id()) => !devices(host, direction, &mut Vec::new()).is_empty(),
            Direction::Input => !device.id().is_ok_and(|id| is_monitor(id.id())),
            Direction::Output => true,
        });
    };
    let id = match devices(host, direction, &mut Vec::new()).into_iter().find(|device| device.name == choice) {
        Some(device) => device.id,
        None => choice.to_owned(),
    };
    host.devices().ok()?.find(|device| {
        let fits = match direction {
            Direction::Input => device.supports_input(),
            Direction::Output => device.supports_output(),
        };
        fits && id_of(device).as_deref() == Some(id.as_str())
    })
}
