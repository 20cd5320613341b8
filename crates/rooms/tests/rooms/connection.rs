use std::time::Duration;

use confab_protocol::{Connection, LeaveReason, ParticipantId, RequestId, Role};
use confab_rooms::Command;

use crate::world::World;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_program_that_is_killed_is_gone_at_once() {
    let mut world = World::new();
    let (ann, session) = world.join();
    world.pass(SECOND * 60);
    world.lose(session);
    assert_eq!(world.left, [(ann, LeaveReason::Gone)]);
}

#[test]
fn a_black_hole_shows_as_rejoining_and_ends_the_membership_at_fifteen_seconds() {
    let mut world = World::new();
    let (ann, session) = world.join();
    let (_, observer) = world.join();
    let start = world.now;
    world.fall_silent(ann);
    assert_eq!(world.info(ann).unwrap().connection, Connection::Rejoining);
    world.pass(Duration::from_millis(12_999));
    assert_eq!(world.room.len(), 2);
    world.pass(Duration::from_millis(1));
    assert_eq!(world.now - start, SECOND * 15);
    assert_eq!(world.left, [(ann, LeaveReason::TimedOut)]);
    assert_eq!(world.told[&session].ended, Some(LeaveReason::TimedOut));
    assert_eq!(world.told[&observer].people.as_ref().unwrap().len(), 1);
}

#[test]
fn a_hole_of_ten_seconds_keeps_the_member() {
    let mut world = World::new();
    let (ann, _) = world.join();
    world.fall_silent(ann);
    world.pass(SECOND * 8);
    world.handle(Command::MediaBack(ann));
    assert_eq!(world.info(ann).unwrap().connection, Connection::Connected);
    world.pass(SECOND * 3_600);
    assert!(world.left.is_empty());
}

#[test]
fn a_session_lost_while_silent_keeps_the_place_until_the_window_ends() {
    let mut world = World::new();
    let (ann, session) = world.join();
    world.fall_silent(ann);
    world.lose(session);
    assert_eq!(world.info(ann).unwrap().connection, Connection::Rejoining);
    world.pass(Duration::from_millis(12_999));
    assert_eq!(world.room.len(), 1);
    world.pass(Duration::from_millis(1));
    assert_eq!(world.left, [(ann, LeaveReason::TimedOut)]);
}

#[test]
fn media_without_signaling_does_not_keep_a_place_for_ever() {
    let mut world = World::new();
    let (ann, session) = world.join();
    world.fall_silent(ann);
    world.lose(session);
    world.pass(SECOND);
    world.handle(Command::MediaBack(ann));
    world.pass(SECOND * 13);
    assert_eq!(world.room.len(), 1);
    world.pass(SECOND);
    assert_eq!(world.left, [(ann, LeaveReason::TimedOut)], "fifteen seconds after the session was lost");
}

#[test]
fn a_media_path_that_never_comes_up_is_given_up() {
    let mut world = World::new();
    let ann = ParticipantId::new();
    let session = world.begin_join(ann, Role::Participant);
    world.media_answers(0);
    assert_eq!(world.info(ann).unwrap().connection, Connection::Connecting);
    world.pass(SECOND * 29);
    assert_eq!(world.room.len(), 1);
    world.pass(SECOND);
    assert_eq!(world.told[&session].ended, Some(LeaveReason::TimedOut));
}

#[test]
fn a_closed_media_path_leaves_time_to_join_again() {
    let mut world = World::new();
    let (ann, old) = world.join();
    world.media_closes(ann);
    assert_eq!(world.info(ann).unwrap().connection, Connection::Rejoining);
    world.pass(SECOND * 14);
    let new = world.begin_join(ann, Role::Participant);
    world.media_answers(0);
    assert_eq!(world.told[&old].ended, Some(LeaveReason::Replaced));
    assert!(world.told[&new].people.is_some());
    assert_eq!(world.info(ann).unwrap().connection, Connection::Connecting);
}

#[test]
fn a_member_whose_session_is_lost_while_a_new_join_is_answered_is_not_seen_to_leave() {
    let mut world = World::new();
    let (ann, old) = world.join();
    let (_, observer) = world.join();
    world.begin_join(ann, Role::Participant);
    world.lose(old);
    world.media_answers(0);
    assert_eq!(world.told[&observer].people.as_ref().unwrap().len(), 2);
    assert!(world.left.is_empty());

    // And if the new join fails, the member is gone.
    let (bob, old) = world.join();
    world.begin_join(bob, Role::Participant);
    world.lose(old);
    world.media_refuses(0);
    assert_eq!(world.left, [(bob, LeaveReason::Gone)]);
}

#[test]
fn a_member_whose_session_is_lost_while_a_resume_is_answered_is_not_seen_to_leave() {
    let mut world = World::new();
    let (ann, old) = world.join();
    let (_, observer) = world.join();
    let heard = world.told(observer).len();
    let new = world.session();
    world.handle(Command::Resume { session: new, request: RequestId(2), participant: ann });
    world.lose(old);
    world.media_answers(0);
    assert!(world.told[&new].people.is_some());
    assert_eq!(world.told(observer).len(), heard);

    let newer = world.session();
    world.handle(Command::Resume { session: newer, request: RequestId(2), participant: ann });
    world.lose(new);
    world.lose(newer);
    world.media_answers(0);
    assert_eq!(world.left, [(ann, LeaveReason::Gone)], "both are lost, so the program is");
}

#[test]
fn a_program_that_dies_while_it_joins_again_is_gone_at_once() {
    let mut world = World::new();
    let (ann, old) = world.join();
    let new = world.begin_join(ann, Role::Participant);
    world.lose(old);
    world.lose(new);
    world.media_answers(0);
    assert_eq!(world.left, [(ann, LeaveReason::Gone)]);
    assert!(world.media.is_empty());
}

#[test]
fn a_path_that_is_not_up_yet_cannot_fall_silent() {
    let mut world = World::new();
    let ann = ParticipantId::new();
    world.begin_join(ann, Role::Participant);
    world.media_answers(0);
    world.fall_silent(ann);
    assert_eq!(world.info(ann).unwrap().connection, Connection::Connecting);
}

#[test]
fn an_ice_restart_long_ago_does_not_shorten_the_window() {
    let mut world = World::new();
    let (ann, session) = world.join();
    world.handle(Command::Restart { session, request: RequestId(2) });
    world.media_answers(0);
    world.pass(SECOND * 60);
    world.fall_silent(ann);
    world.pass(SECOND * 12);
    assert_eq!(world.room.len(), 1);
    world.pass(SECOND);
    assert_eq!(world.left, [(ann, LeaveReason::TimedOut)]);
}

#[test]
fn news_of_strangers_changes_nothing() {
    let mut world = World::new();
    let (_, session) = world.join();
    let heard = world.told(session).len();
    let stranger = ParticipantId::new();
    for command in [
        Command::MediaConnected(stranger),
        Command::MediaBack(stranger),
        Command::MediaSilent { participant: stranger, since: world.now },
        Command::MediaClosed(stranger),
        Command::Slots { participant: stranger, changed: vec![] },
        Command::Tick,
    ] {
        world.handle(command);
    }
    assert_eq!(world.told(session).len(), heard);
}
