//! Lets time pass: members that are due, and the tick that looks after levels, liveness and layers.

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use crate::arena::Key;
use crate::event::Event;
use crate::ingress::stream::Track;
use crate::member::Home;
use crate::sfu::Sfu;

/// Levels, liveness, owed keyframes and layers are looked after this often.
const TICK: Duration = Duration::from_millis(100);

/// Who was called is not called again before this: whatever it asks for, the others have their turn.
const SOONEST: Duration = Duration::from_micros(500);

impl Sfu {
    /// Lets time pass: calls every member that is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.fan_out_all(now);
        while let Some(&Reverse((at, key))) = self.timers.peek() {
            if at > now {
                break;
            }
            self.timers.pop();
            // Scheduled anew since, or gone.
            let Some(member) = self.members.get_mut(key).filter(|member| member.scheduled == Some(at)) else {
                continue;
            };
            member.scheduled = None;
            self.advance(now, key);
            self.schedule(key, now + SOONEST);
        }
        if self.next_tick.is_none_or(|at| at <= now) {
            self.next_tick = Some(now + TICK);
            self.tick(now);
        }
        self.flush(now);
    }

    /// When [`Sfu::handle_timeout`] wants to be called; `None` while nobody is here.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let earliest = self.timers.peek().map(|Reverse((at, _))| *at);
        // Mirrors are never due; with them there are ticks all the same.
        let tick = self.next_tick.filter(|_| earliest.is_some() || self.relay.mirrors > 0);
        earliest.into_iter().chain(tick).min()
    }

    /// Does what a batch of input left to do.
    pub fn flush(&mut self, now: Instant) {
        self.fan_out_all(now);
        self.steer_changed_rooms(now);
        self.tell_slots();
    }

    /// Has a member called when it is due, but not before `earliest`, if that is sooner than was planned.
    pub(crate) fn schedule(&mut self, key: Key, earliest: Instant) {
        let Some(member) = self.members.get_mut(key) else { return };
        let Some(due) = member.due() else { return };
        let due = due.max(earliest);
        if member.scheduled.is_none_or(|at| due < at) {
            member.scheduled = Some(due);
            self.timers.push(Reverse((due, key)));
        }
    }

    fn advance(&mut self, now: Instant, key: Key) {
        let Some(member) = self.members.get_mut(key) else { return };
        if member.control().is_some_and(|control| control.deadline() <= now) {
            self.drive_control(now, key, |control, outlet| control.advance(now, outlet));
        }
        self.tell_arrivals(now, key);
        self.ask_for_missing(now, key);
        self.release(now, key);
    }

    /// Asks a publisher's layer for a keyframe, unless it was asked a moment ago; then as soon as that is over.
    pub(crate) fn request_keyframe(&mut self, now: Instant, publisher: Key, track: usize, layer: usize) {
        let interval = self.config.keyframe_interval;
        let Some(member) = self.members.get_mut(publisher) else { return };
        let Some(stream) = member.tracks.get_mut(track).and_then(|track| track.layers.get_mut(layer)) else { return };
        let (ssrc, mirrored) = (stream.ssrc, matches!(member.home, Home::There(_)));
        if ssrc.is_none() && !mirrored {
            return;
        }
        if stream.keyframe_asked_at.is_some_and(|at| now.saturating_duration_since(at) < interval) {
            stream.keyframe_owed = true;
            return;
        }
        stream.keyframe_asked_at = Some(now);
        stream.keyframe_owed = false;
        let Some(ssrc) = ssrc.filter(|_| !mirrored) else {
            return self.relay_keyframe_request(publisher, track, layer);
        };
        self.counters.keyframe_requests += 1;
        self.send_report(now, publisher, |report, own| {
            report.pli(own, ssrc);
        });
    }

    /// Removes a member whose media path ended, and says so.
    pub(crate) fn fail(&mut self, now: Instant, key: Key) {
        let Some(member) = self.members.get(key) else { return };
        let (room, participant) = (member.room, member.participant);
        self.counters.members_failed += 1;
        self.remove(now, key);
        self.emit(room, Event::Closed(participant));
    }

    /// Ends a media path, telling the other side, and forgets the member.
    pub(crate) fn remove(&mut self, now: Instant, key: Key) {
        let Some(mut member) = self.members.remove(key) else { return };
        match member.control() {
            Some(control) => control.close(now, &mut self.outlet),
            None => self.relay.mirrors -= 1,
        }
        for address in &member.addresses {
            self.addresses.remove(address);
        }
        for ssrc in member.streams.keys() {
            if self.stream_owners.get(ssrc) == Some(&key) {
                self.stream_owners.remove(ssrc);
            }
        }
        self.by_ufrag.remove(&member.ufrag);
        if let Some(room) = self.rooms.get_mut(member.room) {
            room.members.retain(|known| *known != key);
            room.by_participant.retain(|_, known| *known != key);
        }
        if member.peer().is_none() {
            self.relay_leave(member.room, member.participant);
        }
        self.needs_steering(member.room);
    }

    fn tick(&mut self, now: Instant) {
        for key in self.members.keys() {
            let Some(member) = self.members.get_mut(key) else { continue };
            let is_mirror = member.peer().is_some();
            let quiet = now.saturating_duration_since(member.last_datagram);
            if quiet > self.config.abandoned_after && !is_mirror {
                self.fail(now, key);
                continue;
            }
            for track in &mut member.tracks {
                track.loudness.tick(now);
            }
            let owed: Vec<(usize, usize)> = owed_keyframes(&member.tracks);
            if !is_mirror && quiet > self.config.silent_after && !std::mem::replace(&mut member.silent, true) {
                let (room, participant) = (member.room, member.participant);
                self.emit(room, Event::Silent(participant));
            }
            if let Some(member) = self.members.get_mut(key).filter(|_| !is_mirror)
                && let Some(quality) = member.quality.news(now)
            {
                let (room, id) = (member.room, member.participant);
                self.emit(room, Event::Quality { id, quality });
            }
            for (track, layer) in owed {
                self.request_keyframe(now, key, track, layer);
            }
            if !is_mirror {
                self.report(now, key);
                self.relay_live_layers(now, key);
            }
        }
        self.steer_all_rooms(now);
    }
}

fn owed_keyframes(tracks: &[Track]) -> Vec<(usize, usize)> {
    let mut owed = Vec::new();
    for (index, track) in tracks.iter().enumerate() {
        for (layer, stream) in track.layers.iter().enumerate() {
            if stream.keyframe_owed {
                owed.push((index, layer));
            }
        }
    }
    owed
}
