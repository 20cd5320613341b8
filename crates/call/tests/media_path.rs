//! The way of a picture and of a voice inside the engine, from source to sink, without a network in between: what one
//! side gives to its transport is handed to the other side's inlet.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use confab_call::capture::{AudioChunk, CameraChoice, VideoFormat, open_camera};
use confab_call::receive::inlet::Inlet;
use confab_call::receive::lip_sync::VoiceDelays;
use confab_call::receive::picture::PictureShared;
use confab_call::receive::voice::Mixdown;
use confab_call::send::outlet::Outlet;
use confab_call::send::picture::{Picture, PictureConfig};
use confab_call::send::voice::{Voice, VoiceNotice, VoiceSetup};
use confab_call::stats::meters::Meters;
use confab_call::transport::{
    IncomingPacket, Offer, OutgoingPacket, RelayWay, Transport, TransportError, TransportStats,
};
use confab_call::{ReceivedFrame, TileKey, VideoSink};
use confab_media::pattern::read_mark;
use confab_media::speech::TestSpeech;
use confab_media::{FRAME_SAMPLES, correlation};
use confab_protocol::{Layer, ParticipantId, SlotAssignment, SlotKind, SourceKind};
use confab_rtp::RtpClock;
use futures_util::future::BoxFuture;

const SMALL: VideoFormat = VideoFormat { width: 320, height: 180, fps: 30 };
const PATIENCE: Duration = Duration::from_secs(10);

/// A wire: keeps what is sent, and hands it to an inlet when there is one.
#[derive(Default)]
struct Wire {
    sent: Mutex<Vec<OutgoingPacket>>,
    inlet: Mutex<Option<(Arc<Inlet>, &'static str)>>,
    asked: Mutex<Vec<String>>,
}

impl Wire {
    fn layers(&self) -> HashSet<Option<Layer>> {
        self.sent.lock().unwrap().iter().map(|packet| packet.layer).collect()
    }

    fn count(&self) -> usize {
        self.sent.lock().unwrap().len()
    }

    fn clear(&self) {
        self.sent.lock().unwrap().clear();
    }
}

impl Transport for Wire {
    fn offer(&self) -> BoxFuture<'_, Result<Offer, TransportError>> {
        Box::pin(async { Err(TransportError::Closed) })
    }

    fn set_relay(&self, _way: RelayWay) {}

