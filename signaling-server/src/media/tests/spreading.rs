//! Rooms that are larger than a worker.

use std::thread::sleep;

use confab_protocol::TileRequest;

use super::*;
use crate::media::command::Command;

const PUBLISHED: TrackState = TrackState::Published { width: 640, height: 360 };

/// Workers that take one newcomer at a time.
fn small_workers(count: usize, spreading: Spreading) -> MediaHandle {
    let bind = vec!["127.0.0.1".parse().unwrap()];
    let limits = LoadLimits { tracks: 2, packets_per_second: 0, mbit_per_second: 0 };
    let config = MediaConfig { bind, workers: count, limits, ..MediaConfig::default() };
    start_spreading(&config, spreading).unwrap()
}

/// Somebody who came to wherever there was a place, and publishes all they have.
struct Person {
    client: Box<Client>,
    place: Option<Place>,
}

async fn come(room: &RoomMedia, begin: u32) -> Person {
    come_with(room, begin, Role::Participant.grants()).await
}

async fn come_with(room: &RoomMedia, begin: u32, grants: confab_protocol::Grants) -> Person {
    let mut client = Box::new(Client::new());
    client.begin = begin;
    let place = room.place_newcomer(client.id, Newcomer::default()).unwrap();
    let answer = room.join(client.id, client.offer.clone(), client.tracks.clone(), grants).await.unwrap();
    client.accept(&answer);
    room.set_track(client.id, SourceKind::Microphone, PUBLISHED);
    room.set_track(client.id, SourceKind::Camera, PUBLISHED);
    Person { client, place: Some(place) }
}

fn look_at(room: &RoomMedia, viewer: &Person, viewed: &Person) {
    let (participant, source) = (viewed.client.id, SourceKind::Camera);
    let tile = TileRequest { participant, source, width: 640, height: 360, priority: 0, pinned: false };
    room.set_view(viewer.client.id, vec![tile]);
}

/// A home with one person and another worker with one more, each looking at the other.
async fn pair(media: &MediaHandle) -> (RoomMedia, mpsc::Receiver<MediaEvent>, Person, Person) {
    let (room, events) = media.open_room();
    let (mut ann, mut bob) = (come(&room, 1_000_000).await, come(&room, 2_000_000).await);
    assert_ne!(ann.client.port, bob.client.port, "each on a worker of their own");
    look_at(&room, &ann, &bob);
    look_at(&room, &bob, &ann);
    run(&mut [&mut ann, &mut bob], 20).await;
    (room, events, ann, bob)
}

async fn run(people: &mut [&mut Person], turns: u32) {
    for _ in 0..turns {
        for person in people.iter_mut() {
            person.client.run(Duration::from_millis(5)).await;
        }
    }
}

/// All of them speak and film.
async fn all_talk(people: &mut [&mut Person], packets: u32) {
    for _ in 0..packets {
        for person in people.iter_mut() {
            person.client.speak();
            person.client.film();
        }
        run(people, 1).await;
    }
    run(people, 20).await;
}

/// Those of `numbers` that are of a person's.
fn of(numbers: &[u32], person: &Person) -> Vec<u32> {
    numbers.iter().copied().filter(|number| number / 1_000_000 == person.client.begin / 1_000_000).collect()
}

fn assert_each_once(numbers: &[u32], at_least: usize) {
    assert!(numbers.len() >= at_least, "{} came, of {at_least}", numbers.len());
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "in order, each once: {numbers:?}");
}

fn forget(people: &mut [&mut Person]) {
    for person in people {
        person.client.heard.clear();
        person.client.seen.clear();
    }
}

fn worker_of<'a>(media: &'a MediaHandle, person: &Person) -> &'a WorkerHandle {
    let is_theirs = |worker: &&WorkerHandle| worker.addresses.iter().any(|told| told.port() == person.client.port);
    media.inner.workers.iter().find(is_theirs).unwrap()
}

fn on_its_thread(worker: &WorkerHandle, what: impl FnOnce() + Send + 'static) {
    worker.mailbox.post(Command::Run(Box::new(what))).unwrap();
}

async fn until_counted(media: &MediaHandle, people: &mut [&mut Person], is_so: impl Fn(&MediaCounters) -> bool) {
    for _ in 0..200 {
        if is_so(&media.counters()) {
            return;
        }
        run(people, 1).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?}", media.counters());
}

