//! One person in a room.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use confab_protocol::{
    Connection, Grants, Layer, ParticipantId, ParticipantInfo, PublishedTrack, Role, SlotAssignment, SourceKind,
};

use crate::command::SessionId;

/// How far a member's media path is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum MediaPath {
    /// Not up yet, since then.
    Connecting(Instant),
    /// Packets come.
    Up,
    /// Nothing has come since then.
    Silent(Instant),
}

/// A person in a room, as the room knows them.
#[derive(Clone, Debug)]
pub struct Member {
    pub(crate) id: ParticipantId,
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) grants: Grants,
    /// `None` while the signaling connection is lost.
    pub(crate) session: Option<SessionId>,
    /// When the signaling connection was lost.
    pub(crate) session_lost_at: Option<Instant>,
    pub(crate) path: MediaPath,
    /// No time-out before this: a session that has just resumed gets time for its new path.
    pub(crate) spared_until: Option<Instant>,
    pub(crate) offered: Vec<SourceKind>,
    pub(crate) tracks: Vec<PublishedTrack>,
    pub(crate) hand_raised_at: Option<u64>,
    pub(crate) reacted_at: Option<Instant>,
    pub(crate) joined_at: u64,
    /// Position in the order of joining.
    pub(crate) order: u64,
    pub(crate) heard: FromMedia,
}

/// What the media plane has said last about a person's slots and layers. Kept, so that a session that takes up the
/// call later is told the same.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct FromMedia {
    pub(crate) slots: BTreeMap<String, SlotAssignment>,
    pub(crate) layers: BTreeMap<SourceKind, Vec<Layer>>,
}

impl FromMedia {
    pub(crate) fn take_slots(&mut self, changed: &[SlotAssignment]) {
        for slot in changed {
            self.slots.insert(slot.mid.clone(), slot.clone());
        }
    }
}

impl Member {
    /// Who.
    pub fn id(&self) -> ParticipantId {
        self.id
    }

    /// The signaling connection, unless it is lost.
    pub fn session(&self) -> Option<SessionId> {
        self.session
    }

    /// The person's rights.
    pub fn grants(&self) -> &Grants {
        &self.grants
    }

    /// What others see.
    pub fn info(&self) -> ParticipantInfo {
        ParticipantInfo {
            id: self.id,
            name: self.name.clone(),
            role: self.role,
            tracks: self.tracks.clone(),
            hand_raised_at: self.hand_raised_at,
            connection: self.connection(),
            joined_at: self.joined_at,
        }
    }

    /// How well the server reaches the person.
    pub fn connection(&self) -> Connection {
        match self.path {
            MediaPath::Connecting(_) => Connection::Connecting,
            MediaPath::Up => Connection::Connected,
            MediaPath::Silent(_) => Connection::Rejoining,
        }
    }

    /// When the person is given up, if nothing changes.
    pub(crate) fn deadline(&self, connect_window: Duration, rejoin_window: Duration) -> Option<Instant> {
        let by_media = match self.path {
            MediaPath::Connecting(since) => Some(since + connect_window),
            MediaPath::Up => None,
            MediaPath::Silent(since) => Some(since + rejoin_window),
        };
        let by_session = self.session_lost_at.map(|lost| lost + rejoin_window);
        let earliest = match (by_media, by_session) {
            (Some(media), Some(session)) => Some(media.min(session)),
            (one, other) => one.or(other),
        };
        match (earliest, self.spared_until) {
            (Some(deadline), Some(spared)) => Some(deadline.max(spared)),
            (deadline, _) => deadline,
        }
    }

    pub(crate) fn track(&mut self, source: SourceKind) -> Option<&mut PublishedTrack> {
        self.tracks.iter_mut().find(|track| track.source == source)
    }
}
