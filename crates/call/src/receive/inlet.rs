//! Where packets of the transport find their slot. The way of a packet takes one lock, held for a map look-up; decode
//! threads and the speaker work on their own.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use confab_protocol::{ParticipantId, SlotAssignment, SlotKind};
use confab_rtp::RtpInput;

use super::picture::{PictureShared, PictureSlot};
use super::slots::{SlotChange, Slots};
use super::voice::{VoiceInlet, VoiceInput};
use crate::engine::event::TileKey;
use crate::send::outlet::Outlet;
use crate::transport::IncomingPacket;

/// What a sender's own way to the server is taken for: when a packet was lost there, its repair takes that round trip,
/// which nobody tells us.
const SENDERS_LEG: Duration = Duration::from_millis(70);

/// Shared by the task that reads the transport and the engine.
pub struct Inlet {
    shared: PictureShared,
    outlet: Arc<Outlet>,
    voices: VoiceInlet,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    slots: Slots,
    pictures: HashMap<String, PictureSlot>,
    voices: HashMap<String, Arc<str>>,
    /// Pictures that are shown; `None` while nobody has said.
    shown: Option<HashSet<TileKey>>,
    unknown: u64,
}

impl Inlet {
    /// Nothing is assigned yet.
    pub fn new(shared: PictureShared, outlet: Arc<Outlet>, voices: VoiceInlet) -> Self {
        Self { shared, outlet, voices, state: Mutex::default() }
    }

    /// A packet came.
    pub fn packet(&self, packet: IncomingPacket) {
        let mut state = self.lock();
        if let Some(mid) = state.voices.get(&*packet.mid) {
            let mid = mid.clone();
            drop(state);
            self.voices.put(VoiceInput::Packet {
                mid,
                sequence: packet.sequence,
                timestamp: packet.timestamp,
                payload: packet.payload,
                arrived: packet.arrived,
            });
        } else if let Some(slot) = state.pictures.get_mut(&*packet.mid) {
            let input = RtpInput {
                sequence: packet.sequence,
                timestamp: packet.timestamp,
                marker: packet.marker,
                payload: packet.payload,
            };
            slot.packet(input, packet.arrived);
        } else {
            state.unknown += 1;
        }
    }

    /// The server says what slots carry.
    pub fn assign(&self, assignments: Vec<SlotAssignment>) {
        let mut state = self.lock();
        for assignment in &assignments {
            state.open(assignment, &self.shared, &self.outlet);
        }
        for change in state.slots.assign(assignments) {
            match change {
                SlotChange::Picture { mid, key } => {
                    let key = key.filter(|key| state.is_shown(*key));
                    if let Some(slot) = state.pictures.get_mut(&mid) {
                        slot.assign(key);
                    }
                }
                SlotChange::Voice { mid, participant } => {
                    if let Some(mid) = state.voices.get(&mid) {
                        self.voices.put(VoiceInput::Assign { mid: mid.clone(), participant });
                    }
                }
            }
        }
    }

    /// Only these pictures are decoded from now on.
    pub fn show(&self, tiles: impl IntoIterator<Item = TileKey>) {
        let mut state = self.lock();
        state.shown = Some(tiles.into_iter().collect());
        let State { slots, pictures, shown, .. } = &mut *state;
        for (mid, key) in slots.pictures() {
            let key = key.filter(|key| shown.as_ref().is_none_or(|shown| shown.contains(key)));
            if let Some(slot) = pictures.get_mut(mid) {
                slot.assign(key);
            }
        }
    }

    /// The pictures that come and are shown.
    pub fn tiles(&self) -> Vec<TileKey> {
        let state = self.lock();
        state.slots.tiles().into_iter().filter(|key| state.is_shown(*key)).collect()
    }

    /// The round trip to the server changed. Repairs may have to come from beyond it.
    pub fn round_trip(&self, round_trip: Duration) {
        let round_trip = round_trip + SENDERS_LEG;
        self.lock().pictures.values().for_each(|slot| slot.round_trip(round_trip));
    }

    /// Another transport: its slots are other slots.
    pub fn reset(&self) {
        let mut state = self.lock();
        state.slots = Slots::default();
        state.pictures.clear();
        state.voices.clear();
        self.voices.put(VoiceInput::Reset);
    }

    /// Somebody left.
    pub fn forget(&self, participant: ParticipantId) {
        self.shared.meters.forget_participant(participant);
    }

    /// Packets of no known slot.
    pub fn unknown(&self) -> u64 {
        self.lock().unknown
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_shown(&self, key: TileKey) -> bool {
        self.shown.as_ref().is_none_or(|shown| shown.contains(&key))
    }

    /// Makes the slot known. Its decode thread starts when it carries a picture for the first time; packets that come
    /// before the assignment wait in the slot.
    fn open(&mut self, assignment: &SlotAssignment, shared: &PictureShared, outlet: &Arc<Outlet>) {
        let mid = &assignment.mid;
        match assignment.kind {
            SlotKind::Audio => {
                self.voices.entry(mid.clone()).or_insert_with(|| Arc::from(mid.as_str()));
            }
            SlotKind::Video if !self.pictures.contains_key(mid) => {
                let (outlet, asked) = (outlet.clone(), mid.clone());
                let slot = PictureSlot::new(mid, shared.clone(), move || outlet.request_keyframe(&asked));
                self.pictures.insert(mid.clone(), slot);
            }
            SlotKind::Video => {}
        }
    }
}
