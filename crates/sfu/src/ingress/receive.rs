//! Datagrams to their member: STUN and DTLS to its control path, media opened and handed on.
//!
//! An address belongs to a member once a check signed with its credentials came from there (RFC 8445, 7.3), or media that
//! opens with the keys of whose stream it says it is. Everything
//! else from an address that belongs to nobody is dropped before it is looked into, handshakes too: a forged hello must
//! not reach anybody's DTLS.

use std::net::SocketAddr;
use std::time::Instant;

use confab_rtp::wire::view::is_rtcp;
use confab_rtp::wire::{RtpView, rtx};

use crate::arena::Key;
use crate::control::path::{ControlPath, Failed, Progress, Route};
use crate::egress::forward::{Arrived, Number};
use crate::egress::outlet::Outlet;
use crate::event::Event;
use crate::member::{ADDRESSES, Member, STREAMS, StreamPlace};
use crate::sfu::Sfu;

/// STUN's attribute with the names of both sides (RFC 8489, 14.3).
const USERNAME: u16 = 0x0006;
const STUN_HEADER: usize = 20;

impl Sfu {
    /// Takes in one datagram; its bytes are of no use afterwards. Call [`Sfu::flush`] after the last of a batch.
    pub fn handle_datagram(&mut self, now: Instant, source: SocketAddr, destination: SocketAddr, contents: &mut [u8]) {
        self.handle_arrival(now, now, source, destination, contents);
    }

    /// The same with the time when the system had it, for what is said of delays ([`crate::Transmit::arrived`]).
    pub fn handle_arrival(
        &mut self,
        now: Instant,
        arrival: Instant,
        source: SocketAddr,
        destination: SocketAddr,
        contents: &mut [u8],
    ) {
        self.arrival = Some(arrival);
        let route = Route { source: destination, destination: source };
        match contents.first() {
            Some(0..=3) => self.handle_check(now, route, contents),
            Some(20..=63) => self.handle_handshake(now, route, contents),
            Some(128..=191) => self.handle_media(now, route, contents),
            _ => self.counters.dropped_malformed += 1,
        }
    }

    fn handle_check(&mut self, now: Instant, route: Route, contents: &[u8]) {
        let Some(name) = our_name(contents) else {
            self.counters.dropped_malformed += 1;
            return;
        };
        let owner = self
            .by_ufrag
            .get(name)
            .copied()
            .filter(|key| self.members.get(*key).is_some_and(|member| member.accepts(now, route, contents)));
        let Some(key) = owner else {
            self.counters.dropped_unknown += 1;
            return;
        };
        let copied = self.members.get_mut(key).is_none_or(|member| !member.checks.note(contents, route.destination));
        if copied || self.belongs_to_another(now, route.destination, key) {
            self.counters.dropped_forged += 1;
            return;
        }
        self.learn_address(route.destination, key);
        self.heard(now, key);
        self.drive_control(now, key, |control, outlet| control.receive(now, route, contents, outlet));
    }

    fn handle_handshake(&mut self, now: Instant, route: Route, contents: &[u8]) {
        let Some(key) = self.addresses.get(&route.destination).copied() else {
            self.counters.dropped_unknown += 1;
            return;
        };
        self.drive_control(now, key, |control, outlet| control.receive(now, route, contents, outlet));
    }

    /// Lets a control path do something, and takes what comes of it.
    pub(crate) fn drive_control(
        &mut self,
        now: Instant,
        key: Key,
        drive: impl FnOnce(&mut ControlPath, &mut Outlet) -> Result<Progress, Failed>,
    ) {
        let Some(member) = self.members.get_mut(key) else { return };
        let Some(control) = member.control() else { return };
        let Ok(progress) = drive(control, &mut self.outlet) else { return self.fail(now, key) };
        if progress.closed {
            return self.fail(now, key);
        }
        // The first ones stay: keys taken twice would count their packets anew.
        member.keys = member.keys.take().or(progress.keys);
        if let Some(route) = progress.nominated {
            member.nominate(route);
        }
        if !member.connected && member.keys.is_some() && member.route.is_some() {
            member.connected = true;
            let (room, participant) = (member.room, member.participant);
            self.emit(room, Event::Connected(participant));
            self.needs_steering(room);
        }
        self.schedule(key, now);
    }

