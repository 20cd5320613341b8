//! Real sound code (cpal) against a real `PulseAudio` server with virtual devices.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use confab_call::capture::{
    AudioChunk, CHUNK_SAMPLES, CaptureError, MicrophoneChoice, MicrophoneStream, open_microphone,
};
use confab_call::devices::{self, DeviceChangeKind, DeviceKind};
use confab_call::playback::{PlaybackError, SpeakerChoice, SpeakerStream, open_speaker};
use confab_media::correlation;
use confab_media::speech::TestSpeech;
use crossbeam_channel::{Receiver, unbounded};

#[path = "rig/child.rs"]
mod child;
#[path = "rig/pulse.rs"]
mod pulse;

#[path = "rig/patience.rs"]
mod patience;

use child::in_child;
use patience::{check, measured};
use pulse::Pulse;

/// Runs `body` in a child with a sound server.
fn with_server(test: &str, body: impl FnOnce()) {
    in_child(
        test,
        |command| {
            let pulse = Pulse::start();
            pulse.give_to(command);
            pulse
        },
        body,
    );
}

fn microphone(id: &str) -> (MicrophoneStream, Receiver<AudioChunk>) {
    let (sender, chunks) = unbounded();
    let stream = open_microphone(&MicrophoneChoice::Device(id.into()), sender).unwrap();
    (stream, chunks)
}

/// Plays test speech and keeps what was pulled, with the time of each pull.
fn talking_speaker(id: &str) -> (SpeakerStream, Arc<Mutex<Vec<Instant>>>) {
    let pulls = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&pulls);
    let mut speech = TestSpeech::new(11);
    let choice = SpeakerChoice::Device(id.into());
    let stream = open_speaker(
        &choice,
        Box::new(move |chunk| {
            noted.lock().unwrap().push(Instant::now());
            *chunk = speech.next_frame();
        }),
    )
    .unwrap();
    (stream, pulls)
}

fn hear(chunks: &Receiver<AudioChunk>, time: Duration) -> Vec<AudioChunk> {
    let end = Instant::now() + time;
    let mut heard = Vec::new();
    while let Ok(chunk) = chunks.recv_deadline(end) {
        heard.push(chunk);
    }
    heard
}

/// Plays speech to one device, records another, and compares.
fn what_is_played_is_recorded(speaker: &str, recorded: &str) {
    let speech = TestSpeech::samples(11, 3 * 48_000);
    measured(|| {
        let start = Instant::now();
        let (recording, chunks) = microphone(recorded);
        let (playing, pulls) = talking_speaker(speaker);
        let heard = hear(&chunks, Duration::from_secs(4));
        let most = start.elapsed().as_millis() as usize / 10;
        let (latency, underruns, missed) = (playing.latency(), playing.underruns(), recording.missed());
        let pulls = pulls.lock().unwrap().clone();
        assert_eq!(recording.problems().try_recv().ok(), None);
        assert_eq!(playing.problems().try_recv().ok(), None);
        assert!(heard.len() <= most, "{} chunks in {most}0 ms", heard.len());
        for pair in heard.windows(2) {
            let spacing = pair[1].captured_at - pair[0].captured_at;
            let is_steady = spacing > Duration::from_millis(8) && spacing < Duration::from_millis(12);
            check(is_steady, format!("two chunks are {spacing:?} apart"))?;
        }
        println!("{} chunks, {missed} missed, speaker latency {latency:?}, {underruns} underruns", heard.len());
        check(heard.len() >= 380 && missed == 0, format!("{} chunks, {missed} missed", heard.len()))?;
        check(latency < Duration::from_millis(80), format!("the speaker keeps {latency:?}"))?;

        let sound: Vec<f32> = heard.iter().flat_map(|chunk| chunk.samples).collect();
        // Piece by piece: on a busy machine the speaker may run dry once, which shifts all that follows.
        let pieces = correlation::windowed(&speech, &sound, 9_600, 96_000, 9_600);
        let correlation = correlation::median(&pieces);
        println!("correlation {correlation:.5} of {} pieces", pieces.len());
        check(pieces.len() >= 5 && correlation >= 0.99, format!("{correlation} of {} pieces", pieces.len()))?;

        let errors = account_errors(&pieces, &pulls, &heard, latency);
        println!("captured after it was played, in ms: {errors:.1?}");
        let median = errors[errors.len() / 2];
        check(median.abs() < 30.0, format!("captured {median} ms after it was played"))
    });
}

