//! Moves members' media paths on: datagrams and timeouts in, whatever they bring forth out.
//!
//! A batch of datagrams is taken in first ([`Sfu::handle_datagram`]); what it makes others send waits until
//! [`Sfu::flush`] gives each touched member one timeout and drains it, so that packets of one picture leave together.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use str0m::bwe::BweKind;
use str0m::media::KeyframeRequestKind;
use str0m::net::{DatagramRecv, Protocol, Receive};
use str0m::{Input, Output, RtcError};

use crate::arena::Key;
use crate::event::{Event, Transmit};
use crate::member::ADDRESSES;
use crate::sfu::Sfu;

/// Levels, liveness, owed keyframes and layers are looked after this often.
const TICK: Duration = Duration::from_millis(100);

/// A media path that wants to be called again at once is, this many times; then others have their turn.
const ROUNDS: usize = 256;

impl Sfu {
    /// Takes in one datagram. Call [`Sfu::flush`] after the last of a batch.
    pub fn handle_datagram(&mut self, now: Instant, source: SocketAddr, destination: SocketAddr, contents: &[u8]) {
        let Ok(parsed) = DatagramRecv::try_from(contents) else {
            self.counters.dropped_malformed += 1;
            return;
        };
        let is_stun = contents.first().is_some_and(|first| *first < 2);
        let receive = Receive { proto: Protocol::Udp, source, destination, contents: parsed };
        let input = Input::Receive(now, receive);
        let Some(key) = self.owner_of(source, is_stun, &input) else {
            self.counters.dropped_unknown += 1;
            return;
        };
        let Some(member) = self.members.get_mut(key) else { return };
        let result = guarded(|| member.rtc.handle_input(input));
        member.last_datagram = now;
        if std::mem::take(&mut member.silent) {
            let (room, participant) = (member.room, member.participant);
            self.emit(room, Event::Back(participant));
        }
        match result {
            Ok(()) => self.drain(now, key),
            Err(Failed) => self.fail(now, key),
        }
    }

    /// Whose datagram it is: by address, and for STUN by its signed user name, since an address can change hands.
    fn owner_of(&mut self, source: SocketAddr, is_stun: bool, input: &Input<'_>) -> Option<Key> {
        let known = self.addresses.get(&source).copied();
        if let Some(key) = known
            && (!is_stun || self.members.get(key).is_some_and(|member| member.rtc.accepts(input)))
        {
            return Some(key);
        }
        if !is_stun {
            return None;
        }
        let key = self.members.iter().find(|(_, member)| member.rtc.accepts(input)).map(|(key, _)| key)?;
        self.learn_address(source, key);
        Some(key)
    }

    fn learn_address(&mut self, address: SocketAddr, key: Key) {
        if let Some(before) = self.addresses.insert(address, key).and_then(|before| self.members.get_mut(before)) {
            before.addresses.retain(|known| *known != address);
        }
        let Some(member) = self.members.get_mut(key) else { return };
        member.addresses.push(address);
        if member.addresses.len() > ADDRESSES {
            let oldest = member.addresses.remove(0);
            self.addresses.remove(&oldest);
        }
    }

