//! The media plane with real sockets on loopback; clients are str0m.

mod client;
mod spreading;

use std::collections::HashSet;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use confab_protocol::{ParticipantId, Role, SourceKind};
use tokio::sync::mpsc;

use super::*;
use client::Client;

fn media(workers: usize) -> MediaHandle {
    let bind = vec!["127.0.0.1".parse().unwrap()];
    start(&MediaConfig { bind, workers, ..MediaConfig::default() }).unwrap()
}

async fn join(room: &RoomMedia) -> Client {
    let mut client = Client::new();
    let answer = room.join(client.id, client.offer.clone(), client.tracks.clone(), Role::Participant.grants()).await;
    client.accept(&answer.unwrap());
    client
}

async fn next(events: &mut mpsc::Receiver<MediaEvent>) -> MediaEvent {
    tokio::time::timeout(Duration::from_secs(5), events.recv()).await.expect("an event in time").expect("an open room")
}

async fn until(events: &mut mpsc::Receiver<MediaEvent>, wanted: &MediaEvent) {
    while next(events).await != *wanted {}
}

/// Lets clients run, the first of them speaking.
async fn talk(clients: &mut [&mut Client], packets: u32) {
    for _ in 0..packets {
        clients[0].speak();
        for client in clients.iter_mut() {
            client.run(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn a_voice_goes_through_real_sockets_and_is_counted() {
    let media = media(1);
    let (room, mut events) = media.open_room();
    let (mut ann, mut bob) = (join(&room).await, join(&room).await);
    room.set_track(ann.id, SourceKind::Microphone, TrackState::Published { width: 0, height: 0 });
    for _ in 0..20 {
        ann.run(Duration::from_millis(5)).await;
        bob.run(Duration::from_millis(5)).await;
    }
    let (mut connected, mut slot) = (HashSet::new(), None);
    while connected.len() < 2 || slot.is_none() {
        match next(&mut events).await {
            MediaEvent::Connected(id) => {
                connected.insert(id);
            }
            MediaEvent::Slots { id, changed } if id == bob.id => slot = changed.into_iter().next(),
            _ => {}
        }
    }
    let slot = slot.unwrap();
    assert_eq!((slot.participant, slot.source), (Some(ann.id), Some(SourceKind::Microphone)));

    talk(&mut [&mut ann, &mut bob], 50).await;
    assert!(bob.heard.len() >= 48, "{} of 50 heard", bob.heard.len());
    assert!(bob.heard.windows(2).all(|pair| pair[1] == pair[0] + 1), "in order, each once: {:?}", bob.heard);
    let counters = media.counters();
    assert_eq!((counters.members, counters.rooms), (2, 1));
    assert!(counters.packets_received >= 50 && counters.packets_forwarded >= 48, "{counters:?}");
    assert!(counters.datagrams_in > 50 && counters.datagrams_out > 50 && counters.send_failures == 0, "{counters:?}");
    until(&mut events, &MediaEvent::Speaking(vec![ann.id])).await;

    room.leave(ann.id);
    let idle = loop {
        match next(&mut events).await {
            MediaEvent::Slots { id, changed } if id == bob.id => break changed,
            _ => {}
        }
    };
    assert_eq!(idle[0].participant, None);
    media.shutdown().await;
}

#[tokio::test]
async fn rooms_are_spread_over_workers_each_with_a_port_of_its_own() {
    let media = media(2);
    let ports: HashSet<u16> = media.addresses().iter().map(SocketAddr::port).collect();
    assert_eq!(ports.len(), 2);
    let rooms: Vec<_> = (0..2).map(|_| media.open_room()).collect();
    let mut used = HashSet::new();
    for (room, _) in &rooms {
        let mut client = Client::new();
        let joined = room.join(client.id, client.offer.clone(), client.tracks.clone(), Role::Participant.grants());
        let answer = joined.await.unwrap();
        let told = answer.answer.lines().filter(|line| line.starts_with("a=candidate:"));
        used.extend(told.filter_map(|line| line.split(' ').nth(5)?.parse::<u16>().ok()));
        client.accept(&answer);
    }
    assert_eq!(used, ports, "one room on each");
    media.shutdown().await;
}

#[tokio::test]
async fn a_room_is_at_home_on_the_worker_with_the_least_load_and_spreads_until_all_are_full() {
    let bind = vec!["127.0.0.1".parse().unwrap()];
    let limits = LoadLimits { tracks: 2, ..LoadLimits::default() };
    let media = start(&MediaConfig { bind, workers: 2, limits, ..MediaConfig::default() }).unwrap();
    let place = |room: &RoomMedia| room.place_newcomer(ParticipantId::new(), Newcomer::default());
    let full = || media.workers().iter().filter(|worker| worker.full == Some(Limit::Tracks)).count();
    let refused = || media.workers().iter().map(|worker| worker.refused[0]).sum::<u64>();
    let first = media.open_room().0;
    let at_home = place(&first).ok();
    assert!(at_home.is_some() && first.is_full());
    // The other worker has as many rooms as this one when the second is there, and less load all the same.
    let others: Vec<_> = (0..2).map(|_| media.open_room().0).collect();
    assert!(others.iter().all(|room| !room.is_full()));
    assert_eq!((full(), refused()), (1, 0));
    let elsewhere = place(&first).ok();
    assert!(elsewhere.is_some() && others[0].is_full());
    assert_eq!((full(), refused()), (2, 0), "who is placed was not refused");
    assert!(matches!(place(&first), Err(MediaError::Full(Limit::Tracks))));
    assert!(matches!(place(&others[0]), Err(MediaError::Full(Limit::Tracks))));
    assert_eq!(refused(), 2, "once each, however many workers were full");
    drop(at_home);
    assert!(!first.is_full() && others[0].is_full());
    assert!(place(&others[0]).is_ok());
    media.shutdown().await;
    assert!(matches!(place(&first), Err(MediaError::Stopped)));
}

#[tokio::test]
async fn what_cannot_be_is_refused_in_words() {
    let media = media(1);
    let (room, _events) = media.open_room();
    let client = Client::new();
    let grants = Role::Participant.grants();
    let broken = room.join(client.id, "nonsense".into(), vec![], grants).await;
    assert!(matches!(broken, Err(MediaError::Offer(_))), "{broken:?}");
    let mut tracks = client.tracks.clone();
    tracks[0].mid = "none".into();
    let wrong = room.join(client.id, client.offer.clone(), tracks, grants).await;
    assert!(matches!(wrong, Err(MediaError::Track(mid)) if mid == "none"));
    let unknown = room.restart(client.id, client.offer.clone()).await;
    assert!(matches!(unknown, Err(MediaError::UnknownParticipant)), "{unknown:?}");
    assert!(matches!(room.slots(ParticipantId::new()).await, Err(MediaError::UnknownParticipant)));
    room.leave(ParticipantId::new());
    room.set_view(ParticipantId::new(), vec![]);
    assert_eq!(media.counters().members, 0);

    media.shutdown().await;
    let late = room.join(client.id, client.offer.clone(), client.tracks.clone(), grants).await;
    assert!(matches!(late, Err(MediaError::Stopped)), "{late:?}");
    media.shutdown().await;
}

#[tokio::test]
async fn noise_on_the_port_is_dropped_and_counted() {
    let media = media(1);
    let (room, mut events) = media.open_room();
    let mut ann = join(&room).await;
    ann.run(Duration::from_millis(100)).await;
    until(&mut events, &MediaEvent::Connected(ann.id)).await;
    let noisy = UdpSocket::bind("127.0.0.1:0").unwrap();
    for length in 0..200_usize {
        let first = [0, 1, 22, 64, 128, 255][length % 6];
        noisy.send_to(&vec![first; length], media.addresses()[0]).unwrap();
    }
    let mut dropped = 0;
    for _ in 0..100 {
        ann.run(Duration::from_millis(20)).await;
        let counters = media.counters();
        dropped = counters.dropped_unknown + counters.dropped_malformed;
        if dropped == 200 {
            break;
        }
    }
    assert_eq!(dropped, 200);
    assert_eq!(media.counters().members, 1);
    media.shutdown().await;
}

#[tokio::test]
async fn a_room_nobody_holds_any_more_closes_its_media() {
    let media = media(1);
    let (room, events) = media.open_room();
    let mut ann = join(&room).await;
    ann.run(Duration::from_millis(100)).await;
    drop((room, events));
    for _ in 0..100 {
        if ann.closed {
            break;
        }
        ann.run(Duration::from_millis(20)).await;
    }
    assert!(ann.closed);
    assert_eq!((media.counters().members, media.counters().rooms), (0, 0));
    media.shutdown().await;
}

#[tokio::test]
async fn a_stop_says_goodbye_to_everybody() {
    let media = media(2);
    let (room, _events) = media.open_room();
    let (mut ann, mut bob) = (join(&room).await, join(&room).await);
    ann.run(Duration::from_millis(100)).await;
    bob.run(Duration::from_millis(100)).await;
    media.shutdown().await;
    ann.run(Duration::from_millis(100)).await;
    bob.run(Duration::from_millis(100)).await;
    assert!(ann.closed && bob.closed);
}

#[test]
fn a_port_in_use_is_said_with_its_address() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let config =
        MediaConfig { bind: vec![address.ip()], workers: 1, udp_port_base: address.port(), ..MediaConfig::default() };
    match start(&config) {
        Err(error @ MediaError::Bind { .. }) => assert!(error.to_string().contains(&address.to_string())),
        _ => panic!("the port was taken"),
    }
}
