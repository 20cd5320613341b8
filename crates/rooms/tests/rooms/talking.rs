use std::time::Duration;

use confab_protocol::{
    ChatMessageId, ErrorCode, Grants, ParticipantId, Reaction, RequestId, Role, ServerMessage, SourceKind, TileRequest,
};
use confab_rooms::{Command, Effect, SessionId, TrackState};

use crate::world::World;

fn publish(session: SessionId, source: SourceKind) -> Command {
    Command::Publish { session, source, muted: false, width: 1280, height: 720 }
}

#[test]
fn a_published_track_is_seen_by_all_and_told_to_the_media_plane() {
    let mut world = World::new();
    let (ann, session) = world.join();
    let (_, observer) = world.join();
    world.handle(publish(session, SourceKind::Camera));
    let state = TrackState::Published { width: 1280, height: 720 };
    assert!(world.last.contains(&Effect::SetTrack { participant: ann, source: SourceKind::Camera, state }));
    let seen = world.told[&observer].people.as_ref().unwrap()[0].tracks.clone();
    assert_eq!((seen[0].source, seen[0].muted, seen[0].width), (SourceKind::Camera, false, 1280));

    world.handle(Command::Mute { session, source: SourceKind::Camera, muted: true });
    let muted = Effect::SetTrack { participant: ann, source: SourceKind::Camera, state: TrackState::Muted };
    assert!(world.last.contains(&muted));
    assert!(world.told[&observer].people.as_ref().unwrap()[0].tracks[0].muted);
    let heard = world.told(observer).len();
    world.handle(Command::Mute { session, source: SourceKind::Camera, muted: true });
    assert_eq!(world.told(observer).len(), heard, "what does not change is not told");
    world.handle(Command::Mute { session, source: SourceKind::Camera, muted: false });
    assert!(world.last.contains(&Effect::SetTrack { participant: ann, source: SourceKind::Camera, state }));

    world.handle(Command::Unpublish { session, source: SourceKind::Camera });
    assert!(world.told[&observer].people.as_ref().unwrap()[0].tracks.is_empty());
    world.handle(Command::Unpublish { session, source: SourceKind::Camera });
    assert_eq!(world.last_error(session), Some(ErrorCode::TrackUnknown));
}

#[test]
fn a_track_can_begin_muted_and_a_sound_has_no_size() {
    let mut world = World::new();
    let (ann, session) = world.join();
    let source = SourceKind::Microphone;
    world.handle(Command::Publish { session, source, muted: true, width: 5, height: 5 });
    let track = world.info(ann).unwrap().tracks[0].clone();
    assert!(track.muted && track.width == 0 && track.height == 0);
    assert!(world.last.contains(&Effect::SetTrack { participant: ann, source, state: TrackState::Muted }));
}

#[test]
fn what_was_not_offered_granted_or_possible_is_not_published() {
    let mut world = World::new();
    let (_, viewer) = world.join_as(Role::Viewer);
    world.handle(publish(viewer, SourceKind::Camera));
    assert_eq!(world.last_error(viewer), Some(ErrorCode::NotAllowed));
    let (_, session) = world.join();
    world.handle(publish(session, SourceKind::ScreenAudio));
    assert_eq!(world.last_error(session), Some(ErrorCode::TrackUnknown));
    let source = SourceKind::Camera;
    world.handle(Command::Publish { session, source, muted: false, width: 1_000_000, height: 1 });
    assert_eq!(world.last_error(session), Some(ErrorCode::InvalidField));
    world.handle(Command::Mute { session, source, muted: false });
    assert_eq!(world.last_error(session), Some(ErrorCode::TrackUnknown));
    assert!(world.room.participants().iter().all(|info| info.tracks.is_empty()));
}

#[test]
fn a_view_names_pictures_and_not_too_many() {
    let mut world = World::new();
    let (ann, session) = world.join();
    let tile = |source| TileRequest { participant: ann, source, width: 640, height: 360, priority: 0, pinned: false };
    let tiles = vec![tile(SourceKind::Camera), tile(SourceKind::Microphone)];
    world.handle(Command::View { session, tiles });
    assert_eq!(world.last, [Effect::SetView { participant: ann, tiles: vec![tile(SourceKind::Camera)] }]);
    world.handle(Command::View { session, tiles: vec![tile(SourceKind::Camera); 50] });
    assert_eq!(world.last_error(session), Some(ErrorCode::InvalidField));
}

#[test]
fn a_reaction_reaches_everybody_and_none_comes_faster_than_it_can_be_seen() {
    let mut world = World::new();
    let (ann, session) = world.join();
    let (_, observer) = world.join();
    let reaction = Reaction::Clap;
    let told = ServerMessage::CallReaction { participant_id: ann, reaction };
    world.handle(Command::React { session, reaction });
    for everybody in [session, observer] {
        assert_eq!(world.told(everybody).last(), Some(&told));
    }
    world.handle(Command::React { session, reaction });
    assert_eq!(world.last_error(session), Some(ErrorCode::RateLimited));
    world.pass(Duration::from_millis(250));
    world.handle(Command::React { session, reaction });
    assert_eq!(world.told(observer).iter().filter(|message| **message == told).count(), 2);
    let silent = world.join_with(Grants { hand: false, ..Role::Participant.grants() });
    world.handle(Command::React { session: silent, reaction });
    assert_eq!(world.last_error(silent), Some(ErrorCode::NotAllowed));
}

