//! What a server sends to one receiver: sound, one picture in the best layer that fits, and probes.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use confab_rtp::{
    BurstPacer, BurstPacerConfig, CongestionController, DataRate, EstimatorConfig, PacerDecision, PacketClass,
    ProbePlan,
};

use crate::terms::Random;

pub const LAYERS_KBPS: [u64; 4] = [150, 500, 1500, 3500];
pub const AUDIO_KBPS: u64 = 40;
const AUDIO_BYTES: usize = 100;
const PACKET_BYTES: usize = 1200;
const FRAME: Duration = Duration::from_nanos(33_333_333);

pub struct Outgoing {
    pub bytes: usize,
    pub class: PacketClass,
    pub probe: Option<u32>,
}

struct Frame {
    since: Instant,
    packets: VecDeque<usize>,
}

struct Probing {
    plan: ProbePlan,
    begun: Instant,
    bytes: u64,
    packets: usize,
}

pub struct Sender {
    pub controller: CongestionController,
    pub pacer: BurstPacer,
    pub layer: Option<usize>,
    /// Higher layers are not there.
    pub layers: usize,
    pub dropped_frames: u64,
    pub probe_bytes: u64,
    pub probes: u64,
    raised_at: Instant,
    next_audio: Instant,
    next_frame: Instant,
    frames: VecDeque<Frame>,
    frame: u64,
    keyframe: bool,
    held_until: Option<Instant>,
    probing: Option<Probing>,
    random: Random,
}

impl Sender {
    pub fn new(now: Instant, config: EstimatorConfig, seed: u64) -> Self {
        Self {
            controller: CongestionController::new(config),
            pacer: BurstPacer::new(BurstPacerConfig::default(), config.initial),
            layer: None,
            layers: LAYERS_KBPS.len(),
            dropped_frames: 0,
            probe_bytes: 0,
            probes: 0,
            raised_at: now,
            next_audio: now,
            next_frame: now,
            frames: VecDeque::new(),
            frame: 0,
            keyframe: true,
            held_until: None,
            probing: None,
            random: Random(seed),
        }
    }

    /// Puts what leaves now into `out`.
    pub fn run(&mut self, now: Instant, out: &mut Vec<Outgoing>) {
        if now >= self.next_audio {
            self.next_audio += Duration::from_millis(20);
            assert_eq!(self.pacer.allow(now, AUDIO_BYTES, PacketClass::Audio), PacerDecision::Send);
            out.push(Outgoing { bytes: AUDIO_BYTES, class: PacketClass::Audio, probe: None });
        }
        if now >= self.next_frame {
            self.next_frame += FRAME;
            self.choose(now);
            self.make_frame(now);
        }
        self.send_frames(now, out);
        self.send_probe(now, out);
    }

    fn choose(&mut self, now: Instant) {
        let target = self.controller.target().as_kbps();
        self.pacer.set_target(self.controller.target());
        let fits = |rate: u64| LAYERS_KBPS[..self.layers].iter().rposition(|layer| layer + AUDIO_KBPS <= rate);
        let wanted = fits(target);
        if wanted < self.layer {
            self.layer = wanted;
            self.keyframe = true;
            self.raised_at = now;
        } else if fits((target as f64 / 1.1) as u64) > self.layer && now >= self.raised_at + Duration::from_secs(1) {
            self.layer = fits((target as f64 / 1.1) as u64);
            self.keyframe = true;
            self.raised_at = now;
        }
    }

    fn make_frame(&mut self, now: Instant) {
        let Some(layer) = self.layer else { return };
        self.frame += 1;
        self.keyframe |= self.frame.is_multiple_of(300);
        let size = if std::mem::take(&mut self.keyframe) { 4.0 } else { 1.0 };
        let mean = LAYERS_KBPS[layer] as f64 * 1000.0 / 8.0 / 30.0;
        let mut left = (mean * size * self.random.between(0.7, 1.3)) as usize;
        let mut packets = VecDeque::new();
        while left > 0 {
            packets.push_back(left.min(PACKET_BYTES));
            left -= left.min(PACKET_BYTES);
        }
        self.frames.push_back(Frame { since: now, packets });
    }

    fn send_frames(&mut self, now: Instant, out: &mut Vec<Outgoing>) {
        if self.held_until.is_some_and(|until| now < until) {
            return;
        }
        self.held_until = None;
        while let Some(frame) = self.frames.front_mut() {
            if self.pacer.is_too_late(now, frame.since) {
                self.keyframe = true;
                self.dropped_frames += 1;
                self.frames.pop_front();
                continue;
            }
            match self.pacer.allow(now, frame.packets.iter().sum(), PacketClass::Video) {
                PacerDecision::Send => {
                    let packets = self.frames.pop_front().expect("it is the front").packets;
                    out.extend(packets.into_iter().map(video));
                }
                PacerDecision::Split(mut room) => {
                    let before = room;
                    while let Some(&bytes) = frame.packets.front()
                        && bytes <= room
                        && self.pacer.allow(now, bytes, PacketClass::Video) == PacerDecision::Send
                    {
                        room -= bytes;
                        frame.packets.pop_front();
                        out.push(video(bytes));
                    }
                    if room == before {
                        return;
                    }
                }
                PacerDecision::HoldUntil(until) => {
                    assert!(until > now);
                    self.held_until = Some(until);
                    return;
                }
            }
        }
    }

    /// Fills the cluster up in slots of five milliseconds.
    fn send_probe(&mut self, now: Instant, out: &mut Vec<Outgoing>) {
        if self.probing.is_none() {
            let Some(plan) = self.controller.poll_probe(now) else { return };
            self.probes += 1;
            self.probing = Some(Probing { plan, begun: now, bytes: 0, packets: 0 });
        }
        let Some(probing) = &mut self.probing else { return };
        for packet in out.iter_mut() {
            probing.bytes += packet.bytes as u64;
            packet.probe = Some(probing.plan.id);
            probing.packets += 1;
        }
        let elapsed = now - probing.begun;
        if !elapsed.as_millis().is_multiple_of(5) {
            return;
        }
        let over = elapsed >= probing.plan.duration;
        let bytes = ((probing.plan.bytes() / probing.plan.packets as u64) as usize).clamp(60, PACKET_BYTES);
        while probing.bytes < probing.plan.rate.bytes_in(elapsed.min(probing.plan.duration))
            || over && probing.packets < probing.plan.packets
        {
            assert_eq!(self.pacer.allow(now, bytes, PacketClass::Probe), PacerDecision::Send);
            out.push(Outgoing { bytes, class: PacketClass::Probe, probe: Some(probing.plan.id) });
            probing.bytes += bytes as u64;
            probing.packets += 1;
            self.probe_bytes += bytes as u64;
        }
        if over {
            self.probing = None;
        }
    }

    pub fn video_kbps(&self) -> u64 {
        self.layer.map_or(0, |layer| LAYERS_KBPS[layer])
    }
}

fn video(bytes: usize) -> Outgoing {
    Outgoing { bytes, class: PacketClass::Video, probe: None }
}

/// What a server would set, with a limit far above every link here.
pub fn server_config() -> EstimatorConfig {
    EstimatorConfig {
        min: DataRate::from_kbps(40),
        max: DataRate::from_kbps(50_000),
        probing: true,
        ..EstimatorConfig::default()
    }
}
