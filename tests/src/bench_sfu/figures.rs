//! Every shape that is measured, and what is said of it.

use clap::ValueEnum;

use super::allocations::{self, Allocations};
use super::{Plan, SfuCost, Shape, measure, median, rival};
use crate::bench_sfu::shape::MOST_PACKETS;
use crate::lab::{Lab, Outcome};

/// One line of output.
#[derive(Clone, PartialEq, Debug)]
pub struct Figure {
    /// What is measured, and where that is not one thing, of which shape.
    pub metric: String,
    /// `None` when it could not be measured.
    pub value: Option<f64>,
    /// Its unit.
    pub unit: &'static str,
    /// Under which conditions.
    pub conditions: String,
}

/// How busy one core is to be when the delay is measured.
const BUSY: f64 = 0.6;

/// Most rooms of five that are made.
const MOST_ROOMS: u32 = 40;

/// Runs the whole bench and tells each figure as soon as it is known.
///
/// # Errors
/// When a program fails or people do not get in. A rival that is not there is no error.
pub fn run(lab: &Lab, plan: &Plan, mut tell: impl FnMut(Figure)) -> Outcome {
    let mut bench = Bench { lab, plan, tell: &mut tell };
    for part in Part::value_variants().iter().filter(|part| plan.only.is_none_or(|only| only == **part)) {
        match part {
            Part::Audiences => bench.audiences()?,
            Part::Growth => bench.growth()?,
            Part::Slots => bench.slots()?,
            Part::Memory => bench.memory()?,
            Part::Workers => bench.workers()?,
            Part::Delay => bench.delay()?,
            Part::Crowds => bench.crowds()?,
            Part::Allocations => bench.allocations()?,
            Part::Rival => bench.rival(),
        }
    }
    Ok(())
}

/// A part of the bench, in the order of a whole run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Part {
    /// One sender, 10 to 500 receivers.
    Audiences,
    /// What more receivers cost for each packet.
    Growth,
    /// What more receive slots cost.
    Slots,
    /// Memory while packets are lost.
    Memory,
    /// Two workers beside one.
    Workers,
    /// Rooms of five.
    Delay,
    /// Fifty people who all send.
    Crowds,
    /// A counting allocator.
    Allocations,
    /// Janus.
    Rival,
}

struct Bench<'a> {
    lab: &'a Lab,
    plan: &'a Plan,
    tell: &'a mut dyn FnMut(Figure),
}

