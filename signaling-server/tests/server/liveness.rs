//! Members whose program or network goes away, with real media.

use std::time::{Duration, Instant};

use confab_protocol::{ClientMessage, Connection, LeaveReason, ParticipantId, RequestId, ServerMessage};
use confab_server::Config;

use crate::client::Client;
use crate::world::{metric, room, server, start};

async fn connection_of(observer: &mut Client, who: ParticipantId, wanted: Connection) {
    observer
        .find(|message| match message {
            ServerMessage::CallParticipantUpdated { participant } => {
                (participant.id == who && participant.connection == wanted).then_some(())
            }
            ServerMessage::CallParticipantLeft { participant_id, reason } if participant_id == who => {
                panic!("left ({reason:?}) before {wanted:?}")
            }
            _ => None,
        })
        .await;
}

#[tokio::test]
async fn a_killed_program_is_gone_from_the_others_list_at_once() {
    let server = server().await;
    let (code, _) = room(&server).await;
    let (mut ann, mut bob) = (Client::connect(&server).await, Client::connect(&server).await);
    let ann_joined = ann.join_with_media(&code, None).await;
    bob.join(&code, None).await;
    // A killed process's sockets are closed by the system: no close message, and no packet any more.
    let media = ann_joined.media;
    drop((ann, media));
    let (who, why, after) = bob.someone_left().await;
    assert_eq!((who, why), (ann_joined.id, LeaveReason::Gone));
    assert!(after < Duration::from_secs(1), "{after:?}");
    server.shutdown().await;
}

#[tokio::test]
async fn a_member_in_a_black_hole_shows_as_rejoining_and_is_gone_when_the_window_ends() {
    let server = start(Config { rejoin_window_ms: 4_000, ..Config::ephemeral_on_loopback() }).await;
    let (code, _) = room(&server).await;
    let (mut ann, mut bob) = (Client::connect(&server).await, Client::connect(&server).await);
    let ann_joined = ann.join_with_media(&code, None).await;
    bob.join(&code, None).await;
    let hole = Instant::now();
    drop(ann_joined.media);
    connection_of(&mut bob, ann_joined.id, Connection::Rejoining).await;
    let seen = hole.elapsed();
    // The exact times are the state machine's, tested in virtual time; here a busy computer may add to them.
    assert!(seen > Duration::from_millis(1_500) && seen < Duration::from_secs(5), "rejoining after {seen:?}");
    let (who, why, _) = bob.someone_left().await;
    let gone = hole.elapsed();
    assert_eq!((who, why), (ann_joined.id, LeaveReason::TimedOut));
    assert!(gone > Duration::from_millis(3_500) && gone < Duration::from_secs(9), "gone after {gone:?}");
    ann.find(|message| matches!(message, ServerMessage::CallEnded { reason: LeaveReason::TimedOut }).then_some(()))
        .await;
    assert_eq!(metric(&server, "confab_participants_left_total{reason=\"timed_out\"}").await, 1);
    server.shutdown().await;
}

#[tokio::test]
async fn a_short_hole_shows_as_rejoining_and_ends_by_itself() {
    let server = server().await;
    let (code, _) = room(&server).await;
    let (mut ann, mut bob) = (Client::connect(&server).await, Client::connect(&server).await);
    let ann_joined = ann.join_with_media(&code, None).await;
    bob.join(&code, None).await;
    let media = ann_joined.media.unwrap();
    media.hole(true);
    connection_of(&mut bob, ann_joined.id, Connection::Rejoining).await;
    media.hole(false);
    connection_of(&mut bob, ann_joined.id, Connection::Connected).await;
    bob.hears_nothing().await;
    server.shutdown().await;
}

#[tokio::test]
async fn a_lost_session_is_taken_up_on_a_new_socket_and_others_see_one_person() {
    let server = server().await;
    let (code, _) = room(&server).await;
    let (mut ann, mut bob) = (Client::connect(&server).await, Client::connect(&server).await);
    let ann_joined = ann.join_with_media(&code, None).await;
    bob.join(&code, None).await;
    let media = ann_joined.media.unwrap();
    media.hole(true);
    connection_of(&mut bob, ann_joined.id, Connection::Rejoining).await;
    // The network takes the signaling with it while the media is silent already: the place is kept.
    drop(ann);
    tokio::time::sleep(Duration::from_millis(300)).await;
    bob.hears_nothing().await;
    let missed = bob.write("said while ann was away").await;

    let mut again = Client::connect(&server).await;
    let (request, offer) = (RequestId(8), media.restart().await);
    media.hole(false);
    again.send(&ClientMessage::CallResume { request, token: ann_joined.token.clone(), offer }).await;
    match again.next().await {
        ServerMessage::CallJoined {
            request: RequestId(8), participant_id, answer, token, chat, participants, ..
        } => {
            assert_eq!((participant_id, participants.len()), (ann_joined.id, 2));
            assert_ne!(token, ann_joined.token, "a resume renews the token");
            assert_eq!(chat, [missed]);
            media.answer(answer);
        }
        other => panic!("{other:?}"),
    }
    connection_of(&mut bob, ann_joined.id, Connection::Connected).await;
    bob.hears_nothing().await;
    server.shutdown().await;
}

#[tokio::test]
async fn an_ice_restart_on_the_same_socket_is_answered_and_noticed_by_nobody() {
    let server = server().await;
    let (code, _) = room(&server).await;
    let (mut ann, mut bob) = (Client::connect(&server).await, Client::connect(&server).await);
    let ann_joined = ann.join_with_media(&code, None).await;
    bob.join(&code, None).await;
    let media = ann_joined.media.unwrap();
    let (request, offer) = (RequestId(8), media.restart().await);
    ann.send(&ClientMessage::CallRestart { request, offer }).await;
    let answer = ann.find(|message| match message {
        ServerMessage::CallRestarted { request: RequestId(8), answer } => Some(answer),
        ServerMessage::Error { message, .. } => panic!("{message}"),
        _ => None,
    });
    media.answer(answer.await);
    // Longer than the two seconds after which silence shows.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    bob.hears_nothing().await;
    server.shutdown().await;
}
