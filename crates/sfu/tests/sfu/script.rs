//! Any bytes as the script of a call: who joins and leaves, what they show, what is sent by them, by strangers and by a
//! member that means harm; and what has to hold after every step.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::time::Duration;

use confab_fuzz::{Random, Target};
use confab_protocol::{Layer, SourceKind};
use confab_rtp::wire::{
    ExtensionIds, HeaderWriter, ReceptionBlock, RtcpWriter, RtpHeader, RtpView, SenderInfo, view::is_rtcp,
};
use confab_sfu::{Counters, Event, Joining, TrackState};
use str0m::media::{Direction, MediaKind};

use crate::client::{Client, Offered};
use crate::lab::Lab;

/// The bit of the first byte that says so (RFC 3550, 5.1).
const HAS_PADDING: u8 = 0x20;

const MILLISECOND: Duration = Duration::from_millis(1);
const SOURCES: [SourceKind; 3] = [SourceKind::Microphone, SourceKind::Camera, SourceKind::Screen];
/// More would make each script slow, and shows nothing new.
const MOST_CLIENTS: usize = 5;
/// The member that means harm, and the first honest one.
const INSIDER: usize = 0;

/// The rest of a script; zeros when it is over.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound.max(1)
    }

    fn word(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    fn long(&mut self) -> u32 {
        u32::from(self.word()) << 16 | u32::from(self.word())
    }

    fn piece(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most + 1)).map(|_| self.byte()).collect()
    }
}

struct Call {
    lab: Lab,
    /// Who should be a member, by client.
    present: HashSet<usize>,
    events_seen: usize,
    /// Numbers the insider has sent, extended, by stream.
    sent: HashMap<u32, u64>,
    extensions: ExtensionIds,
    payload_types: Vec<u8>,
    /// Numbers receivers were sent, by receiver and stream: the highest, and all of them.
    received: HashMap<(SocketAddr, u32), (u64, HashSet<u64>)>,
    /// Of what was recorded, so much was looked at.
    looked_at: usize,
}

impl Call {
    fn open() -> Self {
        let mut lab = Lab::new();
        let insider = Client::insider(lab.now, "10.0.1.1:7000".parse().unwrap());
        lab.begin_join_of(insider, &Offered::default(), Lab::grants());
        let bob = lab.begin_join(&Offered::default(), Lab::grants());
        lab.run_until(Duration::from_secs(2), |lab| lab.clients[INSIDER].keys.is_some() && lab.clients[bob].connected);
        for client in [INSIDER, bob] {
            for source in SOURCES {
                lab.publish(client, source);
            }
            let other = INSIDER + bob - client;
            lab.view(client, &[(other, SourceKind::Camera, 720), (other, SourceKind::Screen, 720)]);
        }
        lab.run(MILLISECOND * 20);
        // What an offer of its kind numbers extensions and formats with.
        let (offer, ..) = Client::insider(lab.now, "10.9.9.9:9".parse().unwrap()).offer(&Offered::default());
        let types = offer.lines().filter_map(|line| line.strip_prefix("a=rtpmap:")?.split(' ').next()?.parse().ok());
        Self {
            present: [INSIDER, bob].into(),
            events_seen: 0,
            sent: HashMap::new(),
            extensions: ExtensionIds::from_sdp(&offer),
            payload_types: types.collect(),
            received: HashMap::new(),
            looked_at: 0,
            lab,
        }
    }

