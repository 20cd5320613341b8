//! `confab-cli load`: many light people in one process, sending and receiving real RTP, counting every packet.
//!
//! Nothing is decoded, and nothing encoded but for the film (`--film`), once before the run: payloads carry a counter and a time under a header that the server takes for H.264
//! or Opus. What is measured is the server: what it loses, repeats, mixes up, and how long packets take through it. So a
//! person is made cheap: of what comes, only one packet in so many is decrypted, the others are counted by their headers,
//! which are in clear. Towards the server it is a whole receiver all the same: it says when which packet came, reports,
//! asks again for what is missing, and asks for keyframes.
//!
//! ```text
//!  signal (or janus) -> person -> peer: socket, ICE, DTLS, SDP (str0m)
//!                         |         |
//!            film, what is due    media: RTP and RTCP, sans-IO
//!                                   |-- streams: what is sent, kept to be repaired
//!                                   '-- arrivals: what came, what is missing  -> tally
//! ```

mod arrivals;
mod control;
mod film;
mod janus;
mod keys;
mod media;
mod negotiated;
mod payload;
mod peer;
mod person;
mod signal;
mod streams;
mod tally;

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use confab_protocol::RoomCode;
use confab_protocol::link::ServerAddress;
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinSet;

use control::{Control, LONGEST_CONTROLLED, Totals, Wish};
use film::Film;
use peer::Identity;
use person::{Person, Phase};
use signal::Signal;
use tally::Tally;
pub use tally::{DelayReport, StreamReport};

/// Longest a person may take to join before it counts as failed.
const JOIN_WITHIN: Duration = Duration::from_secs(15);
/// After joining, before counting: slots and layers find their places.
const SETTLE: Duration = Duration::from_secs(2);
/// After the last packet was sent: repairs and delayed packets arrive.
const DRAIN: Duration = Duration::from_millis(1_500);

/// What `load` takes.
#[derive(Args, Clone, Debug)]
pub struct LoadArgs {
    /// Which server: HOST, HOST:PORT, or an address with http:// or https://.
    #[arg(long, default_value = "127.0.0.1:8003")]
    pub server: String,
    /// Rooms to make.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub rooms: u32,
    /// Join this room instead of making any.
    #[arg(long, conflicts_with = "rooms")]
    pub room: Option<RoomCode>,
    /// People in each room.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub people: u32,
    /// How many of each room send; all when left out.
    #[arg(long)]
    pub senders: Option<u32>,
    /// How long to measure, seconds, after everybody has joined.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub seconds: u64,
    /// Bit rate of a camera's full layer, kbit/s; its half and quarter layers get a third and a tenth. 0 for no video.
    #[arg(long, default_value_t = 1_000)]
    pub video_kbps: u32,
    /// Pictures a second.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=120))]
    pub fps: u32,
    /// Most bytes of payload in one video packet.
    #[arg(long, default_value_t = 1_100, value_parser = clap::value_parser!(u32).range(64..=1_180))]
    pub packet_bytes: u32,
    /// Bit rate of a voice, kbit/s, in 50 packets a second. 0 for no voices.
    #[arg(long, default_value_t = 32)]
    pub audio_kbps: u32,
    /// Send a short film with speech that receivers can decode, instead of bytes that only count.
    #[arg(long)]
    pub film: bool,
    /// Height of the tiles people show others in, device pixels; decides the layer.
    #[arg(long, default_value_t = 720)]
    pub tile_height: u32,
    /// Receive slots for video that each person offers.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(0..=49))]
    pub video_slots: u32,
    /// How many cameras each person shows; as many as there are slots when left out.
    #[arg(long)]
    pub tiles: Option<u32>,
    /// One packet in so many is decrypted and its contents checked; the others are counted by their headers.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub open_one_in: u32,
    /// Share of the media packets that each person loses, as in 1%; they are asked for again.
    #[arg(long, default_value = "0%", value_parser = share)]
    pub lose: f64,
    /// Take "count", "pause", "resume" and "end" from standard input, and answer each in a line; the report is the last.
    #[arg(long, conflicts_with = "seconds")]
    pub control: bool,
    /// Load a Janus with one sender instead, at its WebSocket address; `server` is where its media is reached.
    #[arg(long)]
    pub janus: Option<String>,
    /// People that begin to join each second.
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub joins_per_second: u32,
    /// The key a server prints at its first start; needed from outside its local network.
    #[arg(long)]
    pub host_key: Option<String>,
}

