//! What forwarding costs: the server's processor time for each packet it forwards, beside the floor, which is the same
//! packets encrypted once for each receiver and sent in the same batches, without WebRTC around them.
//!
//! ```text
//!  confab-cli load -- packets --> confab-server          one window: the load sends, the server forwards
//!       |  '-- pauses -----------------'                 the next: the load rests, the floor sends
//!       '-- report: what came, what is missing, how long it took
//! ```

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::lab::{Lab, LabError, Load, LoadCount, Outcome, Server, ServerOptions};
use crate::usage;

mod allocations;
mod echo;
mod figures;
mod floor;
mod histogram;
mod rival;
mod shape;

pub use allocations::Counting;
pub use figures::{Figure, Part, run};
pub use shape::Shape;

/// A server's histogram of the time from a packet's coming to its leaving, if it keeps one.
const FORWARD_DELAY: &str = "confab_media_forward_delay_seconds";

/// How it is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Plan {
    /// Windows for each shape, alternating with the floor.
    pub windows: usize,
    /// Length of a window.
    pub window: Duration,
    /// After everybody has joined, before measuring: layers and estimates find their places.
    pub settle: Duration,
    /// After a pause, before measuring goes on: what the pause has delayed is made up for.
    pub resume: Duration,
    /// Every shape with few people: shows that the bench works, not what anything costs.
    pub is_small: bool,
    /// Only this part.
    pub only: Option<Part>,
}

impl Plan {
    /// The same with few people and short windows.
    #[must_use]
    pub const fn small(self) -> Self {
        let (short, shorter) = (Duration::from_millis(500), Duration::from_millis(200));
        Self { windows: 1, window: short, settle: short, resume: shorter, is_small: true, ..self }
    }
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            windows: 5,
            window: Duration::from_secs(3),
            settle: Duration::from_secs(3),
            resume: Duration::from_secs(1),
            is_small: false,
            only: None,
        }
    }
}

/// What a run measured. Windows are in their order.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct SfuCost {
    /// Microseconds of the server's processor time for a forwarded packet.
    pub server_us: Vec<f64>,
    /// The same of the floor, in the windows between.
    pub floor_us: Vec<f64>,
    /// The same of the load: what it takes to send, receive and count a packet.
    pub load_us: Vec<f64>,
    /// Cores the server kept busy.
    pub cores: Vec<f64>,
    /// Packets forwarded a second.
    pub packets_per_second: Vec<f64>,
    /// Packets that receivers counted, while the load ran.
    pub packets_received: u64,
    /// Packets that never came to a receiver, though the ones around them did, by their numbers.
    pub packets_lost: u64,
    /// Packets that were mixed up or came twice.
    pub packets_wrong: u64,
    /// Packets that came late: repaired.
    pub packets_repaired: u64,
    /// Packets the server says it forwarded and nobody received, nor a socket dropped; negative when more came.
    pub packets_unaccounted: f64,
    /// Datagrams dropped by the server's sockets because they were full.
    pub server_socket_drops: u64,
    /// The same of the load's.
    pub load_socket_drops: u64,
    /// Datagrams that the system did not take from the server.
    pub send_failures: f64,
    /// Resident memory of the server for each person, KiB.
    pub memory_kib: f64,
    /// From the join message to an open media path, milliseconds; 95 of 100 took no longer.
    pub join_ms_p95: f64,
    /// From a sender to a receiver through the server, milliseconds: median, and 99 of 100.
    pub path_ms: (f64, f64),
    /// From a sender to itself through a thread that only sends back, at the same time: median, and 99 of 100.
    pub echo_ms: (f64, f64),
    /// From a packet's coming to its leaving, as the server itself says, milliseconds.
    pub inside_ms: Option<(f64, f64)>,
}

/// Loads a server and measures it in windows that alternate with the floor.
///
/// # Errors
/// When a program fails or people do not get in.
pub fn measure(lab: &Lab, shape: &Shape, plan: &Plan) -> Outcome<SfuCost> {
    let mut server = start_server(lab, shape, None)?;
    let empty_kib = usage::resident_kib(server.id())?;
    let mut load = start_load(lab, shape, server.address(), None)?;
    std::thread::sleep(plan.settle);
    let used_kib = usage::resident_kib(server.id())?.saturating_sub(empty_kib);
    let mut cost = SfuCost { memory_kib: used_kib as f64 / f64::from(shape.everybody()), ..SfuCost::default() };
    let (mut echoes, mut inside) = (Vec::new(), Vec::new());
    for _ in 0..plan.windows {
        let before = server.histogram(FORWARD_DELAY)?;
        echoes.extend(server_window(&mut cost, &server, &load, plan.window)?);
        histogram::add_between(&mut inside, &before, &server.histogram(FORWARD_DELAY)?);
        load.pause()?;
        cost.floor_us.push(floor::cost_us(shape, plan.window)?);
        load.resume()?;
        std::thread::sleep(plan.resume);
    }
    load.pause()?;
    std::thread::sleep(plan.resume);
    let count = load.count()?;
    cost.server_socket_drops = usage::dropped_datagrams(server.id())?;
    cost.load_socket_drops = usage::dropped_datagrams(load.id())?;
    cost.packets_unaccounted = forwarded(&server)? - count.arrived as f64 - cost.load_socket_drops as f64;
    cost.send_failures = server.metric("confab_media_send_failures_total")?;
    read_report(&mut cost, &load.end()?)?;
    server.stop()?;
    cost.echo_ms = (histogram::quantile(&echoes, 0.5), histogram::quantile(&echoes, 0.99));
    let of_all = |share| histogram::quantile_of(&inside, share).map(|seconds| seconds * 1e3);
    cost.inside_ms = of_all(0.5).zip(of_all(0.99));
    Ok(cost)
}

