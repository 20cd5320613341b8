//! Meetings as people have them.

use confab_protocol::{
    ClientMessage, ErrorCode, LeaveReason, PROTOCOL_VERSION, RequestId, Role, ServerMessage, SourceKind, TileRequest,
};
use confab_server::Config;

use crate::client::Client;
use crate::peer::Peer;
use crate::world::{Folder, room, server, start};

#[tokio::test]
async fn two_people_meet_by_a_code_and_see_what_the_other_does() {
    let server = server().await;
    let mut ann = Client::connect(&server).await;
    ann.send(&ClientMessage::MeetingCreate { request: RequestId(5), name: "Stand-up".into(), host_key: None }).await;
    let (code, link, token) = match ann.next().await {
        ServerMessage::MeetingCreated { request: RequestId(5), code, link, token } => (code.to_string(), link, token),
        other => panic!("{other:?}"),
    };
    assert_eq!(link, format!("http://{}/m/{code}", server.address()));
    let ann_joined = ann.join(&code, Some(&token)).await;
    assert_eq!((ann_joined.role, ann_joined.link), (Role::Host, link));

    let mut bob = Client::connect(&server).await;
    let bob_joined = bob.join(&code, None).await;
    assert_eq!(bob_joined.role, Role::Participant, "a guest takes part");
    assert_eq!(bob_joined.people.iter().map(|info| info.id).collect::<Vec<_>>(), [ann_joined.id, bob_joined.id]);
    assert!(matches!(ann.next().await, ServerMessage::CallParticipantJoined { participant }
        if participant.id == bob_joined.id && participant.name == "Ada"));

    let source = SourceKind::Camera;
    bob.send(&ClientMessage::CallPublish { source, muted: false, width: 1280, height: 720 }).await;
    bob.send(&ClientMessage::CallMute { source, muted: true }).await;
    bob.send(&ClientMessage::CallHand { raised: true }).await;
    let info = ann.find(|message| match message {
        ServerMessage::CallParticipantUpdated { participant } if participant.hand_raised_at.is_some() => {
            Some(participant)
        }
        _ => None,
    });
    let info = info.await;
    assert_eq!((info.tracks[0].source, info.tracks[0].muted, info.tracks[0].width), (source, true, 1280));

    let tile = TileRequest { participant: bob_joined.id, source, width: 640, height: 360, priority: 0, pinned: false };
    ann.send(&ClientMessage::CallView { tiles: vec![tile] }).await;
    bob.send(&ClientMessage::CallLeave {}).await;
    assert_eq!(ann.someone_left().await.1, LeaveReason::Left);
    bob.find(|message| matches!(message, ServerMessage::CallEnded { reason: LeaveReason::Left }).then_some(())).await;
    let again = bob.join(&code, Some(&bob_joined.token)).await;
    assert_eq!(again.id, bob_joined.id, "the connection stays open for another call, as the same person");
    server.shutdown().await;
}

#[tokio::test]
async fn a_leave_and_a_join_right_behind_it_both_count() {
    let server = server().await;
    let (first, _) = room(&server).await;
    let (second, _) = room(&server).await;
    let mut ann = Client::connect(&server).await;
    ann.join(&first, None).await;
    ann.send(&ClientMessage::CallLeave {}).await;
    let peer = Peer::new().await;
    ann.send(&Client::join_message(&second, None, &peer)).await;
    ann.find(|message| matches!(message, ServerMessage::CallJoined { .. }).then_some(())).await;
    ann.send(&ClientMessage::CallHand { raised: true }).await;
    ann.find(|message| match message {
        ServerMessage::CallParticipantUpdated { participant } => participant.hand_raised_at.map(|_| ()),
        ServerMessage::Error { message, .. } => panic!("{message}"),
        _ => None,
    })
    .await;
    server.shutdown().await;
}

#[tokio::test]
async fn a_room_takes_as_many_as_it_may() {
    let server = start(Config { room_participants: 2, ..Config::ephemeral_on_loopback() }).await;
    let (code, token) = room(&server).await;
    let (mut ann, mut bob, mut eve) =
        (Client::connect(&server).await, Client::connect(&server).await, Client::connect(&server).await);
    ann.join(&code, Some(&token)).await;
    bob.join(&code, None).await;
    ann.next().await;
    assert_eq!(eve.join_refused(&code, None).await, ErrorCode::RoomFull);
    ann.hears_nothing().await;
    bob.send(&ClientMessage::CallLeave {}).await;
    ann.someone_left().await;
    eve.join(&code, None).await;
    server.shutdown().await;
}