/// What a run measured.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct LoadReport {
    /// Rooms used.
    pub rooms: u32,
    /// People asked for.
    pub people: u32,
    /// People whose media path came up.
    pub joined: u32,
    /// People whose media path or signaling ended before the run did.
    pub lost_people: u32,
    /// Time measured, seconds.
    pub seconds: f64,
    /// From the join message to an open media path, milliseconds.
    pub join_ms: DelayReport,
    /// Voices.
    pub audio: StreamReport,
    /// Pictures.
    pub video: StreamReport,
    /// Why people did not join, each reason once.
    pub failures: Vec<String>,
}

/// What keeps a run from happening at all.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The server's address cannot be read.
    #[error("{0}")]
    Address(#[from] confab_protocol::LinkError),
    /// The signaling connection failed.
    #[error("No Confab server answers at {server} ({error}). Is it running, and is the address right?")]
    Unreachable {
        /// Host and port.
        server: String,
        /// What went wrong.
        error: String,
    },
    /// The server refused something.
    #[error("The server refused: {0}")]
    Refused(String),
    /// A socket for media could not be opened.
    #[error("A UDP socket could not be opened: {0}")]
    Socket(std::io::Error),
    /// Media could not be set up.
    #[error("The media path could not be set up: {0}")]
    Media(String),
    /// The film could not be made.
    #[error("The film could not be made: {0}")]
    Film(String),
    /// Took too long.
    #[error("{0} took too long.")]
    TimedOut(&'static str),
    /// Nobody could join; the reason of the first.
    #[error("Nobody could join. {0}")]
    NobodyJoined(String),
}

/// Runs a load and says what it measured.
///
/// # Errors
/// When no room could be made or nobody could join. People that fail while others do not are in the report.
pub async fn run(args: LoadArgs) -> Result<LoadReport, LoadError> {
    let server = ServerAddress::parse(&args.server)?;
    let codes = match (&args.room, &args.janus) {
        (Some(code), _) => vec![code.clone()],
        (None, None) => make_rooms(&server, &args).await?,
        // Janus has its rooms already; the code is not used.
        (None, Some(_)) => vec![confab_protocol::link::random_code()],
    };
    let people = args.people * codes.len() as u32;
    let senders = args.senders.unwrap_or(args.people).min(args.people);
    let identity = Identity::new()?;
    let totals = Arc::new(Totals::default());
    let film = if args.film { Some(Arc::new(Film::shoot(&args)?)) } else { None };
    let clock = Instant::now();
    let (phase, watched) = watch::channel(Phase::Joining);
    let (joined, mut joins) = tokio::sync::mpsc::channel(people as usize);

    let mut tasks: JoinSet<Result<Tally, LoadError>> = JoinSet::new();
    let pace = Duration::from_secs(1) / args.joins_per_second;
    for number in 0..people {
        let person = Person {
            number,
            code: codes[number as usize % codes.len()].clone(),
            server: server.clone(),
            args: args.clone(),
            sends: number / codes.len() as u32 % args.people < senders,
            senders,
            identity: identity.clone(),
            totals: totals.clone(),
            film: film.clone(),
            clock,
        };
        let (phase, joined) = (watched.clone(), joined.clone());
        let begin = tokio::time::Instant::now() + pace * number;
        tasks.spawn(async move {
            tokio::time::sleep_until(begin).await;
            Box::pin(person.take_part(phase, joined)).await
        });
    }
    drop(joined);

    // Everybody says when they are in, or drops their end.
    let deadline = tokio::time::Instant::now() + pace * people + JOIN_WITHIN;
    let mut join_times = Vec::new();
    while let Ok(Some(took)) = tokio::time::timeout_at(deadline, joins.recv()).await {
        join_times.push(took);
        if join_times.len() == people as usize {
            break;
        }
    }
    let mut report = Collected::default();
    if join_times.is_empty() {
        let reason = Collected::first_failure(&mut tasks);
        tasks.shutdown().await;
        return Err(LoadError::NobodyJoined(reason));
    }

    // Nobody listening any more only means that everybody has failed since, which the report says.
    let _all_may_have_gone = phase.send(Phase::Settling);
    // Who controls a run decides when it has settled.
    if !args.control {
        tokio::time::sleep(SETTLE).await;
    }
    let begin = Instant::now();
    let _all_may_have_gone = phase.send(Phase::Measuring);
    measure(&args, &phase, &totals).await;
    let seconds = begin.elapsed().as_secs_f64();
    let _all_may_have_gone = phase.send(Phase::Draining);
    tokio::time::sleep(DRAIN).await;
    let _all_may_have_gone = phase.send(Phase::Done);
    while let Some(done) = tasks.join_next().await {
        match done {
            Ok(Ok(tally)) => report.add(&tally),
            Ok(Err(error)) => report.fail(&error.to_string()),
            Err(error) => report.fail(&error.to_string()),
        }
    }
    let times: Vec<u64> = join_times.iter().map(|took| took.as_micros() as u64).collect();
    Ok(LoadReport {
        rooms: codes.len() as u32,
        people,
        joined: join_times.len() as u32,
        lost_people: report.lost_people,
        seconds,
        join_ms: DelayReport::of(times),
        audio: report.tally.audio.report(seconds),
        video: report.tally.video.report(seconds),
        failures: report.failures,
    })
}

/// Until the time is over or somebody wishes the end. What was measured until then is worth telling.
async fn measure(args: &LoadArgs, phase: &watch::Sender<Phase>, totals: &Totals) {
    let mut control = Control::new(args.control);
    let length = if args.control { LONGEST_CONTROLLED } else { Duration::from_secs(args.seconds) };
    let end = tokio::time::sleep(length);
    tokio::pin!(end);
    control.say("measuring", totals);
    loop {
        let wish = tokio::select! {
            () = &mut end => return,
            () = crate::interrupt::interrupted() => return,
            wish = control.next() => wish,
        };
        let (phase_now, said) = match wish {
            Wish::Count => (None, "count"),
            Wish::Pause => (Some(Phase::Paused), "paused"),
            Wish::Resume => (Some(Phase::Measuring), "measuring"),
            Wish::End => return,
        };
        if let Some(now) = phase_now {
            let _all_may_have_gone = phase.send(now);
        }
        control.say(said, totals);
    }
}

/// Runs a load and prints its report as one JSON object.
pub async fn run_and_print(args: LoadArgs) -> Result<(), String> {
    let in_one_line = args.control;
    let report = run(args).await.map_err(|error| error.to_string())?;
    let text = if in_one_line { serde_json::to_string(&report) } else { serde_json::to_string_pretty(&report) };
    println!("{}", text.map_err(|error| error.to_string())?);
    match report.people - report.joined + report.lost_people {
        0 => Ok(()),
        failed => Err(format!("{failed} of {} people did not get in or did not stay.", report.people)),
    }
}

/// Reads "1%" or "0.5%".
fn share(text: &str) -> Result<f64, String> {
    let number = text.trim().strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    let number = number.filter(|number| (0.0..100.0).contains(number));
    number.map(|number| number / 100.0).ok_or_else(|| "a share is said as in 1%, from 0% to below 100%".into())
}

async fn make_rooms(server: &ServerAddress, args: &LoadArgs) -> Result<Vec<RoomCode>, LoadError> {
    let mut signal = Signal::connect(server).await?;
    let mut codes = Vec::new();
    for _ in 0..args.rooms {
        codes.push(signal.make_room(args.host_key.clone()).await?);
    }
    Ok(codes)
}

/// Sums of what people brought back.
#[derive(Default)]
struct Collected {
    tally: Tally,
    lost_people: u32,
    failures: Vec<String>,
}

impl Collected {
    fn add(&mut self, tally: &Tally) {
        self.lost_people += u32::from(tally.ended_early);
        self.tally.add(tally);
    }

    fn fail(&mut self, reason: &str) {
        if !self.failures.iter().any(|known| known == reason) {
            self.failures.push(reason.to_owned());
        }
    }

    /// Why the first of those who failed did.
    fn first_failure(tasks: &mut JoinSet<Result<Tally, LoadError>>) -> String {
        while let Some(done) = tasks.try_join_next() {
            if let Ok(Err(error)) = done {
                return error.to_string();
            }
        }
        LoadError::TimedOut("Joining").to_string()
    }
}
