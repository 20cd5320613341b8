//! `confab-bench`: benchmarks with real processes. `cargo xtask bench NAME --json` builds and runs it.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use confab_tests::bench_client::{self, ClientPlan};
use confab_tests::bench_sfu::{self, Plan};
use confab_tests::lab::{Lab, Outcome};
use confab_tests::two_person_call::{self, CallPlan, CallResult};
use serde_json::json;

/// So that the bench of the server can say how often a packet allocates.
#[global_allocator]
static ALLOCATOR: bench_sfu::Counting = bench_sfu::Counting;

/// Measures Confab on this computer.
#[derive(Parser)]
#[command(name = "confab-bench", version)]
struct Arguments {
    #[command(subcommand)]
    bench: Bench,
    /// One JSON object a line: metric, value, unit, conditions.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Bench {
    /// Two people in a call through one server.
    Call {
        /// Length of the call, seconds; what happens in the first five is not measured.
        #[arg(long, default_value_t = 25)]
        seconds: u64,
    },
    /// What the app costs in a call of five, beside Chromium.
    Client {
        /// Windows measured.
        #[arg(long, default_value_t = 3)]
        windows: usize,
        /// Length of a window, seconds.
        #[arg(long, default_value_t = 10)]
        seconds: u64,
        /// Warm starts measured.
        #[arg(long, default_value_t = 5)]
        starts: usize,
    },
    /// What forwarding a packet costs the server, beside the floor.
    Sfu {
        /// Windows measured for each shape, alternating with the floor.
        #[arg(long, default_value_t = 5)]
        windows: usize,
        /// Length of a window, seconds.
        #[arg(long, default_value_t = 3)]
        seconds: u64,
        /// A few people in each shape and short windows: shows that the bench works, not what anything costs.
        #[arg(long)]
        small: bool,
        /// Only this part.
        #[arg(long)]
        only: Option<bench_sfu::Part>,
    },
}

/// One line of output.
struct Figure {
    metric: String,
    value: Option<f64>,
    unit: &'static str,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.bench {
        Bench::Call { seconds } => call(seconds, arguments.json),
        Bench::Client { windows, seconds, starts } => {
            let plan = ClientPlan { windows, window: Duration::from_secs(seconds), starts, ..ClientPlan::default() };
            client(&plan, arguments.json)
        }
        Bench::Sfu { windows, seconds, small, only } => {
            let plan = Plan { windows, window: Duration::from_secs(seconds), only, ..Plan::default() };
            sfu(if small { plan.small() } else { plan }, arguments.json)
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn call(seconds: u64, as_json: bool) -> Outcome {
    let lab = Lab::open("bench-call")?;
    let server = lab.server()?;
    let plan = CallPlan { length: Duration::from_secs(seconds), skip: Duration::from_secs(5) };
    let result = two_person_call::hold(&lab, &server, plan, server.address(), server.address())?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let conditions = format!(
        "two confab-cli through one server on loopback, {seconds} s, from the fifth second on, test picture 1280x720@30 \
         at 1.5 Mbit/s and speech, {cores} cores, {} build",
        if cfg!(debug_assertions) { "debug" } else { "release" }
    );
    for figure in figures(&result) {
        print(&figure, &conditions, as_json);
    }
    Ok(())
}

fn client(plan: &ClientPlan, as_json: bool) -> Outcome {
    let lab = Lab::open("bench-client")?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let conditions = format!(
        "five people through one server on loopback: the app, Chromium and three who send a film; 1280x720@30 in H.264 sent by \
         each, four tiles of 400x225 of 360 lines and oneself shown by each, software drawing, {} windows of {} s, {cores} \
         cores, {} build",
        plan.windows,
        plan.window.as_secs(),
        if cfg!(debug_assertions) { "debug" } else { "release" }
    );
    bench_client::run(&lab, plan, |told| {
        let figure = Figure { metric: told.metric.into(), value: told.value, unit: told.unit };
        print(&figure, &conditions, as_json);
    })
}

fn sfu(plan: Plan, as_json: bool) -> Outcome {
    let lab = Lab::open("bench-sfu")?;
    bench_sfu::run(&lab, &plan, |told| {
        let figure = Figure { metric: told.metric, value: told.value, unit: told.unit };
        print(&figure, &told.conditions, as_json);
    })
}

fn figures(result: &CallResult) -> Vec<Figure> {
    let figure = |metric: &str, value, unit| Figure { metric: metric.into(), value, unit };
    let (video, audio) = (&result.video, &result.audio);
    vec![
        figure("video_fps", Some(video.fps), "1/s"),
        figure("video_720p_share", Some(video.full_size), "1"),
        figure("video_psnr_db_p50", video.psnr_db_p50, "dB"),
        figure("video_frozen_s", Some(video.frozen_s), "s"),
        figure("glass_to_glass_ms_p50", video.glass_to_glass_ms_p50, "ms"),
        figure("audio_correlation", Some(audio.correlation), "1"),
        figure("mouth_to_ear_ms_p50", Some(audio.mouth_to_ear_ms_p50), "ms"),
        figure("time_to_720p_s", result.join_to_720p_ms.map(|ms| ms / 1_000.0), "s"),
        figure("join_to_audio_ms", result.join_to_audio_ms, "ms"),
        figure("join_to_video_ms", result.join_to_video_ms, "ms"),
    ]
}

fn print(figure: &Figure, conditions: &str, as_json: bool) {
    let value = figure.value.map(|value| (value * 1_000.0).round() / 1_000.0);
    if as_json {
        let Figure { metric, unit, .. } = figure;
        println!("{}", json!({ "metric": metric, "value": value, "unit": unit, "conditions": conditions }));
    } else {
        let value = value.map_or_else(|| "not measured".into(), |value| value.to_string());
        println!("{:<28} {value} {}", figure.metric, figure.unit);
    }
}
