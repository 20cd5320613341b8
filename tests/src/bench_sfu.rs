//! What forwarding costs: the server's processor time for each packet it forwards, beside the floor, which is the same
//! packets encrypted once for each receiver and sent in the same batches, without WebRTC around them.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::lab::{Lab, LabError, Outcome, Process, Server, ServerOptions, program};

mod cpu;
mod floor;

/// The picture that is forwarded: frames a second, packets a frame and bytes a packet, about 2 Mbit/s.
const FRAMES_PER_SECOND: u32 = 29;
const PACKETS_PER_FRAME: u32 = 8;
const PACKET_BYTES: u32 = 1_100;

/// After everybody has joined, before measuring: layers and estimates find their places.
const SETTLE: Duration = Duration::from_secs(3);

/// People that join each second.
const JOINS_PER_SECOND: u32 = 100;

/// People in rooms.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// Rooms.
    pub rooms: u32,
    /// People in each, who all receive.
    pub people: u32,
    /// Those of them who send.
    pub senders: u32,
}

impl Shape {
    /// One room in which one person sends and so many receive.
    pub const fn audience(receivers: u32) -> Self {
        Self { rooms: 1, people: receivers + 1, senders: 1 }
    }

    /// Receivers of a packet.
    fn fan_out(self) -> u32 {
        self.people - 1
    }
}

/// What a run measured.
#[derive(Clone, PartialEq, Debug)]
pub struct SfuCost {
    /// Microseconds of the server's processor time for a forwarded packet, window by window.
    pub server_us: Vec<f64>,
    /// The same of the floor, in the windows between.
    pub floor_us: Vec<f64>,
    /// Packets forwarded a second.
    pub packets_per_second: f64,
    /// Packets that never came to a receiver.
    pub packets_lost: u64,
    /// Resident memory of the server for each person, KiB.
    pub memory_kib: f64,
}

/// Loads a server and measures it in windows of this length, alternating with the floor.
///
/// # Errors
/// When a program fails or people do not get in.
pub fn measure(lab: &Lab, shape: Shape, windows: usize, window: Duration) -> Outcome<SfuCost> {
    // The defaults suit a meeting, not an audience.
    let arguments = ["--workers", "1", "--room-participants", "1000"].map(str::to_owned).to_vec();
    let mut server = Server::start(lab.folder(), ServerOptions { arguments, ..ServerOptions::default() })?;
    let empty_kib = cpu::resident_kib(server.id())?;
    let people = shape.rooms * shape.people;
    let joining = Duration::from_secs(1) * people / JOINS_PER_SECOND;
    // The load begins to count by itself once everybody is in; it is to outlast the windows.
    let length = joining + SETTLE + window * (2 * windows as u32 + 1);
    let mut load = start_load(lab, &server, shape, length)?;

    wait_for_people(&server, people, joining + Duration::from_secs(30))?;
    std::thread::sleep(SETTLE);
    let memory_kib = cpu::resident_kib(server.id())?.saturating_sub(empty_kib) as f64 / f64::from(people);
    let (mut server_us, mut floor_us, mut rates) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..windows {
        let (begin, before, spent) = (Instant::now(), forwarded(&server)?, cpu::of_process(server.id())?);
        std::thread::sleep(window);
        let spent = cpu::of_process(server.id())?.saturating_sub(spent);
        let packets = forwarded(&server)? - before;
        if packets < 100.0 {
            return Err(LabError::Unexpected(format!("hardly anything was forwarded: {packets} packets")));
        }
        server_us.push(spent.as_secs_f64() * 1e6 / packets);
        rates.push(packets / begin.elapsed().as_secs_f64());
        floor_us.push(floor::cost_us(shape.fan_out(), window)?);
    }
    load.succeed(length + Duration::from_secs(60))?;
    let report = report_of(&load)?;
    if report["joined"] != report["people"] || report["lost_people"] != 0 {
        return Err(LabError::Unexpected(format!("not everybody stayed: {report:#}")));
    }
    server.stop()?;
    let packets_lost = report["video"]["packets_lost"].as_u64().unwrap_or(u64::MAX);
    Ok(SfuCost { server_us, floor_us, packets_per_second: median(&rates), packets_lost, memory_kib })
}

/// The middle one.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn start_load(lab: &Lab, server: &Server, shape: Shape, length: Duration) -> Outcome<crate::lab::Running> {
    let number = |value: u32| value.to_string();
    let kbps = FRAMES_PER_SECOND * PACKETS_PER_FRAME * PACKET_BYTES * 8 / 1_000;
    Process::new(&program("confab-cli")?, "load", lab.folder())
        .args(["load", "--server", &server.address().to_string()])
        .args(["--rooms", &number(shape.rooms), "--people", &number(shape.people)])
        .args(["--senders", &number(shape.senders), "--joins-per-second", &number(JOINS_PER_SECOND)])
        .args(["--video-kbps", &number(kbps), "--fps", &number(FRAMES_PER_SECOND)])
        .args(["--packet-bytes", &number(PACKET_BYTES), "--audio-kbps", "0"])
        .args(["--seconds", &length.as_secs().to_string()])
        .start()
}

fn wait_for_people(server: &Server, people: u32, within: Duration) -> Outcome {
    let deadline = Instant::now() + within;
    loop {
        if server.metric("confab_participants")? >= f64::from(people) {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(LabError::Unexpected(format!("{people} people did not get in within {within:?}")));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn forwarded(server: &Server) -> Outcome<f64> {
    server.metric("confab_media_packets_forwarded_total")
}

fn report_of(load: &crate::lab::Running) -> Outcome<Value> {
    let text = load.output();
    serde_json::from_str(&text).map_err(|error| LabError::Unexpected(format!("no report but {text:?}: {error}")))
}
