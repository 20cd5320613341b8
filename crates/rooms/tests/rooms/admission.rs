use std::time::Duration;

use confab_protocol::{Connection, ErrorCode, LeaveReason, ParticipantId, RequestId, Role, ServerMessage, SourceKind};
use confab_rooms::{Command, Effect, MediaPurpose, SessionEnd};

use crate::world::World;

#[test]
fn who_joins_is_told_everybody_and_everybody_is_told_of_them() {
    let mut world = World::new();
    let (ann, first) = world.join();
    let (bob, second) = world.join();
    let ids = |people: &Option<Vec<confab_protocol::ParticipantInfo>>| {
        people.as_ref().unwrap().iter().map(|info| info.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&world.told[&first].people), [ann, bob]);
    assert_eq!(ids(&world.told[&second].people), [ann, bob], "in the order of joining");
    assert_eq!(world.info(bob).unwrap().connection, Connection::Connected);
}

#[test]
fn nobody_sees_a_person_whose_media_was_refused() {
    let mut world = World::new();
    let (_, first) = world.join();
    let heard = world.told(first).len();
    let second = world.begin_join(ParticipantId::new(), Role::Participant);
    world.media_refuses(0);
    assert_eq!(world.last_error(second), Some(ErrorCode::SdpInvalid));
    assert_eq!(world.told(first).len(), heard, "nobody else notices");
    assert_eq!(world.room.len(), 1);
}

#[test]
fn a_full_room_refuses_newcomers_and_not_those_who_return() {
    let mut world = World::capacity(2);
    let (ann, old) = world.join();
    let on_the_way = world.begin_join(ParticipantId::new(), Role::Participant);
    let third = world.begin_join(ParticipantId::new(), Role::Host);
    assert_eq!(world.last_error(third), Some(ErrorCode::RoomFull), "people on their way count");
    world.media_answers(0);
    assert!(world.told[&on_the_way].people.is_some());
    let again = world.begin_join(ann, Role::Participant);
    world.media_answers(0);
    assert!(world.told[&again].people.is_some(), "who has a place may come back to it");
    assert_eq!(world.told[&old].ended, Some(LeaveReason::Replaced));
    world.handle(Command::Leave { session: again });
    let fourth = world.begin_join(ParticipantId::new(), Role::Participant);
    world.media_answers(0);
    assert!(world.told[&fourth].people.is_some(), "a place that is left is free");
}

#[test]
fn a_second_join_with_the_same_token_replaces_the_first_and_others_see_one_person() {
    let mut world = World::new();
    let (ann, old) = world.join();
    let (_, observer) = world.join();
    world.handle(Command::Hand { session: old, raised: true });
    let publish = Command::Publish { session: old, source: SourceKind::Camera, muted: false, width: 1280, height: 720 };
    world.handle(publish);
    let before = world.told(observer).len();

    let new = world.begin_join(ann, Role::Participant);
    assert!(world.told[&old].people.is_some(), "the old session goes on until the new one stands");
    world.media_answers(0);
    assert_eq!(world.told[&old].ended, Some(LeaveReason::Replaced));
    assert!(world.told[&new].people.is_some());
    assert!(matches!(world.news(observer, before), [ServerMessage::CallParticipantUpdated { participant }]
        if participant.id == ann && participant.tracks.is_empty() && participant.hand_raised_at.is_some()));
    world.handle(Command::Hand { session: old, raised: false });
    assert_eq!(world.last_error(old), Some(ErrorCode::NotJoined), "the old session has no say any more");
}

#[test]
fn a_broken_offer_does_not_cost_the_running_session() {
    let mut world = World::new();
    let (ann, old) = world.join();
    let new = world.begin_join(ann, Role::Participant);
    world.media_refuses(0);
    assert_eq!(world.last_error(new), Some(ErrorCode::SdpInvalid));
    assert!(world.told[&old].people.is_some());
    assert!(world.media.contains(&ann));
}

#[test]
fn a_session_joins_once() {
    let mut world = World::new();
    let (_, session) = world.join();
    let mut join = world.join_request(ParticipantId::new(), Role::Participant);
    join.session = session;
    world.handle(Command::Join(join));
    assert_eq!(world.last_error(session), Some(ErrorCode::AlreadyJoined));
    assert!(world.asked.is_empty());
}

#[test]
fn a_source_is_offered_once() {
    let mut world = World::new();
    let mut join = world.join_request(ParticipantId::new(), Role::Participant);
    join.offered.push(SourceKind::Camera);
    let session = join.session;
    world.handle(Command::Join(join));
    assert_eq!(world.last_error(session), Some(ErrorCode::InvalidField));
}