/// One window of the server; gives the delays of the echo.
fn server_window(cost: &mut SfuCost, server: &Server, load: &Load, window: Duration) -> Outcome<Vec<f64>> {
    let (begin, before) = (Instant::now(), forwarded(server)?);
    let (spent, load_spent) = (usage::of_process(server.id())?, usage::of_process(load.id())?);
    let echoes = echo::delays(window)?;
    let spent = usage::of_process(server.id())?.saturating_sub(spent).as_secs_f64();
    let load_spent = usage::of_process(load.id())?.saturating_sub(load_spent).as_secs_f64();
    let (packets, length) = (forwarded(server)? - before, begin.elapsed().as_secs_f64());
    if packets < 20.0 {
        return Err(LabError::Unexpected(format!("hardly anything was forwarded: {packets} packets")));
    }
    cost.server_us.push(spent * 1e6 / packets);
    cost.load_us.push(load_spent * 1e6 / packets);
    cost.cores.push(spent / length);
    cost.packets_per_second.push(packets / length);
    Ok(echoes)
}

fn read_report(cost: &mut SfuCost, report: &Value) -> Outcome {
    if report["joined"] != report["people"] || report["lost_people"] != 0 {
        return Err(LabError::Unexpected(format!("not everybody stayed: {report:#}")));
    }
    let sum = |name: &str| ["audio", "video"].iter().filter_map(|kind| report[kind][name].as_u64()).sum::<u64>();
    cost.packets_received = sum("packets_received");
    cost.packets_lost = sum("packets_lost");
    cost.packets_repaired = sum("packets_repaired");
    cost.packets_wrong = sum("mixed_up") + sum("duplicates");
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    cost.join_ms_p95 = number(&report["join_ms"]["p95"]);
    let delay = &report["video"]["delay_ms"];
    cost.path_ms = (number(&delay["p50"]), number(&delay["p99"]));
    Ok(())
}

/// The middle one.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn start_server(lab: &Lab, shape: &Shape, namespace: Option<&crate::lab::Namespace>) -> Outcome<Server> {
    let workers = shape.workers.to_string();
    // The defaults suit a meeting, not an audience; and what a core can carry at all is what is looked for.
    let mut arguments = ["--workers", &workers, "--room-participants", "1000"].map(str::to_owned).to_vec();
    for limit in ["--worker-tracks", "--worker-packets-per-second", "--worker-mbit-per-second"] {
        arguments.extend([limit.to_owned(), "0".to_owned()]);
    }
    let mut options = ServerOptions { arguments, ..ServerOptions::default() };
    if let Some(namespace) = namespace {
        options.namespace = Some(namespace.name().to_owned());
        options.listen.set_ip(namespace.address().into());
        // Janus speaks plainly too, and signaling is not measured.
        options.arguments.push("--plain".into());
    }
    Server::start(lab.folder(), options)
}

fn start_load(
    lab: &Lab,
    shape: &Shape,
    server: SocketAddr,
    namespace: Option<&crate::lab::Namespace>,
) -> Outcome<Load> {
    let mut arguments = shape.arguments();
    arguments.extend(["--server".into(), server.to_string()]);
    arguments.extend(["--rooms".into(), shape.rooms.to_string()]);
    let within = shape.joining() + Duration::from_secs(30);
    if shape.load_yields && namespace.is_none() {
        return Load::start_politely(lab.folder(), arguments, within);
    }
    Load::start(lab.folder(), namespace.map(crate::lab::Namespace::name), arguments, within)
}

fn forwarded(server: &Server) -> Outcome<f64> {
    server.metric("confab_media_packets_forwarded_total")
}

/// Packets that came to receivers between two counts.
fn arrived(before: LoadCount, after: LoadCount) -> f64 {
    after.arrived.saturating_sub(before.arrived) as f64
}
