//! What room tasks ask of a worker, done.

use std::collections::{HashSet, VecDeque};
use std::time::Instant;

use confab_sfu::{JoinError, Joining, Key, RestartError};

use super::{Outbox, Worker};
use crate::media::command::{Command, RoomId};
use crate::media::{MediaAnswer, MediaError};

impl Worker {
    pub(super) fn obey(&mut self, command: Command) {
        let now = Instant::now();
        match command {
            Command::OpenRoom { room, events, is_home, peers } => {
                let key = self.sfu.open_room();
                self.sfu.set_home(key, is_home);
                self.names.insert(key, room);
                let (backlog, people) = (VecDeque::new(), HashSet::new());
                self.rooms.insert(room, Outbox { room: key, events, backlog, people, peers: Vec::new() });
                for peer in peers {
                    self.link(now, room, peer);
                }
            }
            Command::CloseRoom { room } => self.close_room(room),
            Command::Link { room, peer } => self.link(now, room, peer),
            Command::Unlink { room, peer } => self.unlink(now, room, peer),
            Command::SetHome { room } => {
                if let Some(key) = self.key(room) {
                    self.sfu.set_home(key, true);
                }
            }
            Command::Join { room, id, offer, tracks, grants, reply } => {
                let joining = Joining { participant: id, offer: &offer, tracks: &tracks, grants };
                let answer = match self.key(room) {
                    Some(key) => self.sfu.join(now, key, &joining).map_err(join_error),
                    None => Err(MediaError::Stopped),
                };
                if let (Ok(_), Some(outbox)) = (&answer, self.rooms.get_mut(&room)) {
                    outbox.people.insert(id);
                }
                // The packets go before the answer, so that a client that is quick finds everything ready.
                self.send();
                let answer = answer.map(|joined| MediaAnswer { answer: joined.answer, slots: joined.slots });
                if reply.send(answer).is_err() {
                    // Whoever asked has gone; so has the person.
                    self.leave(now, room, id);
                }
            }
            Command::Restart { room, id, offer, reply } => {
                let answer = match self.key(room) {
                    Some(key) => self.sfu.restart(now, key, id, &offer).map_err(restart_error),
                    None => Err(MediaError::UnknownParticipant),
                };
                let _asker_may_have_gone = reply.send(answer);
            }
            Command::Slots { room, id, reply } => {
                let _asker_may_have_gone = reply.send(self.key(room).and_then(|key| self.sfu.slots(key, id)));
            }
            Command::Leave { room, id } => self.leave(now, room, id),
            Command::SetTrack { room, id, source, state } => {
                if let Some(key) = self.key(room) {
                    self.sfu.set_track(now, key, id, source, state);
                }
            }
            Command::SetView { room, id, tiles } => {
                if let Some(key) = self.key(room) {
                    self.sfu.set_view(now, key, id, tiles);
                }
            }
            #[cfg(test)]
            Command::Run(what) => what(),
        }
    }

    fn leave(&mut self, now: Instant, room: RoomId, id: confab_protocol::ParticipantId) {
        if let Some(outbox) = self.rooms.get_mut(&room) {
            outbox.people.remove(&id);
            self.sfu.leave(now, outbox.room, id);
        }
    }

    fn key(&self, room: RoomId) -> Option<Key> {
        self.rooms.get(&room).map(|outbox| outbox.room)
    }

    pub(super) fn close_room(&mut self, room: RoomId) {
        if let Some(outbox) = self.rooms.remove(&room) {
            self.names.remove(&outbox.room);
            self.sfu.close_room(Instant::now(), outbox.room);
        }
    }
}

fn join_error(error: JoinError) -> MediaError {
    match error {
        JoinError::RoomClosed => MediaError::Stopped,
        JoinError::Track(mid) => MediaError::Track(mid),
        error => MediaError::Offer(error.to_string()),
    }
}

fn restart_error(error: RestartError) -> MediaError {
    match error {
        RestartError::UnknownMember => MediaError::UnknownParticipant,
        error => MediaError::Offer(error.to_string()),
    }
}