    fn accept_answer<'a>(&'a self, _sdp: &'a str) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async { Ok(()) })
    }

    fn restart_offer(&self) -> BoxFuture<'_, Result<String, TransportError>> {
        Box::pin(async { Err(TransportError::Closed) })
    }

    fn grow_offer(&self, _video_slots: usize) -> BoxFuture<'_, Result<String, TransportError>> {
        Box::pin(async { Err(TransportError::Closed) })
    }

    fn send(&self, packet: OutgoingPacket) {
        let mut sent = self.sent.lock().unwrap();
        if let Some((inlet, mid)) = self.inlet.lock().unwrap().as_ref() {
            inlet.packet(IncomingPacket {
                mid: Arc::from(*mid),
                sequence: sent.len() as u16,
                timestamp: packet.timestamp,
                marker: packet.marker,
                payload_type: 0,
                payload: packet.payload.clone(),
                arrived: Instant::now(),
                audio_level: packet.audio_level,
            });
        }
        sent.push(packet);
    }

    fn request_keyframe(&self, mid: &str) {
        self.asked.lock().unwrap().push(mid.to_owned());
    }

    fn stats(&self) -> TransportStats {
        TransportStats::default()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// Keeps whose frames came, and what they said of themselves.
#[derive(Default)]
struct Shown(Mutex<Vec<(TileKey, ReceivedFrame)>>);

impl VideoSink for Shown {
    fn frame(&self, tile: TileKey, frame: ReceivedFrame) {
        self.0.lock().unwrap().push((tile, frame));
    }
}

impl Shown {
    fn of(&self, key: TileKey) -> usize {
        self.0.lock().unwrap().iter().filter(|(tile, _)| *tile == key).count()
    }
}

fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !happened() {
        assert!(Instant::now() < until, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn connected() -> (Arc<Outlet>, Arc<Wire>, Arc<Meters>) {
    let (outlet, wire) = (Arc::new(Outlet::default()), Arc::new(Wire::default()));
    outlet.replace(Some(wire.clone()));
    outlet.connected();
    (outlet, wire, Arc::new(Meters::new(Instant::now())))
}

fn start_camera(outlet: &Arc<Outlet>, meters: &Arc<Meters>, layers: &[Layer]) -> Picture {
    let config = PictureConfig {
        source: SourceKind::Camera,
        layers: layers.to_vec(),
        outlet: outlet.clone(),
        meters: meters.clone(),
        clock: RtpClock::new(Instant::now(), 1),
        self_view: Box::new(|_| {}),
        notice: Box::new(|_| {}),
    };
    Picture::start(Box::new(|| open_camera(&CameraChoice::TestPattern, SMALL)), config).unwrap()
}

fn inlet(outlet: &Arc<Outlet>, meters: &Arc<Meters>) -> (Arc<Inlet>, Arc<Shown>, Mixdown) {
    let (shown, delays) = (Arc::new(Shown::default()), Arc::new(VoiceDelays::default()));
    let (mixdown, voices) = Mixdown::new(meters.clone(), delays.clone(), None, None);
    let shared = PictureShared { sink: shown.clone(), meters: meters.clone(), voice_delays: delays };
    (Arc::new(Inlet::new(shared, outlet.clone(), voices)), shown, mixdown)
}

fn camera_slot(mid: &str, participant: Option<ParticipantId>) -> SlotAssignment {
    let source = participant.map(|_| SourceKind::Camera);
    SlotAssignment { mid: mid.into(), kind: SlotKind::Video, participant, source, layer: Some(Layer::Full) }
}

fn voice_slot(mid: &str, participant: Option<ParticipantId>) -> SlotAssignment {
    let source = participant.map(|_| SourceKind::Microphone);
    SlotAssignment { mid: mid.into(), kind: SlotKind::Audio, participant, source, layer: None }
}

fn camera_of(participant: ParticipantId) -> TileKey {
    TileKey { participant, source: SourceKind::Camera }
}

#[test]
fn a_picture_reaches_the_sink_whole_and_soon() {
    let (outlet, wire, meters) = connected();
    let (inlet, shown, _mixdown) = inlet(&outlet, &meters);
    let ada = ParticipantId::new();
    inlet.assign(vec![camera_slot("4", Some(ada))]);
    *wire.inlet.lock().unwrap() = Some((inlet, "4"));
    let _camera = start_camera(&outlet, &meters, &[]);
    wait_until("twenty frames shown", || shown.of(camera_of(ada)) >= 20);
    let frames = shown.0.lock().unwrap();
    let marks: Vec<_> = frames.iter().map(|(_, frame)| read_mark(&frame.frame).expect("a mark").frame).collect();
    assert!(marks.windows(2).all(|pair| pair[0] < pair[1]), "in order: {marks:?}");
    let stats = meters.snapshot(Instant::now());
    assert_eq!((stats.pictures[0].width, stats.pictures[0].height), (320, 180));
    assert_eq!(stats.pictures[0].frames_damaged, 0);
    assert!(stats.join.video_ms.is_some());
}

#[test]
fn a_slot_given_to_another_person_shows_nothing_of_the_first_one_as_the_second() {
    let (outlet, wire, meters) = connected();
    let (inlet, shown, _mixdown) = inlet(&outlet, &meters);
    let (ada, ben) = (ParticipantId::new(), ParticipantId::new());
    inlet.assign(vec![camera_slot("4", Some(ada))]);
    *wire.inlet.lock().unwrap() = Some((inlet.clone(), "4"));
    let camera = start_camera(&outlet, &meters, &[]);
    wait_until("Ada shown", || shown.of(camera_of(ada)) >= 5);
    inlet.assign(vec![camera_slot("4", Some(ben))]);
    // What still comes are pictures that need earlier ones: none of them may be shown as Ben.
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(shown.of(camera_of(ben)), 0);
    wait_until("a keyframe asked for", || wire.asked.lock().unwrap().contains(&"4".to_owned()));
    camera.control().request_keyframe(None);
    wait_until("Ben shown", || shown.of(camera_of(ben)) >= 5);
}

#[test]
fn packets_that_come_before_the_servers_word_about_their_slot_are_not_lost() {
    let (outlet, wire, meters) = connected();
    let (inlet, shown, _mixdown) = inlet(&outlet, &meters);
    inlet.assign(vec![camera_slot("4", None)]);
    *wire.inlet.lock().unwrap() = Some((inlet.clone(), "4"));
    let _camera = start_camera(&outlet, &meters, &[]);
    wait_until("a keyframe and more sent", || wire.count() > 5);
    let ada = ParticipantId::new();
    inlet.assign(vec![camera_slot("4", Some(ada))]);
    wait_until("Ada shown", || shown.of(camera_of(ada)) >= 5);
    assert!(wire.asked.lock().unwrap().is_empty(), "the first keyframe was enough");
}

#[test]
fn a_picture_nobody_looks_at_is_not_decoded() {
    let (outlet, wire, meters) = connected();
    let (inlet, shown, _mixdown) = inlet(&outlet, &meters);
    let ada = ParticipantId::new();
    inlet.assign(vec![camera_slot("4", Some(ada))]);
    *wire.inlet.lock().unwrap() = Some((inlet.clone(), "4"));
    let camera = start_camera(&outlet, &meters, &[]);
    wait_until("Ada shown", || shown.of(camera_of(ada)) >= 5);
    inlet.show([]);
    std::thread::sleep(Duration::from_millis(100));
    let before = shown.of(camera_of(ada));
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(shown.of(camera_of(ada)), before);
    inlet.show([camera_of(ada)]);
    wait_until("a keyframe asked for", || !wire.asked.lock().unwrap().is_empty());
    camera.control().request_keyframe(None);
    wait_until("Ada shown again", || shown.of(camera_of(ada)) >= before + 5);
}

#[test]
fn layers_nobody_watches_are_not_encoded() {
    let (outlet, wire, meters) = connected();
    let camera = start_camera(&outlet, &meters, &Layer::ALL);
    wait_until("all layers sent", || wire.layers().len() == 3);
    camera.control().set_watched(&[Layer::Quarter]);
    std::thread::sleep(Duration::from_millis(100));
    wire.clear();
    wait_until("the small layer going on", || wire.count() > 5);
    assert_eq!(wire.layers(), HashSet::from([Some(Layer::Quarter)]));
    camera.control().set_watched(&[]);
    std::thread::sleep(Duration::from_millis(100));
    wire.clear();
    std::thread::sleep(Duration::from_millis(150));
    assert_eq!(wire.count(), 0);
}

#[test]
fn a_new_connection_begins_with_a_keyframe_of_every_layer() {
    let (outlet, wire, meters) = connected();
    let _camera = start_camera(&outlet, &meters, &Layer::ALL);
    wait_until("pictures sent", || wire.count() > 20);
    let other = Arc::new(Wire::default());
    outlet.replace(Some(other.clone()));
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(other.count(), 0, "nothing is sent before the connection is there");
    let keyframes = |meters: &Meters| -> Vec<u64> {
        meters.snapshot(Instant::now()).sending.iter().map(|layer| layer.keyframes).collect()
    };
    let before = keyframes(&meters);
    outlet.connected();
    wait_until("all layers sent", || other.layers().len() == 3);
    let after = keyframes(&meters);
    assert!(before.iter().zip(&after).all(|(before, after)| after > before), "{before:?} {after:?}");
}

struct Speaking {
    voice: Voice,
    speech: TestSpeech,
    captured_at: Instant,
}

impl Speaking {
    fn start(outlet: &Arc<Outlet>, meters: &Arc<Meters>, muted: bool) -> (Self, Arc<Mutex<Vec<VoiceNotice>>>) {
        let notices = Arc::new(Mutex::new(Vec::new()));
        let told = notices.clone();
        let now = Instant::now();
        let setup = VoiceSetup {
            muted,
            processing: false,
            outlet: outlet.clone(),
            meters: meters.clone(),
            clock: RtpClock::new(now, 1),
            notice: Box::new(move |notice| told.lock().unwrap().push(notice)),
        };
        (Self { voice: Voice::start(setup).unwrap(), speech: TestSpeech::new(3), captured_at: now }, notices)
    }

    /// Speaks for so many pieces of 10 ms, at the pace of a microphone, and calls `each` after each.
    fn speak(&mut self, pieces: usize, mut each: impl FnMut(&[f32; FRAME_SAMPLES])) {
        for _ in 0..pieces {
            let samples = self.speech.next_frame();
            self.voice.chunks().send(AudioChunk { samples, captured_at: self.captured_at }).unwrap();
            self.captured_at += Duration::from_millis(10);
            each(&samples);
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn a_voice_is_heard_as_it_was_spoken() {
    let (outlet, wire, meters) = connected();
    let (inlet, _shown, mut mixdown) = inlet(&outlet, &meters);
    let ada = ParticipantId::new();
    inlet.assign(vec![voice_slot("0", Some(ada))]);
    *wire.inlet.lock().unwrap() = Some((inlet, "0"));
    let (mut speaking, _) = Speaking::start(&outlet, &meters, false);
    let (mut spoken, mut played) = (Vec::new(), Vec::new());
    speaking.speak(300, |samples| {
        spoken.extend_from_slice(samples);
        let mut out = [0.0; FRAME_SAMPLES];
        mixdown.pull(Instant::now(), &mut out);
        played.extend_from_slice(&out);
    });
    let matches = correlation::windowed(&spoken[..48_000 * 2], &played, 24_000, 48_000 / 2, 4_800);
    let likeness = correlation::median(&matches);
    assert!(likeness > 0.8, "correlation {likeness}");
    assert!(meters.snapshot(Instant::now()).join.audio_ms.is_some());
}

#[test]
fn while_muted_nothing_leaves_and_the_person_is_reminded() {
    let (outlet, wire, meters) = connected();
    let (mut speaking, notices) = Speaking::start(&outlet, &meters, true);
    speaking.speak(250, |_| {});
    assert_eq!(wire.count(), 0, "captured sound left while muted");
    let reminders =
        |notices: &[VoiceNotice]| notices.iter().filter(|notice| **notice == VoiceNotice::TalkingWhileMuted).count();
    assert_eq!(reminders(&notices.lock().unwrap()), 1);
    speaking.voice.control().set_muted(false);
    speaking.speak(20, |_| {});
    assert!(wire.count() >= 5);
    let first = wire.sent.lock().unwrap()[0].clone();
    assert!(first.marker, "a talk begins with a marker");
    assert!(first.audio_level.is_some());
    speaking.voice.control().set_muted(true);
    std::thread::sleep(Duration::from_millis(50));
    let sent = wire.count();
    speaking.speak(20, |_| {});
    assert_eq!(wire.count(), sent);
}

#[test]
fn the_timestamps_of_a_voice_go_on_with_time_through_a_mute() {
    let (outlet, wire, meters) = connected();
    let (mut speaking, _) = Speaking::start(&outlet, &meters, false);
    speaking.speak(20, |_| {});
    wait_until("packets sent", || wire.count() >= 8);
    speaking.voice.control().set_muted(true);
    speaking.speak(50, |_| {});
    speaking.voice.control().set_muted(false);
    let before = wire.count();
    speaking.speak(20, |_| {});
    wait_until("packets sent again", || wire.count() >= before + 5);
    let sent = wire.sent.lock().unwrap();
    let gap = sent[before].timestamp.wrapping_sub(sent[before - 1].timestamp);
    let half_a_second = 24_000;
    assert!((half_a_second..half_a_second + 4_800).contains(&gap), "{gap} samples");
}

#[test]
fn bytes_that_are_no_media_disturb_nobody() {
    let (outlet, wire, meters) = connected();
    let (inlet, shown, mut mixdown) = inlet(&outlet, &meters);
    let ada = ParticipantId::new();
    inlet.assign(vec![camera_slot("4", Some(ada)), voice_slot("0", Some(ada))]);
    let mut seed = 1_u32;
    for round in 0..2_000_u32 {
        let payload: Vec<u8> = (0..round % 200)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 24) as u8
            })
            .collect();
        for mid in ["4", "0", "99"] {
            inlet.packet(IncomingPacket {
                mid: Arc::from(mid),
                sequence: (seed >> 8) as u16,
                timestamp: seed,
                marker: round % 3 == 0,
                payload_type: 0,
                payload: Bytes::from(payload.clone()),
                arrived: Instant::now(),
                audio_level: None,
            });
        }
        if round % 50 == 0 {
            mixdown.pull(Instant::now(), &mut [0.0; FRAME_SAMPLES]);
        }
    }
    assert_eq!(inlet.unknown(), 2_000);
    inlet.reset();
    inlet.assign(vec![camera_slot("4", Some(ada))]);
    *wire.inlet.lock().unwrap() = Some((inlet, "4"));
    let _camera = start_camera(&outlet, &meters, &[]);
    wait_until("Ada shown after all", || shown.of(camera_of(ada)) >= 5);
}
