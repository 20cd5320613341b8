use std::time::Duration;

use confab_protocol::{Quality, SourceKind};
use confab_sfu::{Event, SfuConfig};

use crate::client::Offered;
use crate::lab::Lab;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn even_an_empty_room_sends_something_every_200_milliseconds() {
    let mut lab = Lab::new();
    let ann = lab.join();
    lab.run(SECOND);
    lab.clients[ann].longest_silence = Duration::ZERO;
    lab.run(SECOND * 5);
    let longest = lab.clients[ann].longest_silence;
    assert!(longest > Duration::ZERO && longest <= Duration::from_millis(200), "{longest:?}");
}

#[test]
fn a_hole_in_the_network_is_told_after_two_seconds_and_its_end_too() {
    let mut lab = Lab::new();
    let (ann, bob) = (lab.join(), lab.join());
    lab.publish(ann, SourceKind::Microphone);
    let speak = |lab: &mut Lab, call: u64| lab.talk(&[ann, bob], call);
    lab.publish(bob, SourceKind::Microphone);
    lab.run_with(SECOND, speak);
    lab.paths[bob].cut = true;
    lab.run_with(Duration::from_millis(1_800), speak);
    let bobs = |lab: &Lab| -> Vec<Event> {
        let id = lab.id(bob);
        let about =
            |event: &&Event| matches!(event, Event::Silent(of) | Event::Back(of) | Event::Closed(of) if *of == id);
        lab.events.iter().filter(about).cloned().collect()
    };
    assert!(bobs(&lab).is_empty());
    lab.run_with(Duration::from_millis(500), speak);
    assert_eq!(bobs(&lab), [Event::Silent(lab.id(bob))]);
    lab.run_with(SECOND * 8, speak);
    assert_eq!(bobs(&lab).len(), 1, "told once");
    lab.paths[bob].cut = false;
    lab.run_with(SECOND * 2, speak);
    assert_eq!(bobs(&lab), [Event::Silent(lab.id(bob)), Event::Back(lab.id(bob))]);
    let slot = lab.slot_of(bob, ann, SourceKind::Microphone).unwrap();
    let recent = lab.clients[bob].on(&slot.mid).iter().filter(|packet| packet.at > lab.now - SECOND).count();
    assert!(recent >= 48, "ten seconds later all is well: {recent}");
    assert!(!lab.events.contains(&Event::Silent(lab.id(ann))), "nobody else is affected");
}

#[test]
fn who_never_connects_is_told_as_silent_and_removed_in_the_end() {
    let mut lab = Lab::with(SfuConfig { abandoned_after: SECOND * 5, ..SfuConfig::default() });
    let ann = lab.begin_join(&Offered::default(), Lab::grants());
    lab.paths[ann].cut = true;
    lab.run(Duration::from_millis(2_200));
    assert_eq!(lab.events, [Event::Silent(lab.id(ann))]);
    lab.run(SECOND * 4);
    assert_eq!(lab.events, [Event::Silent(lab.id(ann)), Event::Closed(lab.id(ann))]);
    assert_eq!(lab.sfu.counters().members, 0);
}

#[test]
fn a_line_that_loses_is_told_as_weak_and_as_good_when_it_loses_no_more() {
    let mut lab = Lab::new();
    let (ann, bob) = (lab.join(), lab.join());
    lab.publish(ann, SourceKind::Microphone);
    let speak = |lab: &mut Lab, call: u64| lab.talk(&[ann], call);
    let told = |lab: &Lab| -> Vec<(usize, Quality)> {
        let of = |event: &Event| match event {
            Event::Quality { id, quality } => Some((usize::from(*id == lab.id(bob)), *quality)),
            _ => None,
        };
        lab.events.iter().filter_map(of).collect()
    };
    lab.run_with(SECOND * 5, speak);
    assert_eq!(told(&lab), []);
    lab.paths[ann].loss_up_percent = 8.0;
    lab.run_with(SECOND * 20, speak);
    assert_eq!(told(&lab).last(), Some(&(ann, Quality::Weak)), "what ann sends is lost");
    assert!(told(&lab).iter().all(|(who, _)| *who == ann), "{:?}", told(&lab));
    lab.paths[ann].loss_up_percent = 40.0;
    lab.run_with(SECOND * 20, speak);
    assert_eq!(told(&lab).last(), Some(&(ann, Quality::Bad)));
    lab.paths[ann].loss_up_percent = 0.0;
    lab.run_with(SECOND * 20, speak);
    assert_eq!(told(&lab).last(), Some(&(ann, Quality::Good)));
    assert!(told(&lab).iter().all(|(who, _)| *who == ann), "nobody else's line is worse for it: {:?}", told(&lab));
}