    fn step(&mut self, script: &mut Bytes<'_>) {
        let kind = script.byte();
        let client = script.below(self.lab.clients.len());
        let (now, room) = (self.lab.now, self.lab.room);
        match kind % 16 {
            0..=4 => self.write_media(script),
            5 | 6 => self.write_report(script),
            7 => self.honest_media(script),
            8 => self.bent_datagram(script),
            9 => {
                let state =
                    [TrackState::Published { width: 1_280, height: 720 }, TrackState::Muted, TrackState::Unpublished];
                self.lab.set_track(client, SOURCES[script.below(3)], state[script.below(3)]);
            }
            10 => {
                let tiles: Vec<_> = (0..script.below(6))
                    .map(|_| {
                        let of = script.below(self.lab.clients.len());
                        let height = u32::from(script.word());
                        confab_protocol::TileRequest {
                            priority: script.byte(),
                            pinned: script.byte() & 1 != 0,
                            ..self.lab.tile(of, SOURCES[script.below(3)], height)
                        }
                    })
                    .collect();
                self.lab.view_tiles(client, tiles);
            }
            11 if self.lab.clients.len() < MOST_CLIENTS => {
                let offered = Offered {
                    audio_slots: script.below(4),
                    video_slots: script.below(4),
                    tracks: vec![(SourceKind::Microphone, vec![]), (SourceKind::Camera, Layer::ALL.to_vec())],
                };
                let joined = self.lab.begin_join(&offered, Lab::grants());
                self.present.insert(joined);
            }
            // The insider stays: it is what makes most of the others' trouble.
            12 if client != INSIDER => {
                self.lab.sfu.leave(now, room, self.lab.id(client));
                self.present.remove(&client);
            }
            13 => self.restart(client, script),
            14 => self.lab.run(MILLISECOND * u32::from(script.byte())),
            _ => {
                // Nobody is called for a while, as when a machine stands still.
                self.lab.now += MILLISECOND * u32::from(script.word() >> 4);
                self.lab.step();
            }
        }
        self.lab.step();
        self.check();
    }

    /// A packet of the insider, protected as it should be, with anything in it.
    fn write_media(&mut self, script: &mut Bytes<'_>) {
        let choice = script.byte();
        let layer = Layer::ALL[usize::from(choice >> 2 & 3) % 3];
        let track = usize::from(choice & 3) % self.lab.clients[INSIDER].tracks.len();
        let mid = self.lab.clients[INSIDER].tracks[track].mid.to_string();
        let ssrc = 100 + u32::from(choice & 0x1f);
        let step = i64::from(script.word() as i16) >> if choice & 0x40 == 0 { 13 } else { 0 };
        let before = *self.sent.entry(ssrc).or_insert(1 << 15);
        let Some(sequence) = before.checked_add_signed(step.clamp(-30_000, 30_000)) else { return };
        let payload_type = match choice & 0x80 {
            0 => self.payload_types[script.below(self.payload_types.len())],
            _ => script.byte() & 0x7f,
        };
        let header = RtpHeader {
            marker: choice & 0x20 != 0,
            payload_type,
            sequence: sequence as u16,
            timestamp: script.long(),
            ssrc,
        };
        let (descriptor, level) = (script.piece(20), [script.byte()]);
        let mut writer = HeaderWriter::new(header);
        writer
            .extension(self.extensions.mid, mid.as_bytes())
            .extension(self.extensions.rid.filter(|_| track == 1), layer.rid().as_bytes())
            .extension(self.extensions.audio_level, &level)
            .extension(self.extensions.dependency_descriptor.filter(|_| !descriptor.is_empty()), &descriptor)
            .transport_cc(self.extensions.transport_cc);
        let mut packet = Vec::new();
        let written = writer.append(&mut packet);
        written.set_transport_cc(&mut packet, script.word());
        packet.extend(script.piece(60));
        let insider = &mut self.lab.clients[INSIDER];
        let (Some(keys), from) = (&mut insider.keys, insider.address) else { return };
        packet.resize(packet.len() + keys.outbound.profile().rtp_overhead(), 0);
        if keys.outbound.protect_rtp(sequence, &mut packet).is_ok() {
            self.sent.insert(ssrc, before.max(sequence));
            self.lab.inject(from, &packet);
        }
    }