fn told(events: &mut mpsc::Receiver<MediaEvent>) -> Vec<MediaEvent> {
    std::iter::from_fn(|| events.try_recv().ok()).collect()
}

#[tokio::test]
async fn people_on_two_workers_hear_and_see_each_other() {
    let media = small_workers(2, Spreading::default());
    let (room, mut events, mut ann, mut bob) = pair(&media).await;
    all_talk(&mut [&mut ann, &mut bob], 100).await;
    assert_each_once(&of(&ann.client.heard, &bob), 98);
    assert_each_once(&of(&bob.client.heard, &ann), 98);
    assert_each_once(&of(&ann.client.seen, &bob), 95);
    assert_each_once(&of(&bob.client.seen, &ann), 95);
    let counters = media.counters();
    assert_eq!((counters.members, counters.mirrors, counters.rooms), (2, 2, 2), "{counters:?}");
    assert!(counters.relayed_out >= 390 && counters.relayed_in == counters.relayed_out, "{counters:?}");
    assert_eq!(counters.relay_batches_dropped, 0);
    assert!(
        counters.dropped_relayed <= 1,
        "but for a greeting before the other worker was told, all fits: {counters:?}"
    );
    let events = told(&mut events);
    let slots = |id| events.iter().filter(move |event| matches!(event, MediaEvent::Slots { id: of, .. } if *of == id));
    assert!(slots(ann.client.id).count() > 0 && slots(bob.client.id).count() > 0, "{events:?}");
    assert!(events.contains(&MediaEvent::Connected(ann.client.id)));
    assert!(events.contains(&MediaEvent::Connected(bob.client.id)));
    drop(room);
    media.shutdown().await;
}

#[tokio::test]
async fn who_speaks_is_told_once_whichever_worker_they_are_on() {
    let media = small_workers(2, Spreading::default());
    let (_room, mut events, mut ann, mut bob) = pair(&media).await;
    told(&mut events);
    for speaks_at_home in [true, false] {
        let speaker = if speaks_at_home { ann.client.id } else { bob.client.id };
        for _ in 0..50 {
            let speaks = if speaks_at_home { &mut ann } else { &mut bob };
            speaks.client.speak();
            run(&mut [&mut ann, &mut bob], 1).await;
        }
        let mut speaking = Vec::new();
        // Until nobody speaks any more, and a little longer, in case another worker says the same.
        for _ in 0..300 {
            let ended = speaking.last().is_some_and(Vec::is_empty);
            run(&mut [&mut ann, &mut bob], if ended { 30 } else { 1 }).await;
            let of = |event| if let MediaEvent::Speaking(ids) = event { Some(ids) } else { None };
            speaking.extend(told(&mut events).into_iter().filter_map(of));
            if ended {
                break;
            }
        }
        // A computer that stood still makes a silence of its own; the same is never told twice.
        let told = (speaking.first(), speaking.last());
        assert_eq!(told, (Some(&vec![speaker]), Some(&vec![])), "at home: {speaks_at_home}");
        assert!(speaking.windows(2).all(|pair| pair[0] != pair[1]), "{speaking:?}");
    }
    media.shutdown().await;
}