#[tokio::test]
async fn a_full_server_takes_nobody_else() {
    let server = start(Config { max_participants: 1, ..Config::ephemeral_on_loopback() }).await;
    let (code, token) = room(&server).await;
    let (other, _) = room(&server).await;
    let (mut ann, mut bob) = (Client::connect(&server).await, Client::connect(&server).await);
    ann.join(&code, Some(&token)).await;
    assert_eq!(bob.join_refused(&other, None).await, ErrorCode::ServerFull);
    let mut again = Client::connect(&server).await;
    again.join(&code, Some(&token)).await;
    server.shutdown().await;
}

#[tokio::test]
async fn a_second_join_with_one_token_replaces_the_first_connection() {
    let server = server().await;
    let (code, token) = room(&server).await;
    let (mut old, mut observer) = (Client::connect(&server).await, Client::connect(&server).await);
    let first = old.join(&code, Some(&token)).await;
    observer.join(&code, None).await;
    let mut new = Client::connect(&server).await;
    let second = new.join(&code, Some(&token)).await;
    assert_eq!((second.id, second.people.len()), (first.id, 2));
    old.find(|message| matches!(message, ServerMessage::CallEnded { reason: LeaveReason::Replaced }).then_some(()))
        .await;
    assert!(
        matches!(observer.next().await, ServerMessage::CallParticipantUpdated { participant } if participant.id == first.id)
    );
    drop(old);
    observer.hears_nothing().await;
    server.shutdown().await;
}

#[tokio::test]
async fn a_join_is_refused_for_a_reason_the_client_can_read() {
    let server = server().await;
    let (code, _) = room(&server).await;
    let mut client = Client::connect(&server).await;
    assert_eq!(client.join_refused("kestrel-lane-10", None).await, ErrorCode::RoomNotFound);
    let peer = Peer::new().await;
    let with = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut message = serde_json::to_value(Client::join_message(&code, None, &peer)).unwrap();
        change(&mut message);
        message.to_string()
    };
    for (message, expected) in [
        (with(&|message| message["version"] = (PROTOCOL_VERSION + 1).into()), ErrorCode::VersionMismatch),
        (with(&|message| message["offer"] = "v=0 this is not SDP".into()), ErrorCode::SdpInvalid),
        (with(&|message| message["offer"] = "".into()), ErrorCode::SdpInvalid),
        (with(&|message| message["tracks"][0]["mid"] = "nowhere".into()), ErrorCode::TrackUnknown),
        (with(&|message| message["tracks"][1]["source"] = "microphone".into()), ErrorCode::InvalidField),
        (with(&|message| message["name"] = "x".repeat(65).into()), ErrorCode::InvalidField),
        (with(&|message| message["code"] = "no code".into()), ErrorCode::MalformedMessage),
    ] {
        client.send_text(&message).await;
        let (code, request) = client.error().await;
        assert_eq!((code, request), (expected, Some(RequestId(1))), "{}", &message[..message.len().min(200)]);
    }
    client.join(&code, None).await;
    assert_eq!(client.join_refused(&code, None).await, ErrorCode::AlreadyJoined);
    server.shutdown().await;
}

#[tokio::test]
async fn after_a_restart_the_same_token_opens_the_same_room_for_the_same_person() {
    let folder = Folder::new();
    let server = start(folder.config()).await;
    let (code, token) = room(&server).await;
    let mut ann = Client::connect(&server).await;
    let mut guest = Client::connect(&server).await;
    let before = ann.join(&code, Some(&token)).await;
    let guest_before = guest.join(&code, None).await;
    let host_key = server.host_key().to_owned();
    assert!(server.host_key_is_new());
    server.shutdown().await;

    let server = start(folder.config()).await;
    assert_eq!((server.host_key(), server.host_key_is_new()), (host_key.as_str(), false));
    let mut ann = Client::connect(&server).await;
    let peer = Peer::new().await;
    let resume =
        ClientMessage::CallResume { request: RequestId(2), token: before.token.clone(), offer: peer.offer.clone() };
    ann.send(&resume).await;
    assert_eq!(ann.error().await, (ErrorCode::SessionGone, Some(RequestId(2))), "a restart ends calls");
    let after = ann.join(&code, Some(&before.token)).await;
    assert_eq!((after.id, after.role), (before.id, Role::Host));
    let mut guest = Client::connect(&server).await;
    assert_eq!(guest.join(&code, Some(&guest_before.token)).await.id, guest_before.id);
    server.shutdown().await;
}
