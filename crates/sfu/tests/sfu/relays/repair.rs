use std::time::Duration;

use confab_protocol::{Layer, SourceKind};

use super::cores::Cores;
use crate::client::Received;
use crate::repair::missing_and_repeated;

const SECOND: Duration = Duration::from_secs(1);
const CAMERA: SourceKind = SourceKind::Camera;

/// Ten seconds of the full layer from one core to another, with losses in percent on the way up and down; what the
/// receiver has at the end, how much was lost, and the keyframes made.
fn film_with_losses(up: f64, down: f64) -> (Cores, Vec<Received>, u64, u32) {
    let mut cores = Cores::new(2);
    let (ann, bob) = (cores.join(0), cores.join(1));
    cores.publish(ann, CAMERA);
    cores.view(bob, &[(ann, CAMERA, 720)]);
    let film = |cores: &mut Cores, call: u64| cores.film(ann, call);
    cores.run_with(SECOND * 2, film);
    assert_eq!(cores.slot_of(bob, ann, CAMERA).unwrap().layer, Some(Layer::Full));
    cores.client(bob).received.clear();
    let keyframes = cores.client(ann).track(CAMERA).streams[2].keyframes;
    cores.labs[0].paths[ann.1].loss_up_percent = up;
    cores.labs[1].paths[bob.1].loss_down_percent = down;
    cores.run_with(SECOND * 10, film);
    cores.labs[0].paths[ann.1].loss_up_percent = 0.0;
    cores.labs[1].paths[bob.1].loss_down_percent = 0.0;
    cores.run_with(SECOND, film);
    let lost = cores.labs[0].paths[ann.1].lost + cores.labs[1].paths[bob.1].lost;
    let asked = cores.client(ann).track(CAMERA).streams[2].keyframes - keyframes;
    let received = cores.received(bob, ann, CAMERA);
    (cores, received, lost, asked)
}

#[test]
fn what_is_lost_on_the_way_to_a_far_receiver_is_repaired_by_its_own_core() {
    let (cores, received, lost, keyframes) = film_with_losses(0.0, 5.0);
    assert!(lost > 50, "the loss happened: {lost} packets");
    let (missing, repeated, slowest) = missing_and_repeated(&received);
    assert!(missing <= 2, "{missing} of {} missing after repair, {lost} lost on the way", received.len());
    assert_eq!(repeated, 0);
    assert!(slowest < Duration::from_millis(300), "the slowest repair took {slowest:?}");
    assert!(keyframes <= 1, "repair needs no keyframes: {keyframes}");
    assert!(cores.labs[1].sfu.counters().packets_repaired >= lost - 2);
    assert_eq!(cores.labs[0].sfu.counters().packets_repaired, 0, "the sender's core has nothing to do with it");
}

#[test]
fn what_is_lost_on_the_way_to_its_core_is_repaired_there_and_crosses_late() {
    let (cores, received, lost, keyframes) = film_with_losses(5.0, 0.0);
    assert!(lost > 50, "the loss happened: {lost} packets");
    let (missing, repeated, slowest) = missing_and_repeated(&received);
    assert!(missing <= 2, "{missing} of {} missing after repair, {lost} lost on the way", received.len());
    assert_eq!(repeated, 0);
    assert!(slowest > Duration::ZERO && slowest < Duration::from_millis(300), "the slowest repair took {slowest:?}");
    assert!(keyframes <= 1, "repair needs no keyframes: {keyframes}");
    assert_eq!(cores.labs[1].sfu.counters().packets_refused, 0);
}
