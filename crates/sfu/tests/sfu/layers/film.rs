//! A call in which one person sends pictures with layers inside one stream, and what each receiver can decode of them.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use confab_protocol::{Layer, SourceKind};
use confab_rtp::codec::{DescriptorReader, PictureId, VideoCodec, facts};
use str0m::format::Codec;

use crate::client::{Client, Offered, Received, Written};
use crate::descriptor_sender::{Described, L3T3};
use crate::lab::Lab;
use crate::random::Random;
use crate::sender::{Encoder, Stream};
use crate::vpx_sender::{H264, Vp8, Vp9};

/// How a sender makes its pictures; all at 30 a second.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Three temporal layers.
    Vp8,
    /// Three spatial and three temporal layers, told by the payload.
    Vp9,
    /// The same, but only keyframes build on lower layers.
    Vp9KeySvc,
    /// The same as `Vp9`, told by the dependency descriptor.
    Av1,
    /// Two temporal layers.
    H264,
}

impl Kind {
    fn codec(self) -> Codec {
        match self {
            Self::Vp8 => Codec::Vp8,
            Self::Vp9 | Self::Vp9KeySvc => Codec::Vp9,
            Self::Av1 => Codec::Av1,
            Self::H264 => Codec::H264,
        }
    }

    fn encoder(self, random: &mut Random) -> Box<dyn Encoder> {
        match self {
            Self::Vp8 => Box::new(Vp8::new(false, random)),
            Self::Vp9 => Box::new(Vp9::new(false, false, random)),
            Self::Vp9KeySvc => Box::new(Vp9::new(false, true, random)),
            Self::Av1 => Box::new(Described::new(L3T3, random)),
            Self::H264 => Box::new(H264::new()),
        }
    }

    /// Bytes of a packet, by spatial layer. A frame has two on average, which makes 0.15, 0.45 and 1 Mbit/s in all with
    /// three spatial layers, and 0.5 Mbit/s without.
    fn packet_bytes(self, spatial: u8) -> usize {
        match self {
            Self::Vp8 | Self::H264 => 1_000,
            _ => [300, 600, 1_100][usize::from(spatial)],
        }
    }
}

/// What a packet's last bytes say: where it belongs.
struct Tag {
    frame: usize,
    part: u8,
}

const TAG: usize = 5;

impl Tag {
    fn of(received: &Received) -> Option<Self> {
        let (_, tag) = received.payload.split_at_checked(received.payload.len().checked_sub(TAG)?)?;
        Some(Self { frame: u32::from_be_bytes(tag[..4].try_into().unwrap()) as usize, part: tag[4] })
    }
}

/// A picture as a receiver has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shown {
    pub at: Instant,
    /// The highest spatial layer.
    pub spatial: u8,
    pub temporal: u8,
}

/// One sender, receivers, and what was sent.
pub struct Call {
    pub lab: Lab,
    pub kind: Kind,
    pub source: SourceKind,
    pub stream: Stream,
    /// Keyframes asked of the sender.
    pub keyframes: u32,
    /// Spatial layers above this one are not sent.
    pub most_spatial: u8,
    random: Random,
    timestamp: u32,
}

pub const SENDER: usize = 0;

impl Call {
    /// The sender is client 0.
    pub fn begin(kind: Kind, source: SourceKind, receivers: usize) -> Self {
        let mut random = Random(7);
        let encoder = kind.encoder(&mut random);
        // The number stays in the lower half at first, so that a round cannot be missed.
        let stream = Stream { next_sequence: 1_000, ..Stream::new(0, encoder, &mut random) };
        let mut lab = Lab::new();
        for index in 0..=receivers {
            let address = SocketAddr::from(([10, 0, 1, index as u8 + 1], 7_000));
            let client = Client::of(lab.now, address, kind.codec());
            let offered = Offered { tracks: vec![(source, vec![])], ..Offered::default() };
            lab.begin_join_of(client, &offered, Lab::grants());
            lab.run_until(Duration::from_secs(2), |lab| lab.clients[index].connected);
        }
        lab.publish(SENDER, source);
        Self { lab, kind, source, stream, keyframes: 0, most_spatial: 7, random, timestamp: 90_000 }
    }

