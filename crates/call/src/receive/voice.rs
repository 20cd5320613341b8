//! All voices that come, mixed on the speaker's thread: one jitter buffer per slot, pulled every 10 ms.
//!
//! ```text
//!  inlet --(bounded)--> JitterBuffer per slot -> Mixer -> speaker
//!                                                   |---> echo canceller (exactly as played)
//!                                                   +---> tap (recording, measuring)
//! ```
//! Nothing here waits: packets come through a channel, figures are left where a reader is not looking.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use confab_media::FRAME_SAMPLES;
use confab_media::jitter_buffer::JitterBuffer;
use confab_media::mixer::Mixer;
use confab_protocol::ParticipantId;
use confab_rtp::SequenceUnwrapper;
use crossbeam_channel::{Receiver, Sender, bounded};

use super::lip_sync::VoiceDelays;
use crate::send::voice::PlayedTap;
use crate::sink::AudioTap;
use crate::stats::ReceivingAudio;
use crate::stats::meters::Meters;

/// Packets that may wait for the next pull, which comes every 10 ms.
const CAPACITY: usize = 1024;

/// Pulls between two reports of figures: 200 ms.
const REPORT_EVERY: u64 = 20;

/// What the mix is told.
pub enum VoiceInput {
    /// A packet.
    Packet {
        /// The slot.
        mid: Arc<str>,
        /// As on the wire.
        sequence: u16,
        /// As on the wire, 48 kHz.
        timestamp: u32,
        /// Opus.
        payload: Bytes,
        /// When it came.
        arrived: Instant,
    },
    /// A slot carries somebody else, or nobody, from now on.
    Assign {
        /// The slot.
        mid: Arc<str>,
        /// Who.
        participant: Option<ParticipantId>,
    },
    /// Another transport: forget all slots.
    Reset,
}

/// The way into the mix.
#[derive(Clone)]
pub struct VoiceInlet(Sender<VoiceInput>);

impl VoiceInlet {
    /// Hands something over; never waits. What finds no room is lost, as on the network.
    pub fn put(&self, input: VoiceInput) {
        drop(self.0.try_send(input));
    }
}

struct VoiceSlot {
    participant: Option<ParticipantId>,
    buffer: JitterBuffer,
    sequences: SequenceUnwrapper,
    /// A packet has come since the slot was assigned.
    fed: bool,
}

/// The mix itself; owned by whichever speaker plays it.
pub struct Mixdown {
    inputs: Receiver<VoiceInput>,
    slots: BTreeMap<Arc<str>, VoiceSlot>,
    mixer: Mixer,
    frames: Vec<[f32; FRAME_SAMPLES]>,
    meters: Arc<Meters>,
    delays: Arc<VoiceDelays>,
    played: Option<PlayedTap>,
    tap: Option<Arc<dyn AudioTap>>,
    latency: Arc<AtomicU64>,
    pulls: u64,
    longest_pull: Duration,
    heard: bool,
}

impl Mixdown {
    /// A silent mix and the way into it.
    pub fn new(
        meters: Arc<Meters>,
        delays: Arc<VoiceDelays>,
        played: Option<PlayedTap>,
        tap: Option<Arc<dyn AudioTap>>,
    ) -> (Self, VoiceInlet) {
        let (sender, inputs) = bounded(CAPACITY);
        let mix = Self {
            inputs,
            slots: BTreeMap::new(),
            mixer: Mixer::new(),
            frames: Vec::new(),
            meters,
            delays,
            played,
            tap,
            latency: Arc::default(),
            pulls: 0,
            longest_pull: Duration::ZERO,
            heard: false,
        };
        (mix, VoiceInlet(sender))
    }

    /// Where to leave what the speaker adds to the delay of the voices, in microseconds.
    pub fn speaker_latency(&self) -> Arc<AtomicU64> {
        self.latency.clone()
    }

    /// The next 10 ms for the speaker.
    pub fn pull(&mut self, now: Instant, out: &mut [f32; FRAME_SAMPLES]) {
        while let Ok(input) = self.inputs.try_recv() {
            self.take(input);
        }
        self.frames.clear();
        for slot in self.slots.values_mut().filter(|slot| slot.fed) {
            self.frames.push(slot.buffer.pull(now));
        }
        *out = self.mixer.mix(&self.frames);
        if !self.heard && out.iter().any(|sample| *sample != 0.0) {
            self.heard = true;
            self.meters.heard(now);
        }
        if let Some(played) = &self.played {
            played.played(now, out);
        }
        if let Some(tap) = &self.tap {
            tap.played(out, now);
        }
        self.pulls += 1;
        self.longest_pull = self.longest_pull.max(now.elapsed());
        if self.pulls.is_multiple_of(REPORT_EVERY) {
            self.report();
        }
    }

    fn take(&mut self, input: VoiceInput) {
        match input {
            VoiceInput::Packet { mid, sequence, timestamp, payload, arrived } => {
                let Some(slot) = slot(&mut self.slots, mid) else { return };
                slot.fed = true;
                let sequence = slot.sequences.unwrap(sequence);
                slot.buffer.insert(arrived, sequence, timestamp, &payload);
            }
            VoiceInput::Assign { mid, participant } => {
                let Some(slot) = slot(&mut self.slots, mid) else { return };
                // The stream's numbers go on when the speaker changes; only the voice is another one.
                if slot.participant.is_some() && participant != slot.participant {
                    slot.buffer.reset();
                    slot.fed = false;
                }
                slot.participant = participant;
            }
            VoiceInput::Reset => self.slots.clear(),
        }
    }

    fn report(&mut self) {
        let latency = Duration::from_micros(self.latency.load(Ordering::Relaxed));
        let heard = self.slots.values().filter_map(|slot| {
            let wait = Duration::from_millis(u64::from(slot.buffer.stats().current_delay_ms));
            slot.participant.map(|participant| (participant, wait + latency))
        });
        self.delays.try_set(heard);
        self.meters.try_voices(|voices, speaker| {
            voices.clear();
            voices.extend(self.slots.values().map(VoiceSlot::figures));
            speaker.latency_ms = latency.as_secs_f64() * 1000.0;
            speaker.pulls = self.pulls;
            speaker.longest_pull_ms = self.longest_pull.as_secs_f64() * 1000.0;
        });
    }
}

impl VoiceSlot {
    fn figures(&self) -> ReceivingAudio {
        let stats = self.buffer.stats();
        ReceivingAudio {
            participant: self.participant,
            packets: stats.packets_received,
            packets_lost: stats.packets_lost,
            packets_late: stats.packets_late,
            delay_ms: stats.current_delay_ms,
            played_ms: stats.played_ms,
            concealed_ms: stats.concealed_ms,
            recovered_ms: stats.fec_ms,
            stretched_ms: stats.expanded_ms + stats.accelerated_ms,
        }
    }
}

/// The slot with this mid, made when it is new. `None` when no decoder is to be had.
fn slot(slots: &mut BTreeMap<Arc<str>, VoiceSlot>, mid: Arc<str>) -> Option<&mut VoiceSlot> {
    use std::collections::btree_map::Entry;
    match slots.entry(mid) {
        Entry::Occupied(slot) => Some(slot.into_mut()),
        Entry::Vacant(place) => match JitterBuffer::new() {
            Ok(buffer) => Some(place.insert(VoiceSlot {
                participant: None,
                buffer,
                sequences: SequenceUnwrapper::new(),
                fed: false,
            })),
            Err(error) => {
                tracing::error!(%error, "a voice is not heard");
                None
            }
        },
    }
}