    /// A report of the insider, with anything in it.
    fn write_report(&mut self, script: &mut Bytes<'_>) {
        let insider = self.lab.clients[INSIDER].address;
        let mut streams: Vec<u32> =
            self.received.keys().filter(|(to, _)| *to == insider).map(|(_, ssrc)| *ssrc).collect();
        streams.sort_unstable();
        let media = streams.get(script.below(streams.len())).copied().unwrap_or(7);
        let own = 100 + u32::from(script.byte() & 0x1f);
        let block = ReceptionBlock {
            ssrc: media,
            fraction_lost: script.byte(),
            lost: i32::from(script.byte()),
            highest_sequence: script.long(),
            jitter: script.long(),
            last_sender_report: script.long(),
            delay_since_sender_report: script.long(),
        };
        let mut packet = Vec::new();
        let mut writer = RtcpWriter::new(&mut packet);
        match script.byte() % 6 {
            0 => {
                let ntp = u64::from(script.long()) << 32 | u64::from(script.long());
                let info = SenderInfo { ssrc: own, ntp, rtp_timestamp: script.long(), ..SenderInfo::default() };
                writer.sender_report(info, &[block]);
            }
            1 => {
                writer.receiver_report(own, &[block]);
            }
            2 => {
                let numbers: Vec<u16> = (0..script.below(40)).map(|_| script.word()).collect();
                writer.nack(own, media, &numbers);
            }
            3 => {
                writer.pli(own, media).fir(own, media, 1);
            }
            4 => {
                // Feedback on what it was sent: header, then anything.
                let body = script.piece(40);
                let length = (12 + body.len()).div_ceil(4);
                packet.extend([0x8f, 205, 0, (length - 1) as u8]);
                packet.extend(own.to_be_bytes().iter().chain(&media.to_be_bytes()).chain(&body));
                packet.resize(length * 4, 0);
            }
            _ => {
                packet.extend([0x80 | script.byte() & 0x3f, 192 + script.byte() % 32]);
                packet.extend(script.piece(80));
                packet.resize(packet.len().max(12), 0);
            }
        }
        let insider = &mut self.lab.clients[INSIDER];
        let (Some(keys), from) = (&mut insider.keys, insider.address) else { return };
        if keys.outbound.protect_rtcp(&mut packet).is_ok() {
            self.lab.inject(from, &packet);
        }
    }

    fn honest_media(&mut self, script: &mut Bytes<'_>) {
        let call = u64::from(script.byte());
        for client in self.present.clone() {
            if client != INSIDER && self.lab.clients[client].connected && !self.lab.clients[client].closed {
                let now = self.lab.now;
                self.lab.clients[client].speak(now, -20);
                self.lab.film(client, call);
            }
        }
    }

    /// Something from the wire, changed, from somebody.
    fn bent_datagram(&mut self, script: &mut Bytes<'_>) {
        let recorded = self.lab.recorded.clone().unwrap_or_default();
        if recorded.is_empty() {
            return;
        }
        let mut bytes = recorded[usize::from(script.word()) % recorded.len()].contents.clone();
        for _ in 0..script.below(4) {
            let place = usize::from(script.word()) % bytes.len();
            bytes[place] = script.byte();
        }
        let from = script.below(self.lab.clients.len() + 1);
        let from = self.lab.clients.get(from).map_or("203.0.113.5:1234".parse().unwrap(), |client| client.address);
        self.lab.inject(from, &bytes);
    }

    fn restart(&mut self, client: usize, script: &mut Bytes<'_>) {
        let (now, room, id) = (self.lab.now, self.lab.room, self.lab.id(client));
        let mut api = self.lab.clients[client].rtc.sdp_api();
        let choice = script.byte();
        if choice & 2 == 0 {
            api.ice_restart(choice & 1 != 0);
        }
        // A few more slots, with or without a restart.
        for _ in 0..choice >> 2 & 3 {
            api.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
        }
        let Some((offer, pending)) = api.apply() else { return };
        let mut offer = offer.to_sdp_string();
        if script.byte().is_multiple_of(4) {
            let at = usize::from(script.word()) % offer.len();
            if offer.is_char_boundary(at) {
                offer.truncate(at);
            }
        }
        match self.lab.sfu.restart(now, room, id, &offer) {
            Ok(answer) => self.lab.clients[client].accept(pending, &answer),
            Err(_) => drop(pending),
        }
        let nobody = confab_protocol::ParticipantId::new();
        let joining = Joining { participant: nobody, offer: &offer, tracks: &[], grants: Lab::grants() };
        if self.lab.sfu.join(now, room, &joining).is_ok() {
            self.lab.sfu.leave(now, room, nobody);
        }
    }

