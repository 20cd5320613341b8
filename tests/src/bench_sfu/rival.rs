//! The rival: Janus with the same audience, in the same network namespace, in sessions that alternate with ours.

use std::time::{Duration, Instant};

use super::shape::Shape;
use super::{Plan, arrived, start_load, start_server};
use crate::lab::{Janus, Lab, LabError, Load, Namespace, Outcome};
use crate::usage;

/// Microseconds of processor time for a packet that came to a receiver, session by session.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Comparison {
    pub(super) ours_us: Vec<f64>,
    pub(super) janus_us: Vec<f64>,
    pub(super) janus_lost: u64,
    pub(super) janus_memory_kib: f64,
    pub(super) packets_per_second: Vec<f64>,
}

/// Measures both.
///
/// # Errors
/// When Janus is not installed, namespaces are not allowed, or a program fails.
pub(super) fn compare(lab: &Lab, shape: &Shape, plan: &Plan) -> Outcome<Comparison> {
    if !Janus::is_installed() {
        return Err(LabError::MissingTool("janus".into()));
    }
    let namespace = Namespace::beside_this_computer()?;
    let mut comparison = Comparison::default();
    for _ in 0..plan.windows {
        let mut server = start_server(lab, shape, Some(&namespace))?;
        let mut load = start_load(lab, shape, server.address(), Some(&namespace))?;
        let (us, rate) = window(&mut load, server.id(), plan)?;
        comparison.ours_us.push(us);
        comparison.packets_per_second.push(rate);
        load.end()?;
        server.stop()?;

        let janus = Janus::start(lab.folder(), &namespace)?;
        let empty = usage::resident_kib(janus.id())?;
        let mut arguments = shape.arguments();
        arguments.extend(["--janus".into(), janus.address().to_owned()]);
        arguments.extend(["--server".into(), namespace.address().to_string()]);
        let within = shape.joining() + Duration::from_secs(30);
        let mut load = Load::start(lab.folder(), Some(namespace.name()), arguments, within)?;
        let (us, rate) = window(&mut load, janus.id(), plan)?;
        comparison.janus_us.push(us);
        comparison.packets_per_second.push(rate);
        let used = usage::resident_kib(janus.id())?.saturating_sub(empty) as f64;
        comparison.janus_memory_kib = used / f64::from(shape.everybody());
        comparison.janus_lost += load.end()?["video"]["packets_lost"].as_u64().unwrap_or_default();
    }
    Ok(comparison)
}

/// One window, by what receivers counted: Janus does not say what it forwards.
fn window(load: &mut Load, server: u32, plan: &Plan) -> Outcome<(f64, f64)> {
    std::thread::sleep(plan.settle);
    let (begin, before, spent) = (Instant::now(), load.count()?, usage::of_process(server)?);
    std::thread::sleep(plan.window);
    let spent = usage::of_process(server)?.saturating_sub(spent);
    let (packets, length) = (arrived(before, load.count()?), begin.elapsed().as_secs_f64());
    if packets < 20.0 {
        return Err(LabError::Unexpected(format!("hardly anything came: {packets} packets")));
    }
    Ok((spent.as_secs_f64() * 1e6 / packets, packets / length))
}