#[test]
fn hands_are_raised_in_order() {
    let mut world = World::new();
    let (ann, session) = world.join();
    world.handle(Command::Hand { session, raised: true });
    let raised = world.info(ann).unwrap().hand_raised_at;
    assert_eq!(raised, Some(world.unix_ms()));
    world.pass(std::time::Duration::from_secs(5));
    world.handle(Command::Hand { session, raised: true });
    assert_eq!(world.info(ann).unwrap().hand_raised_at, raised, "raising it again does not lose the place");
    world.handle(Command::Hand { session, raised: false });
    assert_eq!(world.info(ann).unwrap().hand_raised_at, None);
}

#[test]
fn a_chat_message_is_told_only_after_it_is_stored_and_in_order() {
    let mut world = World::new();
    let (ann, session) = world.join();
    let (_, observer) = world.join();
    let heard = (world.told(session).len(), world.told(observer).len());
    world.write(session, "one");
    world.write(session, "two");
    assert_eq!((world.told(session).len(), world.told(observer).len()), heard, "not stored, not told");
    world.store_answers(true);
    world.store_answers(true);
    let texts = |messages: &[ServerMessage]| {
        let text = |message: &ServerMessage| match message {
            ServerMessage::ChatMessage { request, chat } => Some((chat.content.clone(), *request, chat.user_id)),
            _ => None,
        };
        messages.iter().filter_map(text).collect::<Vec<_>>()
    };
    let request = Some(RequestId(7));
    assert_eq!(texts(world.told(session)), [("one".into(), request, ann), ("two".into(), request, ann)]);
    assert_eq!(texts(world.told(observer)), [("one".into(), None, ann), ("two".into(), None, ann)]);
    world.write(session, "three");
    world.store_answers(false);
    assert_eq!(world.last_error(session), Some(ErrorCode::Internal));
    assert_eq!(texts(world.told(observer)).len(), 2);
    let (_, late) = world.join();
    assert!(world.told[&late].people.is_some());
}

#[test]
fn the_newest_page_of_the_chat_waits_for_those_who_join() {
    let mut world = World::new();
    let (_, session) = world.join();
    for number in 0..130 {
        world.write(session, &number.to_string());
        world.store_answers(true);
    }
    world.begin_join(ParticipantId::new(), Role::Participant);
    world.media_answers(0);
    let chat = world.last.iter().find_map(|effect| match effect {
        Effect::Joined { chat, .. } => Some(chat.iter().map(|message| message.content.clone()).collect::<Vec<_>>()),
        _ => None,
    });
    let expected: Vec<String> = (30..130).map(|number: u32| number.to_string()).collect();
    assert_eq!(chat, Some(expected));
}

#[test]
fn what_is_no_chat_message_is_refused() {
    let mut world = World::new();
    let (_, session) = world.join();
    for (content, code) in [
        (String::new(), ErrorCode::InvalidField),
        (" \n\u{200B} ".into(), ErrorCode::InvalidField),
        ("x".repeat(4_001), ErrorCode::InvalidField),
    ] {
        world.write(session, &content);
        assert_eq!(world.last_error(session), Some(code));
    }
    let chat = |conversation: &str| Command::Chat {
        session,
        request: None,
        id: ChatMessageId::new(),
        conversation_id: Some(conversation.into()),
        content: "hello".into(),
    };
    world.handle(chat("another-room-99"));
    assert_eq!(world.last_error(session), Some(ErrorCode::NotAllowed));
    assert!(world.unstored.is_empty());
    world.handle(chat("Kestrel-Lane-27"));
    world.write(session, &"é".repeat(4_000));
    assert_eq!(world.unstored.len(), 2);
}

#[test]
fn without_grants_nothing_has_an_effect() {
    let mut world = World::new();
    let (_, observer) = world.join();
    let mut join = world.join_request(ParticipantId::new(), Role::Viewer);
    join.grants = Grants::default();
    let session = join.session;
    world.handle(Command::Join(join));
    world.media_answers(0);
    let heard = world.told(observer).len();
    for command in [
        publish(session, SourceKind::Microphone),
        publish(session, SourceKind::Screen),
        Command::View { session, tiles: vec![] },
        Command::Hand { session, raised: true },
    ] {
        world.handle(command);
        assert_eq!(world.last_error(session), Some(ErrorCode::NotAllowed));
        assert_eq!(world.last.len(), 1);
    }
    world.write(session, "hello");
    assert!(world.unstored.is_empty());
    assert_eq!(world.told(observer).len(), heard);
}

#[test]
fn names_are_cleaned_and_never_empty() {
    let mut world = World::new();
    for (given, shown) in [("  Ada\u{202E}  Lovelace ", "Ada Lovelace"), ("\u{200B}", "Guest"), ("", "Guest")] {
        let mut join = world.join_request(ParticipantId::new(), Role::Participant);
        join.name = given.into();
        let participant = join.participant;
        world.handle(Command::Join(join));
        world.media_answers(0);
        assert_eq!(world.info(participant).unwrap().name, shown);
    }
}