    /// Lets time pass: calls every media path that is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let due: Vec<Key> =
            self.members.iter().filter(|(_, member)| member.deadline <= now).map(|(key, _)| key).collect();
        for key in due {
            self.advance(now, key);
        }
        if self.next_tick.is_none_or(|at| at <= now) {
            self.next_tick = Some(now + TICK);
            self.tick(now);
        }
        self.flush(now);
    }

    /// When [`Sfu::handle_timeout`] wants to be called; `None` while nobody is here.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let earliest = self.members.iter().map(|(_, member)| member.deadline).min()?;
        Some(self.next_tick.map_or(earliest, |tick| tick.min(earliest)))
    }

    /// Sends what a batch of input left to send, and steers rooms that changed.
    pub fn flush(&mut self, now: Instant) {
        loop {
            self.steer_changed_rooms(now);
            let Some(key) = self.touched.pop() else { break };
            self.advance(now, key);
        }
        self.tell_slots();
    }

    /// Marks a member for the next flush.
    pub(crate) fn touch(&mut self, key: Key) {
        if let Some(member) = self.members.get_mut(key)
            && !std::mem::replace(&mut member.touched, true)
        {
            self.touched.push(key);
        }
    }

    fn advance(&mut self, now: Instant, key: Key) {
        let Some(member) = self.members.get_mut(key) else { return };
        member.touched = false;
        match guarded(|| member.rtc.handle_input(Input::Timeout(now))) {
            Ok(()) => self.drain(now, key),
            Err(Failed) => self.fail(now, key),
        }
    }

    fn drain(&mut self, now: Instant, key: Key) {
        let mut rounds = 0;
        loop {
            let Some(member) = self.members.get_mut(key) else { return };
            match guarded(|| member.rtc.poll_output()) {
                Ok(Output::Transmit(transmit)) => self.transmits.push(Transmit {
                    source: transmit.source,
                    destination: transmit.destination,
                    contents: transmit.contents.into(),
                }),
                Ok(Output::Event(event)) => self.handle_event(now, key, event),
                Ok(Output::Timeout(at)) if at > now => {
                    member.deadline = at;
                    break;
                }
                Ok(Output::Timeout(_)) if rounds >= ROUNDS => {
                    member.deadline = now + Duration::from_millis(1);
                    break;
                }
                Ok(Output::Timeout(_)) => {
                    rounds += 1;
                    if guarded(|| member.rtc.handle_input(Input::Timeout(now))).is_err() {
                        return self.fail(now, key);
                    }
                }
                Err(Failed) => return self.fail(now, key),
            }
        }
        if self.members.get(key).is_some_and(|member| !member.rtc.is_alive()) {
            self.fail(now, key);
        }
    }

    fn handle_event(&mut self, now: Instant, key: Key, event: str0m::Event) {
        match event {
            str0m::Event::RtpPacket(packet) => self.handle_packet(now, key, &packet),
            str0m::Event::KeyframeRequest(request) => self.forward_keyframe_request(now, key, request.mid),
            str0m::Event::EgressBitrateEstimate(kind) => {
                let Some(member) = self.members.get_mut(key) else { return };
                match kind {
                    BweKind::Twcc { estimate, can_probe: true } => member.bandwidth.estimate = Some(estimate.as_u64()),
                    // Without feedback the estimate means nothing.
                    BweKind::Twcc { .. } => member.bandwidth.estimate = None,
                    _ => {}
                }
            }
            str0m::Event::Connected => {
                let Some(member) = self.members.get_mut(key) else { return };
                member.connected = true;
                let (room, participant) = (member.room, member.participant);
                self.emit(room, Event::Connected(participant));
                self.needs_steering(room);
            }
            _ => {}
        }
    }

    /// Asks a publisher's layer for a keyframe, unless it was asked a moment ago; then as soon as that is over.
    pub(crate) fn request_keyframe(&mut self, now: Instant, publisher: Key, track: usize, layer: usize) {
        let interval = self.config.keyframe_interval;
        let Some(member) = self.members.get_mut(publisher) else { return };
        let Some(stream) = member.tracks.get_mut(track).and_then(|track| track.layers.get_mut(layer)) else { return };
        let Some(ssrc) = stream.ssrc else { return };
        if stream.keyframe_asked_at.is_some_and(|at| now.saturating_duration_since(at) < interval) {
            stream.keyframe_owed = true;
            return;
        }
        let mut direct = member.rtc.direct_api();
        let Some(receive) = direct.stream_rx(&ssrc) else { return };
        receive.request_keyframe(KeyframeRequestKind::Pli);
        stream.keyframe_asked_at = Some(now);
        stream.keyframe_owed = false;
        self.counters.keyframe_requests += 1;
        self.touch(publisher);
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
        let transmits = &mut self.transmits;
        // What fails here fails for somebody who is gone.
        let _gone_either_way = guarded(|| {
            if !member.rtc.is_alive() {
                return Ok(());
            }
            member.rtc.close()?;
            member.rtc.handle_input(Input::Timeout(now))?;
            loop {
                match member.rtc.poll_output()? {
                    Output::Transmit(transmit) => transmits.push(Transmit {
                        source: transmit.source,
                        destination: transmit.destination,
                        contents: transmit.contents.into(),
                    }),
                    Output::Event(_) => {}
                    Output::Timeout(_) => return Ok(()),
                }
            }
        });
        for address in &member.addresses {
            self.addresses.remove(address);
        }
        if let Some(room) = self.rooms.get_mut(member.room) {
            room.members.retain(|known| *known != key);
            room.by_participant.retain(|_, known| *known != key);
        }
        self.needs_steering(member.room);
    }

    fn tick(&mut self, now: Instant) {
        for key in self.members.keys() {
            let Some(member) = self.members.get_mut(key) else { continue };
            let quiet = now.saturating_duration_since(member.last_datagram);
            if quiet > self.config.abandoned_after {
                self.fail(now, key);
                continue;
            }
            for track in &mut member.tracks {
                track.loudness.tick(now);
            }
            let owed: Vec<(usize, usize)> = owed_keyframes(&member.tracks);
            if quiet > self.config.silent_after && !std::mem::replace(&mut member.silent, true) {
                let (room, participant) = (member.room, member.participant);
                self.emit(room, Event::Silent(participant));
            }
            for (track, layer) in owed {
                self.request_keyframe(now, key, track, layer);
            }
        }
        self.steer_all_rooms(now);
    }
}

/// A media path that returned an error or panicked; it is of no more use.
pub(crate) struct Failed;

/// Calls into a media path. It parses what the network sends, so a panic in it must cost its own member only.
pub(crate) fn guarded<T>(call: impl FnOnce() -> Result<T, RtcError>) -> Result<T, Failed> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(_)) | Err(_) => Err(Failed),
    }
}

fn owed_keyframes(tracks: &[crate::member::Track]) -> Vec<(usize, usize)> {
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