    /// A member with a forged source must not take the address of another from under it.
    fn belongs_to_another(&self, now: Instant, address: SocketAddr, key: Key) -> bool {
        let owner = self.addresses.get(&address).filter(|owner| **owner != key);
        let owner = owner.and_then(|owner| self.members.get(*owner));
        owner.is_some_and(|owner| now.saturating_duration_since(owner.last_datagram) <= self.config.silent_after)
    }

    fn learn_address(&mut self, address: SocketAddr, key: Key) {
        let before = self.addresses.insert(address, key);
        if before == Some(key) {
            return;
        }
        if let Some(before) = before.and_then(|before| self.members.get_mut(before)) {
            before.addresses.retain(|known| *known != address);
        }
        let Some(member) = self.members.get_mut(key) else { return };
        member.addresses.push(address);
        if member.addresses.len() > ADDRESSES {
            // The one in use stays, whoever sends checks from elsewhere.
            let in_use = member.route.map(|route| route.destination);
            let oldest = member.addresses.iter().position(|known| Some(*known) != in_use).unwrap_or(0);
            let oldest = member.addresses.remove(oldest);
            self.addresses.remove(&oldest);
        }
    }

    /// Something authentic came from a member.
    fn heard(&mut self, now: Instant, key: Key) {
        let Some(member) = self.members.get_mut(key) else { return };
        member.last_datagram = now;
        if std::mem::take(&mut member.silent) {
            let (room, participant) = (member.room, member.participant);
            self.emit(room, Event::Back(participant));
        }
    }

    fn handle_media(&mut self, now: Instant, route: Route, packet: &mut [u8]) {
        let Some(key) = self.addresses.get(&route.destination).copied() else {
            return self.handle_media_from_elsewhere(now, route, packet);
        };
        let Some(keys) = self.members.get_mut(key).and_then(|member| member.keys.as_mut()) else {
            self.counters.dropped_unknown += 1;
            return;
        };
        if is_rtcp(packet) {
            match keys.inbound.open_rtcp(packet) {
                Ok(length) => {
                    self.heard(now, key);
                    self.follow(now, key, route);
                    self.handle_reports(now, key, &packet[..length]);
                }
                Err(_) => self.counters.dropped_forged += 1,
            }
            return;
        }
        match keys.inbound.open_rtp(packet) {
            Ok(opened) => {
                self.heard(now, key);
                self.follow(now, key, route);
                self.handle_rtp(now, key, &packet[..opened.payload.end]);
            }
            Err(_) => self.counters.dropped_forged += 1,
        }
    }

    /// Media from an address that belongs to nobody. A client behind a rebound NAT sends on before it checks again, and a
    /// packet that opens and did not come before is as good as a check: it cannot be made or sent again by others.
    fn handle_media_from_elsewhere(&mut self, now: Instant, route: Route, packet: &mut [u8]) {
        let stream = RtpView::parse(packet).filter(|_| !is_rtcp(packet)).map(|view| view.ssrc());
        let key = stream.and_then(|ssrc| self.stream_owners.get(&ssrc).copied());
        let member = key.and_then(|key| Some((key, self.members.get_mut(key)?)));
        let opened = member.and_then(|(key, member)| Some((key, member.keys.as_mut()?.inbound.open_rtp(packet).ok()?)));
        let Some((key, opened)) = opened else {
            self.counters.dropped_unknown += 1;
            return;
        };
        self.learn_address(route.destination, key);
        self.heard(now, key);
        self.follow(now, key, route);
        self.handle_rtp(now, key, &packet[..opened.payload.end]);
    }

    /// A client's address changed without its doing (a rebound NAT): its signed checks and its media come from another,
    /// and nothing from the one that was nominated. What is sent follows.
    fn follow(&mut self, now: Instant, key: Key, route: Route) {
        let Some(member) = self.members.get_mut(key) else { return };
        if member.route == Some(route) {
            member.downlink.heard_on_route = now;
        } else if !member.prove(now, route)
            && member.route.is_some()
            && now.saturating_duration_since(member.downlink.heard_on_route) > self.config.rebound_after
        {
            member.take_route(now, route);
        }
    }

