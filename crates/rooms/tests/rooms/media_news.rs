use confab_protocol::{Layer, ParticipantId, PersonQuality, Quality, RequestId, Role, ServerMessage, SourceKind};
use confab_rooms::{Command, Effect};

use crate::world::{World, slot};

#[test]
fn slots_that_change_before_the_join_is_answered_are_told_after_it() {
    let mut world = World::new();
    let (ann, _) = world.join();
    let bob = ParticipantId::new();
    let session = world.begin_join(bob, Role::Participant);
    world.handle(Command::Slots { participant: bob, changed: vec![slot("s0", Some(ann))] });
    assert!(world.told(session).is_empty());
    world.media_answers(0);
    let told = ServerMessage::CallSlots { slots: vec![slot("s0", Some(ann))] };
    assert_eq!(world.told(session).first(), Some(&told));
}

#[test]
fn a_session_that_resumes_is_told_what_it_missed() {
    let mut world = World::new();
    let (ann, old) = world.join();
    let (bob, _) = world.join();
    world.fall_silent(ann);
    world.lose(old);
    world.handle(Command::Slots { participant: ann, changed: vec![slot("s0", Some(bob))] });
    let (source, wanted) = (SourceKind::Camera, vec![Layer::Quarter]);
    world.handle(Command::Layers { participant: ann, source, wanted: wanted.clone() });
    world.handle(Command::Speaking(vec![bob]));
    let new = world.session();
    world.handle(Command::Resume { session: new, request: RequestId(3), participant: ann });
    world.media_answers(0);
    let slots = world.last.iter().find_map(|effect| match effect {
        Effect::Joined { slots, .. } => Some(slots.clone()),
        _ => None,
    });
    assert_eq!(slots, Some(vec![slot("s0", Some(bob))]));
    assert!(world.told(new).contains(&ServerMessage::CallLayers { source, wanted }));
    assert!(world.told(new).contains(&ServerMessage::CallSpeaking { participants: vec![bob] }));
}

#[test]
fn what_the_join_was_told_of_slots_is_told_again_and_what_has_ended_is_not() {
    let mut world = World::new();
    let (ann, old) = world.join();
    let (bob, other) = world.join();
    let source = SourceKind::Camera;
    world.handle(Command::Publish { session: old, source, muted: false, width: 640, height: 360 });
    world.handle(Command::Layers { participant: ann, source, wanted: vec![Layer::Full] });
    world.handle(Command::Unpublish { session: old, source });
    world.handle(Command::Speaking(vec![bob]));
    world.handle(Command::Leave { session: other });
    let new = world.session();
    world.handle(Command::Resume { session: new, request: RequestId(3), participant: ann });
    world.media_answers(0);
    assert!(
        matches!(&world.last[..], [.., Effect::Joined { slots, .. }] if *slots == [slot("s0", None)]),
        "{:?}",
        world.last
    );
}

#[test]
fn who_speaks_is_told_when_it_changes() {
    let mut world = World::new();
    let (ann, session) = world.join();
    let heard = world.told(session).len();
    world.handle(Command::Speaking(vec![ann, ParticipantId::new()]));
    world.handle(Command::Speaking(vec![ann]));
    world.handle(Command::Speaking(vec![]));
    let speaking = |participants| ServerMessage::CallSpeaking { participants };
    assert_eq!(
        world.news(session, heard),
        [speaking(vec![ann]), speaking(vec![])],
        "strangers and repeats are left out"
    );
}

#[test]
fn slots_and_layers_are_told_to_their_owner_alone() {
    let mut world = World::new();
    let (ann, session) = world.join();
    let (_, observer) = world.join();
    let heard = world.told(observer).len();
    world.handle(Command::Slots { participant: ann, changed: vec![slot("s0", None)] });
    let (source, wanted) = (SourceKind::Camera, vec![Layer::Full]);
    world.handle(Command::Layers { participant: ann, source, wanted });
    assert_eq!(world.told(observer).len(), heard);
    assert!(matches!(world.told(session).last(), Some(ServerMessage::CallLayers { .. })));
}

#[test]
fn whose_line_is_weak_is_told_as_a_whole_list_and_forgotten_with_the_line() {
    let mut world = World::new();
    let (ann, _) = world.join();
    let (bob, observer) = world.join();
    let of = |participant, quality| PersonQuality { participant, quality };
    let lists = |world: &World| -> Vec<Vec<PersonQuality>> {
        let list = |message: &ServerMessage| match message {
            ServerMessage::CallQuality { people } => Some(people.clone()),
            _ => None,
        };
        world.told(observer).iter().filter_map(list).collect()
    };
    world.handle(Command::Quality(of(ann, Quality::Bad)));
    world.handle(Command::Quality(of(ann, Quality::Bad)));
    world.handle(Command::Quality(of(bob, Quality::Weak)));
    let both = vec![of(ann, Quality::Bad), of(bob, Quality::Weak)];
    assert_eq!(lists(&world), [vec![of(ann, Quality::Bad)], both.clone()], "the same again is not told");
    let (_, late) = world.join();
    assert!(world.told(late).contains(&ServerMessage::CallQuality { people: both }));
    // Joined anew, with a media path of which nothing is known.
    world.begin_join(ann, Role::Participant);
    world.media_answers(world.asked.len() - 1);
    assert_eq!(lists(&world).last(), Some(&vec![of(bob, Quality::Weak)]));
    world.handle(Command::Quality(of(bob, Quality::Good)));
    assert_eq!(lists(&world).last(), Some(&Vec::new()));
}
