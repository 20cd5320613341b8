//! What a packet says beside its payload crosses with it.

use std::time::Duration;

use confab_protocol::SourceKind;
use confab_rtp::wire::view::is_rtcp;
use confab_rtp::wire::{ExtensionIds, HeaderWriter, RtpHeader, RtpView};

use super::cores::{Cores, Person};
use crate::client::{Client, Offered};

const SCREEN: SourceKind = SourceKind::Screen;
/// A frame of an AV1 stream with one layer, with its structure.
const fn descriptor(frame: u8) -> [u8; 6] {
    [0xc0, 0, frame, 0x80, 0, 0xe0]
}

const FIRST: u64 = 40_000;
const FRAMES: u8 = 5;
const ORIENTATION: u8 = 3;
/// A temporal unit that begins a coded video sequence.
const KEYFRAME: [u8; 4] = [0x18, 0x0a, 1, 2];
const SSRC: u32 = 4_711;

struct Writer {
    person: Person,
    mid: String,
    extensions: ExtensionIds,
    payload_type: u8,
}

impl Writer {
    fn of(cores: &mut Cores, person: Person) -> Self {
        let now = cores.labs[0].now;
        let (offer, ..) = Client::insider(now, "10.9.9.9:9".parse().unwrap()).offer(&Offered::default());
        let line = offer.lines().find(|line| line.ends_with(" AV1/90000")).expect("it has AV1");
        let payload_type = line.trim_start_matches("a=rtpmap:").split(' ').next().unwrap().parse().unwrap();
        let mid = cores.client(person).track(SCREEN).mid.to_string();
        Self { person, mid, extensions: ExtensionIds::from_sdp(&offer), payload_type }
    }

    fn write(&self, cores: &mut Cores, number: u64, payload: &[u8]) {
        let header = RtpHeader {
            marker: true,
            payload_type: self.payload_type,
            sequence: number as u16,
            timestamp: number as u32 * 3_000,
            ssrc: SSRC,
        };
        let mut packet = Vec::new();
        HeaderWriter::new(header)
            .extension(self.extensions.mid, self.mid.as_bytes())
            .extension(self.extensions.video_orientation, &[ORIENTATION])
            .extension(self.extensions.dependency_descriptor, &descriptor((number - FIRST) as u8))
            .append(&mut packet);
        packet.extend(payload);
        let client = cores.client(self.person);
        let (keys, from) = (client.keys.as_mut().unwrap(), client.address);
        packet.resize(packet.len() + keys.outbound.profile().rtp_overhead(), 0);
        keys.outbound.protect_rtp(number, &mut packet).unwrap();
        cores.labs[self.person.0].inject(from, &packet);
    }
}

/// Somebody who writes what they like, and a viewer on another core.
fn call() -> (Cores, Writer, Person) {
    let mut cores = Cores::new(2);
    let now = cores.labs[0].now;
    let [ann, bob] = [0, 1].map(|core| {
        let insider = Client::insider(now, format!("10.0.3.{}:7000", core + 1).parse().unwrap());
        cores.join_of(core, insider)
    });
    cores.publish(ann, SCREEN);
    cores.view(bob, &[(ann, SCREEN, 720)]);
    cores.run(Duration::from_millis(50));
    let writer = Writer::of(&mut cores, ann);
    (cores, writer, bob)
}

#[test]
fn the_dependency_descriptor_and_the_orientation_of_a_picture_reach_receivers_on_another_core() {
    let (mut cores, writer, bob) = call();
    for number in FIRST..FIRST + u64::from(FRAMES) {
        writer.write(&mut cores, number, &KEYFRAME);
        cores.run(Duration::from_millis(30));
    }
    let extensions = writer.extensions;
    let opened = cores.client(bob).opened.iter().filter(|(_, packet)| !is_rtcp(packet));
    let shown: Vec<_> = opened
        .filter_map(|(_, packet)| {
            let view = RtpView::parse(packet)?;
            let read = extensions.read(&view);
            (view.payload() == KEYFRAME)
                .then(|| (view.marker(), read.video_orientation, read.dependency_descriptor.map(<[u8]>::to_vec)))
        })
        .collect();
    assert_eq!(shown.len(), usize::from(FRAMES));
    for (frame, (marker, orientation, found)) in shown.into_iter().enumerate() {
        assert!(marker);
        assert_eq!(orientation, Some(ORIENTATION));
        assert_eq!(found.as_deref(), Some(descriptor(frame as u8).as_slice()));
    }
}

#[test]
fn packets_without_a_picture_leave_no_gap_on_another_core() {
    let (mut cores, writer, bob) = call();
    for number in FIRST..FIRST + 20 {
        let payload: &[u8] = if number.is_multiple_of(3) { &[] } else { &KEYFRAME };
        writer.write(&mut cores, number, payload);
        cores.run(Duration::from_millis(30));
    }
    let shown: Vec<u16> = (cores.client(bob).opened.iter())
        .filter(|(_, packet)| !is_rtcp(packet))
        .filter_map(|(_, packet)| RtpView::parse(packet).filter(|view| view.payload() == KEYFRAME))
        .map(|view| view.sequence())
        .collect();
    assert_eq!(shown.len(), 14);
    assert!(shown.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)), "{shown:?}");
    assert_eq!(cores.labs[0].sfu.counters().relayed_out, 20, "their numbers have to be known there");
}