    fn check(&mut self) {
        for event in &self.lab.events[self.events_seen..] {
            if let Event::Closed(id) = event {
                self.present.retain(|client| self.lab.clients[*client].id != *id);
            }
        }
        self.events_seen = self.lab.events.len();
        let (counters, held) = (self.lab.sfu.counters(), self.lab.sfu.holdings());
        let members = self.present.len();
        assert_eq!(counters.members as usize, members, "who is there is known");
        assert_eq!(held.names, members);
        assert!(held.addresses <= members * 8 && held.streams <= members * 64, "{held:?} for {members}");
        assert!(held.timers <= MOST_CLIENTS * 400, "deadlines gather: {held:?}");
        assert!(held.held <= MOST_CLIENTS * 2_000 && held.buffers <= 20_000, "{held:?}");
        assert_eq!((held.transmits, held.events), (0, 0), "everything was taken");
        for _ in 0..4 {
            if self.lab.sfu.poll_timeout().is_none_or(|at| at > self.lab.now) {
                break;
            }
            self.lab.sfu.handle_timeout(self.lab.now);
        }
        assert!(self.lab.sfu.poll_timeout().is_none_or(|at| at > self.lab.now), "it wants to be called for ever");
        assert_eq!(self.lab.clients[INSIDER].unopened, 0, "what a receiver is sent, it can open");
        self.check_sent();
    }

    /// No number of a stream is used twice: one key must not protect two packets with the same.
    fn check_sent(&mut self) {
        let Some(recorded) = &mut self.lab.recorded else { return };
        for sent in recorded[self.looked_at..]
            .iter()
            .filter(|sent| !sent.to_server && sent.contents[0] >= 128 && !is_rtcp(&sent.contents))
        {
            // The number of padding bytes is encrypted with the rest.
            let mut contents = sent.contents.clone();
            contents[0] &= !HAS_PADDING;
            let Some(view) = RtpView::parse(&contents) else { panic!("we send packets that can be read") };
            let to = self.lab.clients[sent.client].address;
            let (highest, seen) = self.received.entry((to, view.ssrc())).or_insert_with(|| (1 << 20, HashSet::new()));
            let number = if seen.is_empty() {
                *highest & !0xffff | u64::from(view.sequence())
            } else {
                let ahead = view.sequence().wrapping_sub(*highest as u16) as i16;
                assert!(ahead < 12_000, "a leap of {ahead}: few losses more, and no receiver can tell the round");
                highest.saturating_add_signed(i64::from(ahead))
            };
            assert!(seen.insert(number), "number {} of stream {} twice", number as u16, view.ssrc());
            *highest = if seen.len() == 1 { number } else { number.max(*highest) };
        }
        // The newest stay, to be bent and sent again.
        let excess = recorded.len().saturating_sub(64);
        recorded.drain(..excess);
        self.looked_at = recorded.len();
    }
}

/// Plays a script; what was counted in the end.
fn play(script: &[u8]) -> Counters {
    let mut call = Call::open();
    call.lab.record();
    let mut script = Bytes(script);
    while !script.0.is_empty() {
        call.step(&mut script);
    }
    // Afterwards everything is as ever for whoever is left.
    call.lab.run(MILLISECOND * 300);
    call.check();
    call.lab.sfu.counters()
}

#[test]
fn any_script_leaves_the_core_in_order() {
    let mut random = Random::new(77);
    let media = |random: &mut Random| {
        // A voice and pictures in order: small steps, known formats, parts of H.264, VP8 and AV1.
        let mut script = Vec::new();
        for number in 0..24_u8 {
            script.extend([0, 0, [0x20, 0x21, 0x25, 0x29, 0x22][usize::from(number) % 5], 0x20, 0x01]);
            script.extend([random.below(12) as u8, 0, 0, number, 0, 0, 0x90, 0, number]);
            script.extend([12, 0x67, 0x42, 0xe0, 0x1f, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02]);
        }
        script
    };
    let samples: Vec<Vec<u8>> = (0..6).map(|_| media(&mut random)).collect();
    let reached = Cell::new((0, 0));
    let noise = (0..6).map(|_| random.bytes(500)).collect::<Vec<_>>();
    Target::new(env!("CARGO_MANIFEST_DIR"), "script").samples(samples).samples(noise).longest(1_200).run(|script| {
        let counters = play(script);
        reached.set((reached.get().0 + counters.packets_received, reached.get().1 + counters.packets_forwarded));
    });
    let (received, forwarded) = reached.get();
    assert!(received > 100 && forwarded > 20, "scripts reach the others: {received} received, {forwarded} forwarded");
}