    /// A packet in clear: which stream it belongs to, and whether it is new there.
    fn handle_rtp(&mut self, now: Instant, from: Key, packet: &[u8]) {
        self.counters.packets_received += 1;
        let Some(view) = RtpView::parse(packet) else {
            self.counters.packets_refused += 1;
            return;
        };
        let Some(member) = self.members.get_mut(from) else { return };
        let extensions = member.extensions.read(&view);
        if let Some(number) = extensions.transport_cc {
            member.arrivals.on_packet(number, now);
        }
        let is_known = member.streams.contains_key(&view.ssrc());
        if !is_known && member.streams.len() >= STREAMS {
            for (ssrc, _) in member.streams.drain() {
                if self.stream_owners.get(&ssrc) == Some(&from) {
                    self.stream_owners.remove(&ssrc);
                }
            }
        }
        let Some(place) = place_of(member, &view, extensions.mid, extensions.rid, extensions.repaired_rid) else {
            self.counters.packets_refused += 1;
            return;
        };
        if !is_known {
            self.stream_owners.entry(view.ssrc()).or_insert(from);
        }
        let mut payload = view.payload();
        let (mut sequence, mut payload_type) = (view.sequence(), view.payload_type());
        if place.repairs {
            let track = &member.tracks[place.track];
            // Padding on the stream of repairs probes the way and repairs nothing.
            let Some((original, rest)) = rtx::original(payload).filter(|(_, rest)| !rest.is_empty()) else { return };
            let Some(repaired) = track.repairs.get(&payload_type) else { return };
            (sequence, payload, payload_type) = (original, rest, *repaired);
        }
        let arrived = Arrived {
            at: self.arrival.unwrap_or(now).min(now),
            place,
            number: Number::OnWire(sequence),
            timestamp: view.timestamp(),
            marker: view.marker(),
            payload_type,
            extensions,
            payload,
        };
        self.forward_packet(now, from, &arrived);
    }
}

/// Which track and layer a stream is: known, or said by the packet itself (RFC 8843, 9.2; RFC 8852).
fn place_of(
    member: &mut Member,
    packet: &RtpView<'_>,
    mid: Option<&str>,
    rid: Option<&str>,
    repaired_rid: Option<&str>,
) -> Option<StreamPlace> {
    let ssrc = packet.ssrc();
    let place = if let Some(known) = member.streams.get(&ssrc) {
        *known
    } else {
        let mid = mid?;
        let track = member.tracks.iter().position(|track| &*track.mid == mid)?;
        let known = &member.tracks[track];
        let repairs = known.repairs.contains_key(&packet.payload_type());
        let named = if repairs { repaired_rid.or(rid) } else { rid };
        let layer = known.layers.iter().position(|stream| match (stream.layer, named) {
            (None, _) => true,
            (Some(layer), Some(rid)) => layer.rid() == rid,
            (Some(_), None) => false,
        })?;
        let place = StreamPlace { track, layer, repairs };
        member.streams.insert(ssrc, place);
        place
    };
    let track = &mut member.tracks[place.track];
    let clock_rate = track.clock_rate();
    let stream = &mut track.layers[place.layer];
    if !place.repairs && stream.ssrc != Some(ssrc) {
        stream.begin(ssrc, clock_rate);
    }
    Some(place)
}

/// Our half of the name a check is for: the part before the colon (RFC 8445, 7.2.2).
fn our_name(message: &[u8]) -> Option<&str> {
    let mut rest = message.get(STUN_HEADER..)?;
    while let [kind_high, kind_low, high, low, after @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if u16::from_be_bytes([*kind_high, *kind_low]) == USERNAME {
            let name = std::str::from_utf8(after.get(..length)?).ok()?;
            return name.split(':').next();
        }
        rest = after.get(length.next_multiple_of(4)..)?;
    }
    None
}
