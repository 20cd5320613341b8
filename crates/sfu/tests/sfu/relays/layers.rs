use std::time::Duration;

use confab_protocol::{Layer, SourceKind};
use str0m::media::Mid;

use super::cores::{Cores, Person};
use crate::pictures::check_stream;

const SECOND: Duration = Duration::from_secs(1);
const CAMERA: SourceKind = SourceKind::Camera;

fn layer_at(cores: &Cores, viewer: Person, of: Person) -> Option<Layer> {
    cores.slot_of(viewer, of, CAMERA).and_then(|slot| slot.layer)
}

#[test]
fn a_view_on_another_core_is_told_to_the_sender_and_so_is_its_end() {
    let mut cores = Cores::new(2);
    let (ann, bob) = (cores.join(0), cores.join(1));
    cores.publish(ann, CAMERA);
    let film = |cores: &mut Cores, call: u64| cores.film(ann, call);
    cores.run_with(SECOND / 2, film);
    assert!(cores.watched(ann).is_empty());
    for (height, layer) in [(180, 0), (720, 2), (300, 1)] {
        cores.view(bob, &[(ann, CAMERA, height)]);
        cores.run_with(SECOND * 3, film);
        assert_eq!(cores.watched(ann), [layer], "for a tile of {height} lines");
        assert_eq!(layer_at(&cores, bob, ann), Some(Layer::ALL[layer]));
    }
    check_stream(&cores.received(bob, ann, CAMERA));
    cores.view(bob, &[]);
    cores.run_with(SECOND * 2, film);
    assert!(cores.watched(ann).is_empty(), "nobody watches any more");
    let crossed = cores.labs[0].sfu.counters().relayed_out;
    let now = cores.labs[0].now;
    cores.client(ann).show(now, CAMERA, &[0, 1, 2], 2, 500);
    cores.run(Duration::from_millis(50));
    assert_eq!(cores.labs[0].sfu.counters().relayed_out, crossed, "and what is sent all the same stays on its core");
}

#[test]
fn the_sender_is_told_what_people_on_all_cores_watch_and_only_that_crosses() {
    let mut cores = Cores::new(3);
    let ann = cores.join(0);
    let viewers = [cores.join(0), cores.join(1), cores.join(2)];
    cores.publish(ann, CAMERA);
    for (viewer, height) in viewers.into_iter().zip([360, 180, 720]) {
        cores.view(viewer, &[(ann, CAMERA, height)]);
    }
    cores.run_with(SECOND * 3, |cores, call| cores.film(ann, call));
    assert_eq!(cores.watched(ann), [0, 1, 2]);
    let rates: Vec<u64> = [1, 2].iter().map(|core| cores.labs[*core].sfu.counters().relayed_in).collect();
    for (viewer, layer) in viewers.into_iter().zip([Layer::Half, Layer::Quarter, Layer::Full]) {
        assert_eq!(layer_at(&cores, viewer, ann), Some(layer));
        let seen = cores.received(viewer, ann, CAMERA);
        assert!(seen.iter().filter(|packet| packet.at > cores.labs[0].now - SECOND).count() >= 30);
    }
    assert!(rates[0] * 3 < rates[1], "a core with small tiles gets small pictures: {rates:?} packets");
}

#[test]
fn a_far_receiver_on_a_thin_line_gets_a_layer_that_fits_and_its_neighbour_is_not_touched() {
    let mut cores = Cores::new(2);
    let (ann, thin, wide) = (cores.join(0), cores.join(1), cores.join(1));
    cores.publish(ann, CAMERA);
    cores.labs[1].paths[thin.1].rate_down = 700_000;
    cores.view(thin, &[(ann, CAMERA, 720)]);
    cores.view(wide, &[(ann, CAMERA, 720)]);
    let film = |cores: &mut Cores, call: u64| cores.film(ann, call);
    cores.run_with(SECOND * 15, film);
    let layer = layer_at(&cores, thin, ann);
    assert!(matches!(layer, Some(Layer::Quarter | Layer::Half)), "{layer:?}");
    assert_eq!(layer_at(&cores, wide, ann), Some(Layer::Full));
    let waited = std::mem::take(&mut cores.labs[1].paths[thin.1].longest_wait);
    assert!(waited > Duration::from_millis(100), "the line really was too thin for the full layer: {waited:?}");
    cores.run_with(SECOND * 5, film);
    let waited = cores.labs[1].paths[thin.1].longest_wait;
    assert!(waited < Duration::from_millis(250), "and what is sent now fits: {waited:?}");
    cores.labs[1].paths[thin.1].rate_down = 0;
    cores.run_with(SECOND * 20, film);
    assert_eq!(layer_at(&cores, thin, ann), Some(Layer::Full), "and it comes back");
}