/// By its own account the microphone heard a sample when the speaker, by its own, played it: the differences in
/// milliseconds, in order.
fn account_errors(
    pieces: &[correlation::WindowMatch],
    pulls: &[Instant],
    heard: &[AudioChunk],
    latency: Duration,
) -> Vec<f64> {
    let mut errors: Vec<f64> = pieces
        .iter()
        .map(|piece| {
            let played = pulls[piece.start / CHUNK_SAMPLES] + latency;
            let sample = usize::try_from(piece.start as i64 + piece.lag).unwrap();
            let offset = Duration::from_nanos((sample % CHUNK_SAMPLES) as u64 * 1_000_000_000 / 48_000);
            let captured = heard[sample / CHUNK_SAMPLES].captured_at + offset;
            let late = captured.saturating_duration_since(played).as_secs_f64();
            (late - played.saturating_duration_since(captured).as_secs_f64()) * 1000.0
        })
        .collect();
    errors.sort_by(f64::total_cmp);
    errors
}

#[test]
fn what_the_speaker_plays_is_heard_at_its_monitor() {
    with_server("what_the_speaker_plays_is_heard_at_its_monitor", || {
        what_is_played_is_recorded("pulseaudio:speaker", "pulseaudio:speaker.monitor");
    });
}

#[test]
fn what_is_fed_into_the_microphone_is_captured() {
    with_server("what_is_fed_into_the_microphone_is_captured", || {
        what_is_played_is_recorded("MicFeed", "TestMic");
    });
}

#[test]
fn microphones_and_speakers_are_listed_with_names_and_defaults() {
    with_server("microphones_and_speakers_are_listed_with_names_and_defaults", || {
        let list = devices::list();
        let plain = |devices: &[devices::DeviceInfo]| {
            let mut plain: Vec<_> =
                devices.iter().map(|device| (device.id.clone(), device.name.clone(), device.is_default)).collect();
            plain.sort();
            plain
        };
        let device = |id: &str, name: &str, is_default| (id.to_owned(), name.to_owned(), is_default);
        // The monitors of both speakers are not microphones.
        assert_eq!(plain(&list.microphones), [device("pulseaudio:mic", "TestMic", true)]);
        assert_eq!(
            plain(&list.speakers),
            [device("pulseaudio:mic_feed", "MicFeed", false), device("pulseaudio:speaker", "TestSpeaker", true),]
        );
    });
}

#[test]
fn an_unplugged_microphone_is_reported_within_three_seconds() {
    with_server("an_unplugged_microphone_is_reported_within_three_seconds", || {
        let changes = devices::watch();
        let (stream, chunks) = microphone("pulseaudio:mic");
        chunks.recv_timeout(Duration::from_secs(3)).unwrap();
        let (monitor, _monitored) = microphone("pulseaudio:speaker.monitor");
        pulse::unplug("source_name=mic");
        let unplugged = Instant::now();
        // PulseAudio moves the stream to another source without a word, so sound goes on coming.
        let problem = stream.problems().recv_timeout(Duration::from_secs(5)).unwrap();
        println!("reported after {:?}", unplugged.elapsed());
        assert!(unplugged.elapsed() < Duration::from_secs(3), "{:?}", unplugged.elapsed());
        assert_eq!(problem, CaptureError::DeviceLost { device: "TestMic".into() });
        let change = changes.recv_timeout(Duration::from_secs(3)).unwrap();
        assert_eq!((change.change, change.kind), (DeviceChangeKind::Removed, DeviceKind::Microphone));
        assert_eq!(change.device.name, "TestMic");

        // A monitor that was asked for by id is not listed, but is not lost either.
        assert!(monitor.problems().is_empty());
        // What is left is the monitor of a speaker, which is nobody's microphone unless asked for.
        let (sender, _chunks) = unbounded();
        let error = open_microphone(&MicrophoneChoice::Default, sender).err().unwrap();
        assert_eq!(error, CaptureError::NoMicrophone);
    });
}

#[test]
fn an_unplugged_speaker_is_reported_and_the_default_takes_over() {
    with_server("an_unplugged_speaker_is_reported_and_the_default_takes_over", || {
        let (stream, _) = talking_speaker("pulseaudio:speaker");
        std::thread::sleep(Duration::from_millis(300));
        pulse::unplug("sink_name=speaker");
        let unplugged = Instant::now();
        let problem = stream.problems().recv_timeout(Duration::from_secs(5)).unwrap();
        assert!(unplugged.elapsed() < Duration::from_secs(3), "{:?}", unplugged.elapsed());
        assert_eq!(problem, PlaybackError::DeviceLost { device: "TestSpeaker".into() });
        drop(stream);
        let left = open_speaker(&SpeakerChoice::Default, Box::new(|chunk| chunk.fill(0.0))).unwrap();
        assert_eq!(left.name(), "MicFeed");
        // A null sink that was idle begins with a block of two seconds.
        let patience = Instant::now() + Duration::from_secs(4);
        while left.pulled() < 20 {
            assert!(Instant::now() < patience, "{} pulls in four seconds", left.pulled());
            std::thread::sleep(Duration::from_millis(20));
        }
    });
}

