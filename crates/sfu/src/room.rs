//! A room: who is in it, and who speaks.

use std::collections::HashMap;

use confab_protocol::ParticipantId;

use crate::arena::Key;
use crate::relay::Links;

/// What a person does with a track they offered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TrackState {
    /// Sends it. Size of the full layer in pixels, 0 for sound or when it is not known.
    Published {
        /// Width of the full layer, pixels.
        width: u32,
        /// Height of the full layer, pixels.
        height: u32,
    },
    /// Has it switched off for now; packets are not forwarded.
    Muted,
    /// Does not send it.
    Unpublished,
}

/// Members of one room, and what was last told about them.
pub(crate) struct Room {
    pub(crate) members: Vec<Key>,
    pub(crate) by_participant: HashMap<ParticipantId, Key>,
    /// Last told, loudest first.
    pub(crate) speaking: Vec<ParticipantId>,
    /// Something changed that slots depend on.
    pub(crate) needs_steering: bool,
    /// Other cores that it is on too.
    pub(crate) links: Links,
    /// As the core's counters know it.
    pub(crate) carried: Carried,
}

/// How many tracks a room has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Carried {
    /// Published by its members.
    pub(crate) published: u64,
    /// Carried by receive slots.
    pub(crate) forwarded: u64,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self {
            members: Vec::new(),
            by_participant: HashMap::new(),
            speaking: Vec::new(),
            needs_steering: false,
            links: Links::default(),
            carried: Carried::default(),
        }
    }
}
