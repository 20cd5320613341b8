use std::collections::BTreeMap;
use std::time::Duration;

use confab_protocol::{Layer, SourceKind};

use crate::client::Received;
use crate::lab::Lab;

const SECOND: Duration = Duration::from_secs(1);
const CAMERA: SourceKind = SourceKind::Camera;

/// Twenty seconds of the full layer with losses on one side; what the receiver has at the end.
fn film_with_losses(up: f64, down: f64) -> (Vec<Received>, u64, u32) {
    let mut lab = Lab::new();
    let (ann, bob) = (lab.join(), lab.join());
    lab.publish(ann, CAMERA);
    lab.view(bob, &[(ann, CAMERA, 720)]);
    lab.run_with(SECOND * 2, |lab, call| lab.film(ann, call));
    assert_eq!(lab.slot_of(bob, ann, CAMERA).unwrap().layer, Some(Layer::Full));
    lab.clients[bob].received.clear();
    lab.paths[ann].loss_up_percent = up;
    lab.paths[bob].loss_down_percent = down;
    let keyframes = lab.clients[ann].track(CAMERA).streams[2].keyframes;
    lab.run_with(SECOND * 20, |lab, call| lab.film(ann, call));
    lab.paths[ann].loss_up_percent = 0.0;
    lab.paths[bob].loss_down_percent = 0.0;
    lab.run_with(SECOND, |lab, call| lab.film(ann, call));
    let mid = lab.slot_of(bob, ann, CAMERA).unwrap().mid;
    let asked = lab.clients[ann].track(CAMERA).streams[2].keyframes - keyframes;
    (lab.clients[bob].on(&mid), lab.paths[ann].lost + lab.paths[bob].lost, asked)
}

pub fn missing_and_repeated(received: &[Received]) -> (u64, usize, Duration) {
    let by_sequence: BTreeMap<u64, &Received> = received.iter().map(|packet| (packet.sequence, packet)).collect();
    let (first, last) = (by_sequence.keys().next().unwrap(), by_sequence.keys().next_back().unwrap());
    let missing = last - first + 1 - by_sequence.len() as u64;
    let mut slowest = Duration::ZERO;
    let mut newest = 0;
    for packet in received {
        if packet.sequence > newest {
            newest = packet.sequence;
        } else {
            // How long after a newer one it came.
            let newer = received.iter().find(|other| other.sequence > packet.sequence).unwrap();
            slowest = slowest.max(packet.at - newer.at);
        }
    }
    (missing, received.len() - by_sequence.len(), slowest)
}

#[test]
fn five_percent_lost_on_the_way_to_the_server_is_repaired_and_forwarded_in_its_place() {
    let (received, lost, keyframes) = film_with_losses(5.0, 0.0);
    assert!(lost > 100, "the loss happened: {lost} packets");
    let (missing, repeated, slowest) = missing_and_repeated(&received);
    assert!(missing <= 2, "{missing} of {} missing after repair, {lost} lost on the way", received.len());
    assert_eq!(repeated, 0);
    assert!(slowest < Duration::from_millis(300), "the slowest repair took {slowest:?}");
    assert!(keyframes <= 1, "repair needs no keyframes: {keyframes}");
}

#[test]
fn five_percent_lost_on_the_way_from_the_server_is_repaired_from_its_history() {
    let (received, lost, keyframes) = film_with_losses(0.0, 5.0);
    assert!(lost > 100, "the loss happened: {lost} packets");
    let (missing, repeated, slowest) = missing_and_repeated(&received);
    assert!(missing <= 2, "{missing} of {} missing after repair, {lost} lost on the way", received.len());
    assert_eq!(repeated, 0);
    assert!(slowest < Duration::from_millis(300), "the slowest repair took {slowest:?}");
    assert!(keyframes <= 1, "repair needs no keyframes: {keyframes}");
    assert!(received.iter().all(|packet| packet.mark().layer == 2), "random loss is no congestion");
}