impl Bench<'_> {
    fn audience(&self, receivers: u32) -> Shape {
        if !self.plan.is_small {
            return Shape::audience(receivers);
        }
        Shape { people: 2 + receivers / 100, fps: 10, ..Shape::audience(receivers) }
    }

    /// Measures a shape and tells what it costs.
    fn cost(&mut self, name: &str, shape: &Shape) -> Outcome<SfuCost> {
        let cost = measure(self.lab, shape, self.plan)?;
        let conditions = conditions(shape, self.plan, &cost);
        let ratio = ratio(&cost.server_us, &cost.floor_us);
        let values = [
            ("server_us_per_packet", median(&cost.server_us), "us"),
            ("floor_us_per_packet", median(&cost.floor_us), "us"),
            ("cpu_ratio_to_floor", ratio, "1"),
            ("load_us_per_packet", median(&cost.load_us), "us"),
            ("server_cores", median(&cost.cores), "1"),
            ("packets_received", cost.packets_received as f64, "1"),
            ("packets_lost", cost.packets_lost as f64, "1"),
            ("packets_wrong", cost.packets_wrong as f64, "1"),
            ("packets_unaccounted", cost.packets_unaccounted, "1"),
            ("server_socket_drops", cost.server_socket_drops as f64, "1"),
            ("load_socket_drops", cost.load_socket_drops as f64, "1"),
            ("send_failures", cost.send_failures, "1"),
            ("memory_kib_per_person", cost.memory_kib, "KiB"),
            ("join_ms_p95", cost.join_ms_p95, "ms"),
        ];
        for (metric, value, unit) in values {
            self.say(format!("{metric}_{name}"), Some(value), unit, &conditions);
        }
        self.say_delay(name, &cost, &conditions);
        Ok(cost)
    }

    /// The delay inside the server: as it says itself, else the way through it without that through a mere echo.
    fn say_delay(&mut self, name: &str, cost: &SfuCost, conditions: &str) {
        let (path, echo) = (cost.path_ms, cost.echo_ms);
        let outside = ((path.0 - echo.0).max(0.0), (path.1 - echo.1).max(0.0));
        let how = match cost.inside_ms {
            Some(_) => "as the server's histogram says".to_owned(),
            None => format!(
                "from sender to receiver ({:.3} and {:.3} ms) without an echo's time meanwhile ({:.3} and {:.3} ms), so the \
                 load's own waiting for a core is in it",
                path.0, path.1, echo.0, echo.1
            ),
        };
        let (half, most) = cost.inside_ms.unwrap_or(outside);
        let conditions = format!("{conditions}; {how}");
        self.say(format!("forward_delay_ms_p50_{name}"), Some(half), "ms", &conditions);
        self.say(format!("forward_delay_ms_p99_{name}"), Some(most), "ms", &conditions);
    }

    fn audiences(&mut self) -> Outcome {
        for (name, receivers) in [("1x10", 10), ("1x50", 50), ("1x100", 100), ("1x200", 200), ("1x500", 500)] {
            self.cost(name, &self.audience(receivers))?;
        }
        Ok(())
    }

    fn slots(&mut self) -> Outcome {
        for (name, slots) in [("1x100_25_slots", 25), ("1x100_49_slots", 49)] {
            self.cost(name, &Shape { slots, tiles: slots, ..self.audience(100) })?;
        }
        Ok(())
    }

    fn crowds(&mut self) -> Outcome {
        for (name, tiles) in [("50_see_9", 9), ("50_see_25", 25)] {
            let people = if self.plan.is_small { 4 } else { 50 };
            self.cost(name, &Shape::crowd(people, tiles))?;
        }
        Ok(())
    }

    /// What more receivers cost for each packet. Both at the rate that the many are kept to.
    fn growth(&mut self) -> Outcome {
        let many = self.audience(500);
        let few = Shape { people: self.audience(50).people, ..many };
        let few_cost = measure(self.lab, &few, self.plan)?;
        let many_cost = measure(self.lab, &many, self.plan)?;
        let growth = median(&many_cost.server_us) / median(&few_cost.server_us);
        let words = format!(
            "{}; beside it the same with {} people at {:.2} us",
            conditions(&many, self.plan, &many_cost),
            few.people,
            median(&few_cost.server_us)
        );
        self.say("cost_growth_50_to_500".into(), Some(growth), "1", &words);
        Ok(())
    }

    /// Memory while packets are lost and repaired.
    fn memory(&mut self) -> Outcome {
        // So few packets that one in a hundred may be none.
        let lose_percent = if self.plan.is_small { 30 } else { 1 };
        let shape = Shape { lose_percent, ..self.audience(100) };
        let cost = measure(self.lab, &shape, self.plan)?;
        let words = conditions(&shape, self.plan, &cost);
        self.say("memory_kib_per_subscriber".into(), Some(cost.memory_kib), "KiB", &words);
        self.say("packets_repaired_1x100_lossy".into(), Some(cost.packets_repaired as f64), "1", &words);
        self.say("packets_lost_1x100_lossy".into(), Some(cost.packets_lost as f64), "1", &words);
        Ok(())
    }

    /// Two workers with a room each, beside one with one.
    fn workers(&mut self) -> Outcome {
        let one = self.audience(100);
        let two = Shape { rooms: 2, workers: 2, ..one };
        let (one_cost, two_cost) = (measure(self.lab, &one, self.plan)?, measure(self.lab, &two, self.plan)?);
        let ratio = median(&two_cost.server_us) / median(&one_cost.server_us);
        let words = conditions(&two, self.plan, &two_cost);
        self.say("two_worker_cost_ratio".into(), Some(ratio), "1", &words);
        Ok(())
    }

    /// Allocations on the way of a packet: those of a worker that forwards beyond those of one whose people are only
    /// there, and are looked after ten times a second.
    fn allocations(&mut self) -> Outcome {
        let shape = self.audience(100);
        let Allocations { loaded, at_rest, packets, window } = allocations::measure(self.lab, &shape, self.plan)?;
        let seconds = window.as_secs_f64();
        let words = format!(
            "{}; {loaded} allocations of the media worker's thread while {packets:.0} packets were forwarded in {seconds} s, \
             {at_rest} in as long at rest, server in the bench's own process",
            shape.words(),
        );
        let of_packets = loaded.saturating_sub(at_rest) as f64 / packets;
        self.say("allocations_per_packet".into(), Some(of_packets), "1", &words);
        let of_people = at_rest as f64 / seconds / f64::from(shape.everybody());
        self.say("allocations_per_person_second_at_rest".into(), Some(of_people), "1", &words);
        Ok(())
    }

    /// Rooms of five: a few, as many as the load's limit allows, and as many as keep one core as busy as wanted.
    fn delay(&mut self) -> Outcome {
        let first = Shape {
            fps: if self.plan.is_small { 10 } else { 29 },
            ..Shape::fives(if self.plan.is_small { 1 } else { 8 })
        };
        let cost = self.cost("8x5", &first)?;
        let by_load = MOST_PACKETS / median(&cost.packets_per_second);
        let by_core = BUSY / median(&cost.cores);
        let rooms = |times: f64| (f64::from(first.rooms) * times) as u32;
        if self.plan.is_small {
            self.cost("busy", &Shape { rooms: first.rooms + 1, ..first })?;
            return Ok(());
        }
        let busy = rooms(by_core.min(by_load)).clamp(1, MOST_ROOMS);
        self.cost("busy", &Shape { rooms: busy, ..first })?;
        let busiest = rooms(by_core).clamp(1, MOST_ROOMS);
        if busiest <= busy {
            return Ok(());
        }
        // A packet costs less the more there are, so the first guess at what fills a core is too small.
        let guess = Shape { rooms: busiest, load_yields: true, ..first };
        let cores = median(&measure(self.lab, &guess, &Plan { windows: 1, ..*self.plan })?.cores);
        let enough = (f64::from(busiest) * BUSY / cores).round() as u32;
        self.cost("core_at_60_percent", &Shape { rooms: enough.clamp(1, MOST_ROOMS), ..guess })?;
        Ok(())
    }

    /// Beside Janus. One that is not there leaves its figures out, and says so.
    fn rival(&mut self) {
        let shape = self.audience(100);
        let metrics = ["cpu_ratio_to_janus_1x100", "janus_us_per_packet_1x100", "janus_memory_kib_per_person_1x100"];
        let comparison = match rival::compare(self.lab, &shape, self.plan) {
            Ok(comparison) => comparison,
            Err(error) => {
                eprintln!("Not compared with Janus: {error}");
                for metric in metrics {
                    self.say(metric.into(), None, "1", &format!("not measured: {error}"));
                }
                return;
            }
        };
        let words = format!(
            "{}; both in one network namespace, {} sessions of each in turn, by packets that came, {:.0} packets/s; ours \
             {:.2} us; Janus lost {}",
            shape.words(),
            self.plan.windows,
            median(&comparison.packets_per_second),
            median(&comparison.ours_us),
            comparison.janus_lost,
        );
        let values = [
            (ratio(&comparison.ours_us, &comparison.janus_us), "1"),
            (median(&comparison.janus_us), "us"),
            (comparison.janus_memory_kib, "KiB"),
        ];
        for (metric, (value, unit)) in metrics.into_iter().zip(values) {
            self.say(metric.into(), Some(value), unit, &words);
        }
    }

    fn say(&mut self, metric: String, value: Option<f64>, unit: &'static str, conditions: &str) {
        (self.tell)(Figure { metric, value, unit, conditions: conditions.to_owned() });
    }
}

/// The middle one of the ratios of neighbouring windows.
fn ratio(ours: &[f64], others: &[f64]) -> f64 {
    median(&ours.iter().zip(others).map(|(ours, other)| ours / other).collect::<Vec<_>>())
}

fn conditions(shape: &Shape, plan: &Plan, cost: &SfuCost) -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!(
        "{}, one packet in ten decrypted by receivers, {} windows of {} s alternating with the floor, {:.0} packets/s, \
         {cores} cores, {} build",
        shape.words(),
        plan.windows,
        plan.window.as_secs_f64(),
        median(&cost.packets_per_second),
        if cfg!(debug_assertions) { "debug" } else { "release" }
    )
}