#[tokio::test]
async fn rights_mute_and_leave_count_on_the_other_worker_too() {
    let media = small_workers(2, Spreading::default());
    let (room, _events, mut ann, mut bob) = pair(&media).await;
    drop((ann.place.take(), bob.place.take()));
    // Nobody is expected any more, but what the two have fills both workers; who is in may go where they will.
    let mut eve = Person { client: Box::new(Client::new()), place: None };
    eve.client.begin = 3_000_000;
    let grants = confab_protocol::Grants { publish: false, ..Role::Participant.grants() };
    let (offer, tracks) = (eve.client.offer.clone(), eve.client.tracks.clone());
    eve.client.accept(&room.join(eve.client.id, offer, tracks, grants).await.unwrap());
    room.set_track(eve.client.id, SourceKind::Microphone, PUBLISHED);
    all_talk(&mut [&mut ann, &mut bob, &mut eve], 40).await;
    for listener in [&ann, &bob] {
        assert!(of(&listener.client.heard, &eve).is_empty(), "without the right to, nobody is heard");
    }
    assert!(!of(&eve.client.heard, &ann).is_empty() && !of(&eve.client.heard, &bob).is_empty());

    room.set_track(bob.client.id, SourceKind::Microphone, TrackState::Muted);
    run(&mut [&mut ann, &mut bob, &mut eve], 10).await;
    forget(&mut [&mut ann, &mut bob]);
    all_talk(&mut [&mut ann, &mut bob, &mut eve], 40).await;
    assert!(of(&ann.client.heard, &bob).is_empty() && !of(&ann.client.seen, &bob).is_empty());
    assert!(!of(&bob.client.heard, &ann).is_empty());
    room.set_track(bob.client.id, SourceKind::Microphone, PUBLISHED);
    run(&mut [&mut ann, &mut bob, &mut eve], 10).await;
    all_talk(&mut [&mut ann, &mut bob, &mut eve], 40).await;
    assert_each_once(&of(&ann.client.heard, &bob), 35);

    let mirrors = media.counters().mirrors;
    room.leave(bob.client.id);
    until_counted(&media, &mut [&mut ann, &mut eve], |counters| counters.mirrors < mirrors).await;
    forget(&mut [&mut ann]);
    all_talk(&mut [&mut ann, &mut bob, &mut eve], 20).await;
    assert!(of(&ann.client.heard, &bob).is_empty() && ann.client.seen.is_empty());
    assert!(matches!(room.slots(bob.client.id).await, Err(MediaError::UnknownParticipant)));
    media.shutdown().await;
}

#[tokio::test]
async fn who_is_on_another_worker_stays_there_through_a_restart_and_a_join_again() {
    let media = small_workers(2, Spreading::default());
    let (room, _events, mut ann, mut bob) = pair(&media).await;
    let offer = bob.client.restart();
    let answer = room.restart(bob.client.id, offer).await.unwrap();
    bob.client.accept_restart(&answer);
    run(&mut [&mut ann, &mut bob], 20).await;
    all_talk(&mut [&mut ann, &mut bob], 40).await;
    assert_each_once(&of(&ann.client.heard, &bob), 38);
    assert_each_once(&of(&bob.client.heard, &ann), 38);
    assert_eq!(room.slots(bob.client.id).await.unwrap().len(), 3);

    let mut again = Person { client: Box::new(Client::new()), place: None };
    again.client.id = bob.client.id;
    again.client.begin = 4_000_000;
    let (offer, tracks) = (again.client.offer.clone(), again.client.tracks.clone());
    let answer = room.join(again.client.id, offer, tracks, Role::Participant.grants()).await.unwrap();
    again.client.accept(&answer);
    assert_eq!(again.client.port, bob.client.port);
    room.set_track(again.client.id, SourceKind::Microphone, PUBLISHED);
    run(&mut [&mut ann, &mut again], 20).await;
    all_talk(&mut [&mut ann, &mut again], 40).await;
    assert_each_once(&of(&ann.client.heard, &again), 38);
    assert_eq!((media.counters().members, media.counters().mirrors), (2, 2));
    media.shutdown().await;
}

#[tokio::test]
async fn a_worker_that_did_not_keep_up_is_linked_anew() {
    let media = small_workers(2, Spreading { queue: 4, ..Spreading::default() });
    let (_room, _events, mut ann, mut bob) = pair(&media).await;
    all_talk(&mut [&mut ann, &mut bob], 20).await;
    assert_eq!(media.counters().relay_batches_dropped, 0);
    on_its_thread(worker_of(&media, &bob), || sleep(Duration::from_millis(400)));
    for _ in 0..30 {
        ann.client.speak();
        run(&mut [&mut ann, &mut bob], 1).await;
    }
    let dropped = media.counters().relay_batches_dropped;
    assert!(dropped > 10, "it was behind, and nobody waited for it: {dropped}");
    run(&mut [&mut ann, &mut bob], 60).await;
    forget(&mut [&mut ann, &mut bob]);
    all_talk(&mut [&mut ann, &mut bob], 100).await;
    assert_each_once(&of(&bob.client.heard, &ann), 98);
    assert_each_once(&of(&ann.client.heard, &bob), 98);
    assert!(of(&bob.client.seen, &ann).len() > 90 && of(&ann.client.seen, &bob).len() > 90);
    assert_eq!((media.counters().members, media.counters().mirrors), (2, 2));
    media.shutdown().await;
}