#[test]
fn a_layer_that_stops_is_left_for_one_that_did_not_cross_before() {
    let mut cores = Cores::new(2);
    let (ann, bob) = (cores.join(0), cores.join(1));
    cores.publish(ann, CAMERA);
    cores.view(bob, &[(ann, CAMERA, 720)]);
    let send = |cores: &mut Cores, call: u64, layers: &[usize]| {
        if call.is_multiple_of(3) {
            let now = cores.labs[0].now;
            cores.client(ann).show(now, CAMERA, layers, 2, 600);
        }
    };
    cores.run_with(SECOND * 4, |cores, call| send(cores, call, &[0, 2]));
    assert_eq!(layer_at(&cores, bob, ann), Some(Layer::Full));
    let before = cores.labs[1].sfu.counters().relayed_in;
    cores.run_with(SECOND, |cores, call| send(cores, call, &[0, 2]));
    let crossed = cores.labs[1].sfu.counters().relayed_in - before;
    assert!((60..=70).contains(&crossed), "only one layer crosses: {crossed} packets in a second");
    cores.run_with(SECOND * 3, |cores, call| send(cores, call, &[0]));
    assert_eq!(layer_at(&cores, bob, ann), Some(Layer::Quarter));
    cores.run_with(SECOND * 2, |cores, call| send(cores, call, &[0, 2]));
    assert_eq!(layer_at(&cores, bob, ann), Some(Layer::Full));
}

#[test]
fn a_layer_that_is_dearer_than_others_of_its_size_is_known_as_such_before_it_crosses() {
    let mut cores = Cores::new(2);
    let (ann, near, far) = (cores.join(0), cores.join(0), cores.join(1));
    cores.publish(ann, CAMERA);
    // A full picture of 3.6 Mbit/s, where others have 1.5.
    let film = |cores: &mut Cores, call: u64| cores.labs[0].film_like(ann.1, call, &[(1, 500), (2, 900), (12, 1_150)]);
    cores.labs[1].paths[far.1].rate_down = 2_500_000;
    cores.view(near, &[(ann, CAMERA, 720)]);
    cores.view(far, &[(ann, CAMERA, 180)]);
    cores.run_with(SECOND * 6, film);
    assert_eq!(layer_at(&cores, near, ann), Some(Layer::Full), "it is live on its core");
    let crossed = cores.labs[1].sfu.counters().relayed_in;
    cores.view(far, &[(ann, CAMERA, 720)]);
    let mut full = 0;
    for _ in 0..60 {
        cores.run_with(SECOND / 10, film);
        full += u32::from(layer_at(&cores, far, ann) == Some(Layer::Full));
    }
    assert!(cores.labs[1].sfu.counters().relayed_in > crossed);
    assert_eq!(full, 0, "tenths of a second in a layer that cannot fit");
    assert_eq!(layer_at(&cores, far, ann), Some(Layer::Half));
}

#[test]
fn keyframe_requests_of_receivers_on_all_cores_reach_the_sender_once() {
    let mut cores = Cores::new(3);
    let ann = cores.join(0);
    let viewers: Vec<Person> = (0..6).map(|number| cores.join(number % 3)).collect();
    cores.publish(ann, CAMERA);
    for viewer in &viewers {
        cores.view(*viewer, &[(ann, CAMERA, 180)]);
    }
    let film = |cores: &mut Cores, call: u64| cores.film(ann, call);
    cores.run_with(SECOND * 2, film);
    let ask = |cores: &mut Cores, viewers: &[Person]| {
        for viewer in viewers {
            let mid = cores.slot_of(*viewer, ann, CAMERA).unwrap().mid;
            cores.client(*viewer).ask_for_keyframe(Mid::from(mid.as_str()));
        }
    };
    let count = |cores: &mut Cores| {
        let stream = &cores.client(ann).track(CAMERA).streams[0];
        (stream.keyframes, stream.asked)
    };
    let before = count(&mut cores);
    ask(&mut cores, &viewers[1..3]);
    cores.run_with(SECOND, film);
    let after = count(&mut cores);
    assert!(
        (1..=2).contains(&(after.0 - before.0)),
        "a request from other cores made {} keyframes",
        after.0 - before.0
    );
    let far = cores.received(viewers[1], ann, CAMERA);
    assert!(far.iter().any(|packet| packet.mark().keyframe_start && packet.at > cores.labs[0].now - SECOND));
    cores.run_with(SECOND * 3, |cores, call| {
        if call.is_multiple_of(5) {
            ask(cores, &viewers);
        }
        cores.film(ann, call);
    });
    let asked = count(&mut cores).1 - after.1;
    assert!((5..=11).contains(&asked), "six people who ask all the time for three seconds: {asked} requests");
}

#[test]
fn a_picture_that_others_watch_already_begins_at_once_for_the_first_viewer_of_another_core() {
    let mut cores = Cores::new(2);
    let (ann, near, far) = (cores.join(0), cores.join(0), cores.join(1));
    cores.publish(ann, CAMERA);
    cores.view(near, &[(ann, CAMERA, 720)]);
    let film = |cores: &mut Cores, call: u64| cores.film(ann, call);
    cores.run_with(SECOND * 3, film);
    let begin = cores.labs[0].now;
    cores.view(far, &[(ann, CAMERA, 720)]);
    cores.run_with(SECOND / 2, film);
    let seen = cores.received(far, ann, CAMERA);
    assert!(seen[0].mark().keyframe_start);
    let after = seen[0].at - begin;
    assert!(after < Duration::from_millis(120), "the first picture came after {after:?}");
}