    /// Who watches, and in a tile of how many lines.
    pub fn view(&mut self, receiver: usize, height: u32) {
        self.lab.view(receiver, &[(SENDER, self.source, height)]);
    }

    /// Lets time pass, with pictures.
    pub fn run(&mut self, duration: Duration) {
        let pictures = duration.as_millis() / 33;
        for _ in 0..pictures {
            self.picture();
            self.lab.run(Duration::from_millis(33));
        }
    }

    fn picture(&mut self) {
        let due = &mut self.lab.clients[SENDER].track(self.source).streams[0].keyframe_due;
        if std::mem::take(due) {
            self.stream.wants_key = true;
            self.keyframes += 1;
        }
        self.timestamp += 2_970;
        let mut packets = self.stream.picture(self.timestamp, &mut self.random);
        packets.retain(|packet| self.stream.frames[packet.frame].spatial <= self.most_spatial);
        self.stream.next_sequence = packets[0].sequence + packets.len() as u64;
        packets.last_mut().unwrap().marker = true;
        let (mut part, mut before) = (0, usize::MAX);
        for (sequence, packet) in (packets[0].sequence..).zip(packets) {
            part = if packet.frame == before { part + 1 } else { 0 };
            before = packet.frame;
            let mut payload = packet.payload;
            let spatial = self.stream.frames[packet.frame].spatial;
            payload.resize(self.kind.packet_bytes(spatial) - TAG, 0);
            payload.extend((packet.frame as u32).to_be_bytes());
            payload.push(part);
            let (timestamp, marker, descriptor) = (packet.timestamp, packet.marker, packet.extension);
            let written = Written { sequence, timestamp, marker, payload, descriptor };
            self.lab.clients[SENDER].write(self.lab.now, self.source, written);
        }
    }

    /// The size a receiver was told of.
    pub fn told(&self, receiver: usize) -> Option<Layer> {
        self.lab.slot_of(receiver, SENDER, self.source).and_then(|slot| slot.layer)
    }

    /// All that came on a receiver's slot, in order of its numbers.
    pub fn received(&self, receiver: usize) -> Vec<Received> {
        let slot = self.lab.slot_of(receiver, SENDER, self.source).expect("a slot was told");
        let mut received = self.lab.clients[receiver].on(&slot.mid);
        received.sort_by_key(|packet| packet.sequence);
        received.dedup_by_key(|packet| packet.sequence);
        received
    }

    /// What a receiver's decoder has: every picture whole, with all it needs, its numbers without a gap.
    pub fn shown(&self, receiver: usize) -> Vec<Shown> {
        let received = self.received(receiver);
        self.check_numbers(&received);
        if self.kind == Kind::Av1 {
            check_descriptors(&received);
        }
        let (mut shown, mut whole): (Vec<Shown>, HashSet<usize>) = (Vec::new(), HashSet::new());
        let mut parts: HashMap<usize, u8> = HashMap::new();
        let mut begins = true;
        for packet in &received {
            let Some(tag) = Tag::of(packet) else { continue };
            let frame = &self.stream.frames[tag.frame];
            let next = parts.entry(tag.frame).or_insert(0);
            assert_eq!(tag.part, *next, "the packets of a frame are all there");
            *next += 1;
            if usize::from(*next) == frame.payloads.len() {
                whole.insert(tag.frame);
            }
            if begins || self.is_keyframe(packet) && tag.part == 0 {
                shown.push(Shown { at: packet.at, spatial: 0, temporal: frame.temporal });
            }
            begins = packet.marker;
            for reference in &frame.references {
                assert!(whole.contains(reference), "frame {} needs frame {reference}", tag.frame);
            }
            let picture = shown.last_mut().unwrap();
            assert_eq!(picture.temporal, frame.temporal, "the marker is at the end of each picture");
            picture.spatial = picture.spatial.max(frame.spatial);
        }
        shown
    }