#[tokio::test]
async fn a_room_that_spreads_and_shrinks_leaves_nothing_behind() {
    let kept_empty = Duration::from_millis(150);
    let media = small_workers(2, Spreading { kept_empty, ..Spreading::default() });
    let (room, mut events) = media.open_room();
    let mut ann = come(&room, 1_000_000).await;
    for _ in 0..3 {
        let mut bob = come(&room, 2_000_000).await;
        assert_ne!(ann.client.port, bob.client.port);
        run(&mut [&mut ann, &mut bob], 20).await;
        all_talk(&mut [&mut ann, &mut bob], 20).await;
        assert!(!of(&ann.client.heard, &bob).is_empty() && !of(&bob.client.heard, &ann).is_empty());
        room.leave(bob.client.id);
        drop(bob);
        until_counted(&media, &mut [&mut ann], |counters| (counters.members, counters.tracks_in) == (1, 2)).await;
        // Who comes right after finds the room still there.
        let mut cleo = come(&room, 3_000_000).await;
        tokio::time::sleep(kept_empty * 2).await;
        assert_eq!(media.counters().rooms, 2);
        room.leave(cleo.client.id);
        cleo.place = None;
        until_counted(&media, &mut [&mut ann], |counters| (counters.rooms, counters.mirrors) == (1, 0)).await;
        let rooms: usize = media.inner.workers.iter().map(|worker| worker.rooms.load(Ordering::Relaxed)).sum();
        assert_eq!((rooms, media.counters().members), (1, 1));
        forget(&mut [&mut ann]);
        let crossed = media.counters().relayed_out;
        all_talk(&mut [&mut ann], 10).await;
        assert_eq!(media.counters().relayed_out, crossed, "nothing crosses for nobody");
        told(&mut events);
    }
    drop((room, ann));
    until_counted(&media, &mut [], |counters| (counters.rooms, counters.members, counters.mirrors) == (0, 0, 0)).await;
    assert!(media.inner.workers.iter().all(|worker| worker.rooms.load(Ordering::Relaxed) == 0));
    media.shutdown().await;
}

#[tokio::test]
async fn a_worker_that_ends_takes_nobody_else_with_it() {
    for home_ends in [false, true] {
        let media = small_workers(2, Spreading::default());
        let (room, mut events, ann, bob) = pair(&media).await;
        let (mut gone, mut left) = if home_ends { (ann, bob) } else { (bob, ann) };
        told(&mut events);
        on_its_thread(worker_of(&media, &gone), || panic!("as the test wants it"));
        until(&mut events, &MediaEvent::Closed(gone.client.id)).await;
        let idle = loop {
            match next(&mut events).await {
                MediaEvent::Slots { id, changed } if id == left.client.id => break changed,
                _ => {}
            }
        };
        assert!(idle.iter().all(|slot| slot.participant.is_none()), "{idle:?}");
        assert!(matches!(room.restart(gone.client.id, gone.client.restart()).await, Err(MediaError::Stopped)));

        // They come again, and find a worker that runs, though it is full.
        let mut again = Person { client: Box::new(Client::new()), place: None };
        again.client.id = gone.client.id;
        again.client.begin = 4_000_000;
        let (offer, tracks) = (again.client.offer.clone(), again.client.tracks.clone());
        let answer = room.join(again.client.id, offer, tracks, Role::Participant.grants()).await.unwrap();
        again.client.accept(&answer);
        assert_eq!(again.client.port, left.client.port);
        room.set_track(again.client.id, SourceKind::Microphone, PUBLISHED);
        run(&mut [&mut again, &mut left], 20).await;
        all_talk(&mut [&mut again, &mut left], 50).await;
        assert_each_once(&of(&left.client.heard, &again), 48);
        let is_heard =
            |event: &MediaEvent| matches!(event, MediaEvent::Speaking(ids) if ids.contains(&again.client.id));
        let events = told(&mut events);
        assert!(events.iter().any(is_heard), "somebody tells who speaks: {events:?}");
        let (other, client) = (media.open_room().0, Client::new());
        let joined = other.join(client.id, client.offer, client.tracks, Role::Participant.grants());
        assert!(joined.await.is_ok(), "new rooms open where there is a worker");
        media.shutdown().await;
    }
}