#[test]
fn a_speaker_that_runs_dry_gets_a_larger_buffer_and_plays_on() {
    with_server("a_speaker_that_runs_dry_gets_a_larger_buffer_and_plays_on", || {
        let (_awake, _chunks) = microphone("pulseaudio:speaker.monitor");
        let is_slow = Arc::new(AtomicBool::new(true));
        let slow = Arc::clone(&is_slow);
        let pull = move |chunk: &mut [f32; CHUNK_SAMPLES]| {
            chunk.fill(0.1);
            if slow.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(20));
            }
        };
        let speaker = open_speaker(&SpeakerChoice::Device("pulseaudio:speaker".into()), Box::new(pull)).unwrap();
        let patience = Instant::now() + Duration::from_secs(12);
        while speaker.underruns() == 0 {
            assert!(Instant::now() < patience, "nothing was noticed in twelve seconds");
            std::thread::sleep(Duration::from_millis(20));
        }
        is_slow.store(false, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(500));
        let before = (speaker.pulled(), Instant::now());
        std::thread::sleep(Duration::from_secs(2));
        let rate = (speaker.pulled() - before.0) as f64 / before.1.elapsed().as_secs_f64();
        assert_eq!(speaker.problems().try_recv().ok(), None);
        assert!(rate > 80.0, "{rate} chunks a second after the buffer grew");
    });
}

#[test]
fn a_sound_server_that_dies_is_a_lost_device() {
    with_server("a_sound_server_that_dies_is_a_lost_device", || {
        let (recording, _chunks) = microphone("pulseaudio:mic");
        let (playing, _) = talking_speaker("pulseaudio:speaker");
        std::thread::sleep(Duration::from_millis(300));
        pulse::kill_server();
        let killed = Instant::now();
        let problem = recording.problems().recv_timeout(Duration::from_secs(5)).unwrap();
        assert!(problem.is_lost(), "{problem}");
        let problem = playing.problems().recv_timeout(Duration::from_secs(5)).unwrap();
        assert!(problem.is_lost(), "{problem}");
        assert!(killed.elapsed() < Duration::from_secs(3), "{:?}", killed.elapsed());
    });
}

#[test]
fn without_any_sound_system_the_errors_say_what_to_do() {
    in_child("without_any_sound_system_the_errors_say_what_to_do", pulse::silence, || {
        let (sender, _chunks) = unbounded();
        let error = open_microphone(&MicrophoneChoice::Default, sender.clone()).err().unwrap();
        assert_eq!(error, CaptureError::NoMicrophone, "{error}");
        let choice = MicrophoneChoice::Device("pulseaudio:mic".into());
        let error = open_microphone(&choice, sender).err().unwrap();
        assert_eq!(error, CaptureError::NotFound { device: "pulseaudio:mic".into() });
        let error = open_speaker(&SpeakerChoice::Default, Box::new(|_| {})).err().unwrap();
        assert_eq!(error, PlaybackError::NoSpeaker, "{error}");
        let list = devices::list();
        assert!(list.microphones.is_empty() && list.speakers.is_empty(), "{list:?}");
    });
}

#[test]
fn opening_and_closing_many_times_leaves_nothing_behind() {
    with_server("opening_and_closing_many_times_leaves_nothing_behind", || {
        let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
        let cycle = || {
            let (stream, chunks) = microphone("pulseaudio:mic");
            chunks.recv_timeout(Duration::from_secs(3)).unwrap();
            let (speaker, _) = talking_speaker("pulseaudio:speaker");
            drop((stream, speaker, devices::list()));
        };
        // Idle null sinks take two seconds to begin; this keeps them awake.
        let (_awake, _chunks) = microphone("pulseaudio:mic");
        let (_audible, _) = talking_speaker("pulseaudio:speaker");
        cycle();
        let before = threads();
        // PulseAudio takes at most 64 connections; each cpal client would keep one forever.
        for _ in 0..30 {
            cycle();
        }
        std::thread::sleep(Duration::from_millis(200));
        assert!(threads() <= before + 1, "{before} threads became {}", threads());
    });
}
