//! More receive slots on a running connection, with the server's own core at the other end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use confab_call::transport::{OutgoingPacket, SenderConfig, Transport, TransportConfig, WebrtcTransport};
use confab_protocol::{ParticipantId, SlotKind, SourceKind, TileRequest};

use crate::relay::{Impairment, Relay};
use crate::server::Server;
use crate::server_core::Core;
use crate::{Client, number, ports};

const SOURCES: [SourceKind; 2] = [SourceKind::Camera, SourceKind::Screen];

/// Who sends two pictures, each packet a picture of its own.
struct Publisher {
    id: ParticipantId,
    client: Client,
    numbers: BTreeMap<SourceKind, u32>,
    shown_at: Vec<Instant>,
}

impl Publisher {
    async fn join(core: &Core) -> Self {
        let senders = SOURCES.map(|source| SenderConfig { source, layers: Vec::new() }).to_vec();
        let config = TransportConfig { senders, audio_slots: 0, video_slots: 0, ..TransportConfig::default() };
        let (id, client) = join(core, config).await;
        for source in SOURCES {
            core.publish(id, source);
        }
        Self { id, client, numbers: BTreeMap::new(), shown_at: Vec::new() }
    }

    fn show(&mut self) {
        self.shown_at.push(Instant::now());
        for source in SOURCES {
            let number = self.numbers.entry(source).or_default();
            *number += 1;
            let asked = self.client.keyframes.iter().position(|(of, _)| *of == source);
            // A keyframe with its parameter sets (RFC 6184, 5.7.1), or a delta picture.
            let begin: &[u8] = if asked.is_some() || *number == 1 {
                &[0x78, 0, 4, 0x67, 0x42, 0xe0, 0x1f, 0, 2, 0x68, 0xce, 0, 8, 0x65]
            } else {
                &[0x41, 0x9a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
            };
            if let Some(asked) = asked {
                self.client.keyframes.remove(asked);
            }
            let mut payload = begin.to_vec();
            payload.extend(number.to_be_bytes());
            payload.resize(60, 1);
            self.client.transport.send(OutgoingPacket {
                source,
                layer: None,
                timestamp: *number * 3_000,
                marker: true,
                payload: Bytes::from(payload),
                audio_level: None,
            });
        }
    }
}

async fn join(core: &Core, config: TransportConfig) -> (ParticipantId, Client) {
    let id = ParticipantId::new();
    let (transport, events) = WebrtcTransport::new(config).await.expect("a transport");
    let offer = transport.offer().await.expect("an offer");
    let answer = core.join(id, &offer);
    transport.accept_answer(&answer).await.expect("an acceptable answer");
    let mut client = Client::new(Arc::new(transport), events, offer, answer);
    client.until("connected", 10_000, |client| client.states.contains(&"connected")).await;
    (id, client)
}

/// Everybody shows for so many pictures.
async fn go_on(viewer: &mut Client, publishers: &mut [Publisher], pictures: u32) {
    for _ in 0..pictures {
        for publisher in publishers.iter_mut() {
            publisher.show();
            publisher.client.for_some(0).await;
        }
        viewer.for_some(20).await;
    }
}

fn longest_gap(times: &[Instant]) -> Duration {
    times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
}

fn carrying(core: &Core, viewer: ParticipantId) -> BTreeSet<String> {
    let slots = core.slots(viewer).into_iter();
    slots.filter(|slot| slot.kind == SlotKind::Video && slot.participant.is_some()).map(|slot| slot.mid).collect()
}

fn numbers(viewer: &Client, slot: &str) -> Vec<u16> {
    viewer.packets.iter().filter(|packet| packet.mid.as_ref() == slot).map(|packet| packet.sequence).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_grow_from_9_to_16_while_the_pictures_there_are_go_on() {
    let core = Core::start();
    let config = TransportConfig { senders: Vec::new(), audio_slots: 1, ..TransportConfig::default() };
    let (id, mut viewer) = join(&core, config).await;
    let mut publishers = Vec::new();
    for _ in 0..6 {
        publishers.push(Publisher::join(&core).await);
    }
    let tiles: Vec<TileRequest> = publishers
        .iter()
        .flat_map(|publisher| SOURCES.map(|source| (publisher.id, source)))
        .map(|(participant, source)| TileRequest {
            participant,
            source,
            width: 320,
            height: 180,
            priority: 0,
            pinned: false,
        })
        .collect();
    core.view(id, tiles[..9].to_vec());
    go_on(&mut viewer, &mut publishers, 50).await;
    let nine = carrying(&core, id);
    assert_eq!(nine.len(), 9);
    assert!(nine.iter().all(|slot| numbers(&viewer, slot).len() > 20), "nine pictures come");

    let before = viewer.offer.sdp.matches("a=mid:").count();
    let states = viewer.states.clone();
    let asked = Instant::now();
    let offer = viewer.transport.grow_offer(16).await.expect("an offer");
    println!("{} bytes offered after {:?}", offer.len(), asked.elapsed());
    assert_eq!(offer.matches("a=mid:").count(), before + 7);
    assert_eq!(ports(&offer), ports(&viewer.offer.sdp), "the sockets stay");
    let credentials = |sdp: &str| sdp.lines().find(|line| line.starts_with("a=ice-ufrag:")).map(str::to_owned);
    assert_eq!(credentials(&offer), credentials(&viewer.offer.sdp));
    // On their way while the server and the client change what they know of the connection.
    go_on(&mut viewer, &mut publishers, 5).await;
    let answer = core.restart(id, &offer).expect("an answer");
    assert_eq!(credentials(&answer), credentials(&viewer.answer), "nothing is restarted");
    go_on(&mut viewer, &mut publishers, 5).await;
    viewer.transport.accept_answer(&answer).await.expect("an acceptable answer");
    go_on(&mut viewer, &mut publishers, 5).await;
    core.view(id, tiles.clone());
    let viewed = Instant::now();
    go_on(&mut viewer, &mut publishers, 60).await;
    viewer.for_some(100).await;

    let twelve = carrying(&core, id);
    assert!(twelve.len() == 12 && nine.is_subset(&twelve), "{twelve:?}");
    for slot in &twelve {
        let mut came = numbers(&viewer, slot);
        came.sort_unstable();
        assert!(came.len() > 20, "{} packets on slot {slot}", came.len());
        assert!(came.windows(2).all(|pair| pair[1] == pair[0] + 1), "slot {slot} lacks something: {came:?}");
        let times = viewer.packets.iter().filter(|packet| packet.mid.as_ref() == slot).map(|packet| packet.arrived);
        let times: Vec<Instant> = times.collect();
        // A machine that stands still for a moment does so for those who send as well.
        let paused = publishers.iter().map(|publisher| longest_gap(&publisher.shown_at)).max().unwrap_or_default();
        if nine.contains(slot) {
            let stood = longest_gap(&times);
            assert!(
                stood < paused + Duration::from_millis(300),
                "slot {slot} stood still for {stood:?}, not {paused:?}"
            );
        } else {
            assert!(times[0] - viewed < paused + Duration::from_secs(1), "slot {slot} after {:?}", times[0] - viewed);
            println!("slot {slot} after {:?}", times[0] - viewed);
        }
    }
    let stats = viewer.transport.stats();
    assert_eq!((stats.unknown, stats.events_dropped), (0, 0), "{stats:?}");
    assert_eq!(viewer.states, states, "the connection had nothing to tell");

    // An ICE restart after it has all slots too.
    let restart = viewer.transport.restart_offer().await.expect("an offer");
    assert_eq!(restart.matches("a=mid:").count(), before + 7);
    let answer = core.restart(id, &restart).expect("an answer");
    viewer.transport.accept_answer(&answer).await.expect("an acceptable answer");
    let known = viewer.packets.len();
    let begun = Instant::now();
    while twelve.iter().any(|slot| !viewer.packets[known..].iter().any(|packet| packet.mid.as_ref() == slot)) {
        go_on(&mut viewer, &mut publishers, 1).await;
        assert!(begun.elapsed() < Duration::from_secs(5), "pictures did not come back on every slot");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_that_were_refused_stay_in_the_offer_and_the_call_goes_on() {
    let core = Core::start();
    let config = TransportConfig { senders: Vec::new(), audio_slots: 1, ..TransportConfig::default() };
    let (id, mut viewer) = join(&core, config).await;
    let mut publishers = vec![Publisher::join(&core).await];
    let tile = |source| TileRequest {
        participant: publishers[0].id,
        source,
        width: 320,
        height: 180,
        priority: 0,
        pinned: false,
    };
    core.view(id, SOURCES.map(tile).to_vec());
    go_on(&mut viewer, &mut publishers, 30).await;
    let offer = viewer.transport.grow_offer(90).await.expect("an offer");
    let refused = core.restart(id, &offer).expect_err("91 lines are too many");
    assert!(refused.to_string().contains("at most 80"), "{refused}");
    go_on(&mut viewer, &mut publishers, 50).await;
    viewer.for_some(100).await;
    let slots = carrying(&core, id);
    assert_eq!(slots.len(), 2);
    for slot in &slots {
        let came = numbers(&viewer, slot);
        assert!(came.len() > 60 && came.windows(2).all(|pair| pair[1] == pair[0] + 1), "slot {slot}: {came:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_lost_while_slots_are_added_is_repaired_too() {
    let mut relay = None;
    let impairment = Impairment { loss: 5, seed: 31, ..Impairment::default() };
    let server = Server::start(|address| relay.insert(Relay::start(address, impairment)).address);
    let counts = Arc::clone(&relay.as_ref().expect("started").counts);
    let mut client = Client::connect(&server).await;
    let slots = client.slots("video");
    let mut growths = 0;
    for frame in 0..210_u32 {
        for slot in &slots {
            for part in 0..3 {
                let mut payload = (frame * 3 + part).to_be_bytes().to_vec();
                payload.resize(800, 1);
                server.write_video(slot, frame * 3000, part == 2, payload);
            }
        }
        if frame % 10 == 9 && frame < 200 {
            growths += 1;
            let offer = client.transport.grow_offer(slots.len() + growths).await.expect("an offer");
            let answer = server.accept(&offer);
            client.transport.accept_answer(&answer).await.expect("an acceptable answer");
        }
        client.for_some(10).await;
    }
    client.for_some(700).await;
    let lost = counts.to_client_lost.load(Ordering::Relaxed);
    assert!(lost > 40 && growths == 20, "the loss happened: {lost}");
    for slot in &slots {
        let came: Vec<u32> = client
            .packets
            .iter()
            .filter(|packet| packet.mid.as_ref() == slot)
            .map(|packet| number(&packet.payload))
            .filter(|number| *number < 600)
            .collect();
        let different: BTreeSet<u32> = came.iter().copied().collect();
        let missing: Vec<u32> = (came[0]..600).filter(|number| !different.contains(number)).collect();
        assert!(missing.is_empty() && came.len() == different.len(), "slot {slot} lacks {missing:?}");
    }
}