#[test]
fn a_second_request_waits_for_the_answer_to_the_first() {
    let mut world = World::new();
    let ann = ParticipantId::new();
    let first = world.begin_join(ann, Role::Participant);
    let second = world.begin_join(ann, Role::Participant);
    assert_eq!(world.last_error(second), Some(ErrorCode::RateLimited));
    world.media_answers(0);
    assert!(world.told[&first].people.is_some());
}

#[test]
fn who_gives_up_while_joining_leaves_nothing_behind() {
    let mut world = World::new();
    let (_, observer) = world.join();
    let heard = world.told(observer).len();
    let session = world.begin_join(ParticipantId::new(), Role::Participant);
    world.lose(session);
    world.media_answers(0);
    assert_eq!(world.room.len(), 1);
    assert_eq!(world.media.len(), 1, "the media path that came too late is closed");
    assert_eq!(world.told(observer).len(), heard);
}

#[test]
fn a_resume_takes_the_call_to_the_new_session_without_anybody_noticing() {
    let mut world = World::new();
    let (ann, old) = world.join();
    let (_, observer) = world.join();
    let heard = world.told(observer).len();
    let new = world.session();
    world.handle(Command::Resume { session: new, request: RequestId(3), participant: ann });
    assert!(matches!(world.last[..], [Effect::AskMedia { purpose: MediaPurpose::Resume, .. }]));
    world.media_answers(0);
    assert!(world.told[&old].detached && world.told[&old].ended.is_none(), "the old session ends without a word");
    assert!(world.told[&new].people.is_some());
    assert_eq!(world.told(observer).len(), heard);
    world.lose(old);
    assert_eq!(world.room.len(), 2, "the old session's end means nothing any more");
}

#[test]
fn who_is_not_here_cannot_resume() {
    let mut world = World::new();
    let (ann, session) = world.join();
    world.handle(Command::Leave { session });
    let new = world.session();
    world.handle(Command::Resume { session: new, request: RequestId(3), participant: ann });
    assert_eq!(world.last_error(new), Some(ErrorCode::SessionGone));
}

#[test]
fn a_resume_that_comes_at_the_last_moment_gets_time_for_its_media() {
    let mut world = World::new();
    let (ann, session) = world.join();
    world.fall_silent(ann);
    world.lose(session);
    world.pass(Duration::from_millis(12_900));
    let new = world.session();
    world.handle(Command::Resume { session: new, request: RequestId(3), participant: ann });
    world.media_answers(0);
    world.pass(Duration::from_secs(4));
    assert_eq!(world.room.len(), 1);
    world.handle(Command::MediaBack(ann));
    assert_eq!(world.info(ann).unwrap().connection, Connection::Connected);
    world.pass(Duration::from_hours(1));
    assert_eq!(world.room.len(), 1);
}

#[test]
fn an_ice_restart_is_answered_to_the_same_session() {
    let mut world = World::new();
    let (ann, session) = world.join();
    world.handle(Command::Restart { session, request: RequestId(4) });
    world.media_answers(0);
    assert_eq!(world.last, [Effect::Restarted { session, request: RequestId(4) }]);
    world.media_closes(ann);
    world.handle(Command::Restart { session, request: RequestId(5) });
    world.media_answers(0);
    assert_eq!(
        world.last_error(session),
        Some(ErrorCode::SessionGone),
        "without a media path there is nothing to restart"
    );
    let stranger = world.session();
    world.handle(Command::Restart { session: stranger, request: RequestId(4) });
    assert_eq!(world.last_error(stranger), Some(ErrorCode::NotJoined));
}

#[test]
fn leaving_is_seen_by_all_and_keeps_nothing() {
    let mut world = World::new();
    let (ann, session) = world.join();
    let (_, observer) = world.join();
    world.handle(Command::Leave { session });
    assert_eq!(world.told[&session].ended, Some(LeaveReason::Left));
    let left = ServerMessage::CallParticipantLeft { participant_id: ann, reason: LeaveReason::Left };
    assert_eq!(world.told(observer).last(), Some(&left));
    assert!(!world.media.contains(&ann));
    world.handle(Command::Leave { session });
    assert_eq!(world.last_error(session), Some(ErrorCode::NotJoined));
}

#[test]
fn a_close_message_means_that_the_person_left() {
    let mut world = World::new();
    let (ann, session) = world.join();
    world.handle(Command::SessionEnded { session, end: SessionEnd::Closed });
    assert_eq!(world.left, [(ann, LeaveReason::Left)]);
    assert!(world.room.is_empty());
}