    fn is_keyframe(&self, packet: &Received) -> bool {
        Tag::of(packet).is_some_and(|tag| self.stream.frames[tag.frame].references.is_empty())
    }

    fn check_numbers(&self, received: &[Received]) {
        for pair in received.windows(2) {
            let [left, right] = pair else { continue };
            if right.sequence != left.sequence + 1 {
                // Pictures that waited too long for the pace are dropped all together, and a keyframe follows.
                let is_late = self.lab.sfu.counters().packets_late > 0;
                assert!(is_late && self.is_keyframe(right), "a gap before {}", right.sequence);
            }
        }
        let pictures: Vec<&Received> = received.iter().filter(|packet| Tag::of(packet).is_some()).collect();
        for pair in pictures.windows(2) {
            let [left, right] = pair else { continue };
            if self.is_keyframe(right) {
                continue;
            }
            assert_eq!(right.timestamp != left.timestamp, left.marker, "the marker ends each picture");
            let read = |packet: &Received| {
                let codec = match self.kind.codec() {
                    Codec::Vp8 => VideoCodec::Vp8,
                    Codec::Vp9 => VideoCodec::Vp9,
                    _ => return None,
                };
                facts(codec, &packet.payload, packet.marker, None)
            };
            let (Some(before), Some(after)) = (read(left), read(right)) else { continue };
            let is_new = left.marker;
            let steps = |id: Option<PictureId>| id.map_or(0, PictureId::value);
            let step = steps(after.picture_id).wrapping_sub(steps(before.picture_id)) & 0x7fff;
            match self.kind {
                // Where a number was filled afterwards, its picture's id was left open too.
                Kind::Vp8 => {
                    let most = right.sequence - left.sequence;
                    assert!(u64::from(step) <= most && (step > 0) == is_new, "picture ids are closed over: {step}");
                }
                _ => assert!(step <= 4 && (step > 0) == is_new, "a round has four pictures: {step}"),
            }
            let is_base = is_new && after.temporal == 0;
            let tl0 = after.tl0.unwrap().wrapping_sub(before.tl0.unwrap());
            assert_eq!(tl0, u8::from(is_base), "TL0PICIDX counts base pictures");
        }
    }

    /// How often the highest layers that a receiver got changed since then, looked at twice a second.
    pub fn changes(&self, receiver: usize, since: Instant) -> usize {
        let mut looks: Vec<(u128, u8, u8)> = Vec::new();
        for picture in self.shown(receiver).iter().filter(|picture| picture.at >= since) {
            let look = (picture.at - since).as_millis() / 500;
            match looks.last_mut() {
                Some(last) if last.0 == look => {
                    last.1 = last.1.max(picture.spatial);
                    last.2 = last.2.max(picture.temporal);
                }
                _ => looks.push((look, picture.spatial, picture.temporal)),
            }
        }
        looks.windows(2).filter(|pair| (pair[0].1, pair[0].2) != (pair[1].1, pair[1].2)).count()
    }

    /// Pictures a second and their size, in the last time.
    pub fn lately(&self, receiver: usize, within: Duration) -> (f64, u8) {
        let begin = self.lab.now - within;
        let shown = self.shown(receiver);
        let recent: Vec<&Shown> = shown.iter().filter(|picture| picture.at >= begin).collect();
        let spatial = recent.iter().map(|picture| picture.spatial).max().unwrap_or(0);
        (recent.len() as f64 / within.as_secs_f64(), spatial)
    }
}

/// Every frame that a descriptor names as needed came before, under the number by which it is named.
fn check_descriptors(received: &[Received]) {
    let (mut reader, mut came) = (DescriptorReader::new(), HashSet::new());
    for packet in received {
        let descriptor = reader.parse(packet.descriptor.as_ref().expect("each packet has one")).unwrap();
        for distance in descriptor.references.distances() {
            let needed = descriptor.frame_number.wrapping_sub(*distance);
            assert!(came.contains(&needed), "frame {} needs {needed}", descriptor.frame_number);
        }
        came.insert(descriptor.frame_number);
    }
}
