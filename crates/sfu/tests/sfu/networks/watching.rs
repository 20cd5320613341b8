//! One sender, many who watch it each in their own way.

use std::time::Duration;

use confab_protocol::{Layer, SourceKind};

use crate::client::Offered;
use crate::lab::Lab;

const SECOND: Duration = Duration::from_secs(1);
const CAMERA: SourceKind = SourceKind::Camera;

#[test]
fn views_of_different_sizes_get_different_layers_of_one_sender_at_once() {
    let mut lab = Lab::new();
    let ann = lab.join();
    let viewers = [(180, Layer::Quarter), (360, Layer::Half), (720, Layer::Full)].map(|view| (lab.join(), view));
    lab.publish(ann, CAMERA);
    for (viewer, (height, _)) in viewers {
        lab.view(viewer, &[(ann, CAMERA, height)]);
    }
    lab.run_with(SECOND * 3, |lab, call| lab.film(ann, call));
    assert_eq!(lab.watched_layers(ann, CAMERA), [0, 1, 2]);
    let since = lab.now;
    lab.run_with(SECOND * 5, |lab, call| lab.film(ann, call));
    for (viewer, (_, layer)) in viewers {
        let slot = lab.slot_of(viewer, ann, CAMERA).unwrap();
        assert_eq!(slot.layer, Some(layer));
        let seen: Vec<_> = lab.clients[viewer].on(&slot.mid).into_iter().filter(|packet| packet.at > since).collect();
        assert!(seen.len() >= 145 && seen.iter().all(|packet| packet.mark().layer == layer as u8), "{}", seen.len());
    }
}

#[test]
fn a_sender_stops_unwatched_layers_within_2_seconds_and_the_picture_is_back_within_1() {
    let mut lab = Lab::new();
    let (ann, bob, cat) = (lab.join(), lab.join(), lab.join());
    lab.publish(ann, CAMERA);
    lab.view(bob, &[(ann, CAMERA, 720)]);
    lab.view(cat, &[(ann, CAMERA, 180)]);
    lab.run_with(SECOND * 3, |lab, call| lab.film(ann, call));
    assert_eq!(lab.watched_layers(ann, CAMERA), [0, 2]);
    for (others, left) in [(Some(180), vec![0]), (None, vec![])] {
        let tiles = others.map(|height| (ann, CAMERA, height));
        lab.view(bob, tiles.as_slice());
        lab.view(cat, tiles.as_slice());
        lab.run_with(SECOND * 2, |lab, call| lab.film(ann, call));
        assert_eq!(lab.watched_layers(ann, CAMERA), left, "with {others:?}");
        let shown = lab.clients[ann].shown.len();
        lab.run_with(SECOND, |lab, call| lab.film(ann, call));
        let sent = lab.clients[ann].shown.len() - shown;
        assert_eq!(sent, left.len() * 34, "the unwatched layers are not sent");

        let begun = lab.now;
        lab.view(bob, &[(ann, CAMERA, 720)]);
        lab.run_with(SECOND * 2, |lab, call| lab.film(ann, call));
        let mid = lab.slot_of(bob, ann, CAMERA).unwrap().mid;
        let back = lab.clients[bob].on(&mid).into_iter().find(|packet| packet.at > begun && packet.mark().layer == 2);
        let after = back.expect("the full layer came").at - begun;
        assert!(after < SECOND, "back after {after:?}");
    }
}

#[test]
fn fifty_who_join_within_300_ms_cost_each_stream_two_keyframes_at_most() {
    let mut lab = Lab::new();
    let ann = lab.join();
    lab.publish(ann, CAMERA);
    let first = lab.join();
    lab.view(first, &[(ann, CAMERA, 720)]);
    lab.run_with(SECOND * 2, |lab, call| lab.film(ann, call));
    let before: Vec<u32> = lab.clients[ann].track(CAMERA).streams.iter().map(|stream| stream.asked).collect();
    // A third each wants another layer.
    let mut newcomers = Vec::new();
    lab.run_with(Duration::from_millis(250), |lab, call| {
        for _ in 0..2 {
            let newcomer = lab.begin_join(&Offered { tracks: vec![], ..Offered::default() }, Lab::grants());
            lab.view(newcomer, &[(ann, CAMERA, [180, 360, 720][newcomer % 3])]);
            newcomers.push(newcomer);
        }
        lab.film(ann, call);
    });
    assert_eq!(newcomers.len(), 50);
    lab.run_with(SECOND * 3, |lab, call| lab.film(ann, call));
    for newcomer in newcomers {
        let slot = lab.slot_of(newcomer, ann, CAMERA).expect("a slot");
        assert_eq!(slot.layer, Some([Layer::Quarter, Layer::Half, Layer::Full][newcomer % 3]));
        assert!(lab.clients[newcomer].on(&slot.mid).len() > 60, "everybody sees the picture");
    }
    let asked: Vec<u32> = (lab.clients[ann].track(CAMERA).streams.iter().zip(&before))
        .map(|(stream, before)| stream.asked - before)
        .collect();
    println!("keyframes asked by layer: {asked:?}");
    assert!(asked.iter().all(|asked| (1..=2).contains(asked)), "{asked:?}");
}
