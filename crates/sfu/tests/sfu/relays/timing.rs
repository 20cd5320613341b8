//! Sound and picture of one person stay together for receivers on other cores.

use std::time::{Duration, Instant};

use confab_protocol::SourceKind;
use confab_rtp::wire::view::is_rtcp;
use confab_rtp::wire::{Report, RtpView, SenderInfo, reports};

use super::cores::{Cores, Person};
use crate::client::Client;

const SECOND: Duration = Duration::from_secs(1);

/// What a receiver takes from reports: by how many milliseconds sound is shown before the picture that left with it.
fn skew(cores: &mut Cores, receiver: Person, until: Instant) -> f64 {
    let opened = &cores.client(receiver).opened;
    let mut latest: Vec<(Instant, u32, u32, bool)> = Vec::new();
    let mut infos: Vec<SenderInfo> = Vec::new();
    for (at, packet) in opened.iter().filter(|(at, _)| *at <= until) {
        if is_rtcp(packet) {
            infos.extend(reports(packet).filter_map(|report| match report {
                Report::SenderReport { info, .. } => Some(info),
                _ => None,
            }));
        } else if let Some(view) = RtpView::parse(packet).filter(|view| !view.payload().is_empty()) {
            latest.retain(|(_, ssrc, ..)| *ssrc != view.ssrc());
            latest.push((*at, view.ssrc(), view.timestamp(), view.payload()[0] < 0x20));
        }
    }
    // The wall clock of each stream's last packet, less when it came.
    let mut shown = [None; 2];
    for (at, ssrc, timestamp, is_voice) in latest {
        let info = infos.iter().rev().find(|info| info.ssrc == ssrc).expect("a stream that runs is reported on");
        let rate = if is_voice { 48_000.0 } else { 90_000.0 };
        let since = f64::from(timestamp.wrapping_sub(info.rtp_timestamp) as i32) / rate;
        let clock = (info.ntp >> 32) as f64 + (info.ntp & 0xffff_ffff) as f64 / 4_294_967_296.0;
        shown[usize::from(is_voice)] = Some((clock + since) * 1_000.0 + (until - at).as_secs_f64() * 1_000.0);
    }
    shown[1].expect("a voice came") - shown[0].expect("a picture came")
}

#[test]
fn sound_and_picture_are_as_far_apart_on_another_core_as_at_home() {
    let mut cores = Cores::new(2);
    let ann = cores.join(0);
    let now = cores.labs[0].now;
    let receivers = [0, 1].map(|core| {
        let insider = Client::insider(now, format!("10.0.3.{}:7000", core + 1).parse().unwrap());
        cores.join_of(core, insider)
    });
    for source in [SourceKind::Microphone, SourceKind::Camera] {
        cores.publish(ann, source);
    }
    for receiver in receivers {
        cores.view(receiver, &[(ann, SourceKind::Camera, 180)]);
    }
    let mut farthest: f64 = 0.0;
    // The client reports on its voice every five seconds.
    for seconds in [7, 1, 1, 5, 1] {
        cores.run_with(SECOND * seconds, |cores, call| {
            cores.speak(ann, call, -30);
            cores.film(ann, call);
        });
        // Both have what left by then.
        let until = cores.labs[0].now;
        cores.run(Duration::from_millis(20));
        let [near, far] = receivers.map(|receiver| skew(&mut cores, receiver, until));
        farthest = farthest.max((near - far).abs());
    }
    assert!(farthest < 2.0, "apart by {farthest} ms more or less on the other core");
}
