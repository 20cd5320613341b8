//! What is known of the room: who is there, which chat messages were seen, and whose pictures everybody's view names.

use std::collections::HashSet;

use confab_protocol::{ChatMessage, ChatMessageId, ParticipantId, ParticipantInfo, SourceKind, TileRequest, TrackKind};

/// Chat messages whose ids are remembered; more than a page, so that a page after a reconnect can be compared.
const REMEMBERED: usize = 2_000;

/// See the module.
#[derive(Debug)]
pub struct Room {
    me: ParticipantId,
    participants: Vec<ParticipantInfo>,
    seen: HashSet<ChatMessageId>,
}

impl Room {
    /// As the server describes it at a join.
    pub fn new(me: ParticipantId, participants: Vec<ParticipantInfo>, chat: &[ChatMessage]) -> Self {
        Self { me, participants, seen: chat.iter().map(|message| message.id).collect() }
    }

    /// The server describes it anew. Chat messages seen before stay known.
    pub fn replace(&mut self, me: ParticipantId, participants: Vec<ParticipantInfo>, chat: &[ChatMessage]) {
        self.me = me;
        self.participants = participants;
        self.seen.extend(chat.iter().map(|message| message.id));
    }

    /// Who we are.
    pub fn me(&self) -> ParticipantId {
        self.me
    }

    /// Ourselves, as the server sees us.
    pub fn myself(&self) -> Option<&ParticipantInfo> {
        self.participants.iter().find(|participant| participant.id == self.me)
    }

    /// Somebody joined, or changed.
    pub fn put(&mut self, participant: ParticipantInfo) {
        match self.participants.iter_mut().find(|known| known.id == participant.id) {
            Some(known) => *known = participant,
            None => self.participants.push(participant),
        }
    }

    /// The server was told that this source of ours has stopped.
    pub fn withdraw(&mut self, source: SourceKind) {
        let me = self.me;
        if let Some(myself) = self.participants.iter_mut().find(|participant| participant.id == me) {
            myself.tracks.retain(|track| track.source != source);
        }
    }

    /// Somebody left. Their name, if they were known.
    pub fn remove(&mut self, participant: ParticipantId) -> Option<String> {
        let index = self.participants.iter().position(|known| known.id == participant)?;
        Some(self.participants.remove(index).name)
    }

    /// A chat message came. `false` when it was seen before.
    pub fn see(&mut self, message: ChatMessageId) -> bool {
        if self.seen.len() >= REMEMBERED {
            self.seen.clear();
        }
        self.seen.insert(message)
    }

    /// Whether a chat message was seen.
    pub fn has_seen(&self, message: ChatMessageId) -> bool {
        self.seen.contains(&message)
    }

    /// The view that shows everybody: screens first, then the others in the order of joining, so many at most.
    pub fn everybody(&self, width: u32, height: u32, most: usize) -> Vec<TileRequest> {
        let others = self.participants.iter().filter(|participant| participant.id != self.me);
        let mut tiles: Vec<_> = others
            .flat_map(|participant| participant.tracks.iter().map(move |track| (participant.id, track)))
            .filter(|(_, track)| track.source.track_kind() == TrackKind::Video && !track.muted)
            .map(|(participant, track)| TileRequest {
                participant,
                source: track.source,
                width,
                height,
                priority: u8::from(track.source == SourceKind::Screen),
                pinned: false,
            })
            .collect();
        tiles.sort_by_key(|tile| std::cmp::Reverse(tile.priority));
        tiles.truncate(most);
        tiles
    }
}

#[cfg(test)]
mod tests {
    use confab_protocol::{Connection, PublishedTrack, Role};

    use super::*;

    fn person(name: &str, sources: &[SourceKind]) -> ParticipantInfo {
        ParticipantInfo {
            id: ParticipantId::new(),
            name: name.into(),
            role: Role::Participant,
            tracks: sources
                .iter()
                .map(|source| PublishedTrack { source: *source, muted: false, width: 0, height: 0 })
                .collect(),
            hand_raised_at: None,
            connection: Connection::Connected,
            joined_at: 0,
        }
    }

    #[test]
    fn everybodys_view_has_the_others_pictures_with_screens_first_and_not_our_own() {
        let me = person("Me", &[SourceKind::Camera]);
        let ada = person("Ada", &[SourceKind::Microphone, SourceKind::Camera]);
        let ben = person("Ben", &[SourceKind::Camera, SourceKind::Screen]);
        let room = Room::new(me.id, vec![me, ada.clone(), ben.clone()], &[]);
        let tiles: Vec<_> =
            room.everybody(1280, 720, 9).into_iter().map(|tile| (tile.participant, tile.source)).collect();
        assert_eq!(tiles, [(ben.id, SourceKind::Screen), (ada.id, SourceKind::Camera), (ben.id, SourceKind::Camera)]);
    }

    #[test]
    fn no_more_pictures_are_asked_for_than_a_view_may_have() {
        let me = person("Me", &[]);
        let mut people = vec![me.clone()];
        people.extend((0..30).map(|_| person("Ada", &[SourceKind::Camera])));
        assert_eq!(Room::new(me.id, people, &[]).everybody(320, 180, 25).len(), 25);
    }

    #[test]
    fn a_picture_that_is_switched_off_is_not_asked_for() {
        let me = person("Me", &[]);
        let mut ada = person("Ada", &[SourceKind::Camera]);
        ada.tracks[0].muted = true;
        assert!(Room::new(me.id, vec![me, ada], &[]).everybody(320, 180, 9).is_empty());
    }

    #[test]
    fn an_update_replaces_and_a_leave_tells_the_name() {
        let me = person("Me", &[]);
        let mut ada = person("Ada", &[]);
        let mut room = Room::new(me.id, vec![me], &[]);
        room.put(ada.clone());
        ada.name = "Ada L.".into();
        room.put(ada.clone());
        assert_eq!(room.remove(ada.id).as_deref(), Some("Ada L."));
        assert_eq!(room.remove(ada.id), None);
    }

    #[test]
    fn a_chat_message_is_new_only_once() {
        let me = person("Me", &[]);
        let mut room = Room::new(me.id, vec![me], &[]);
        let id = ChatMessageId::new();
        assert!(room.see(id));
        assert!(!room.see(id));
        assert!(room.has_seen(id));
    }
}
