//! What is said to the server when a socket is well again, on a session without a network.

use confab_protocol::{
    ClientMessage, Connection, ParticipantInfo, PublishedTrack, Role, ServerMessage, link::ServerAddress,
};

use super::*;

pub(super) const OLD: SocketId = 1;

pub(super) struct Lab<Queued> {
    pub(super) session: Session,
    pub(super) queued: Queued,
    events: mpsc::UnboundedReceiver<CallEvent>,
}

/// In a call over [`OLD`], with all said; the server lists these sources of ours.
pub(super) fn joined(listed: &[SourceKind]) -> Lab<impl FnMut() -> Vec<ClientMessage>> {
    let code = "kestrel-lane-27".parse().expect("a code");
    let config = CallConfig { view: View::Chosen, ..CallConfig::new(ServerAddress::loopback(1), code, "Ada".into()) };
    let (events, told) = mpsc::unbounded_channel();
    let mut session = Session::new(config, Arc::new(Meters::new(Instant::now())), events);
    let (socket, mut queued) = Socket::unconnected();
    session.sockets.insert(OLD, socket);
    session.handle(Input::SocketOpen(OLD));
    session.handle(Input::Joined(OLD));
    session.handle(Input::PathUp);
    session.room = Some(room(listed));
    assert!(session.is_joined());
    session.local.microphone_on = listed.contains(&SourceKind::Microphone);
    session.refresh_view();
    queued();
    Lab { session, queued, events: told }
}

fn room(listed: &[SourceKind]) -> Room {
    let track = |source: &SourceKind| PublishedTrack { source: *source, muted: false, width: 0, height: 0 };
    let me = ParticipantInfo { tracks: listed.iter().map(track).collect(), ..person() };
    Room::new(me.id, vec![me], &[])
}

pub(super) fn person() -> ParticipantInfo {
    ParticipantInfo {
        id: ParticipantId::new(),
        name: "Ada".into(),
        role: Role::Participant,
        tracks: Vec::new(),
        hand_raised_at: None,
        connection: Connection::Connected,
        joined_at: 0,
    }
}

fn lines(said: &[ClientMessage]) -> Vec<String> {
    let line = |message: &ClientMessage| match message {
        ClientMessage::ChatMessage { content, .. } => Some(content.clone()),
        _ => None,
    };
    said.iter().filter_map(line).collect()
}

fn taken_back(said: &[ClientMessage]) -> Vec<SourceKind> {
    let source = |message: &ClientMessage| match message {
        ClientMessage::CallUnpublish { source } => Some(*source),
        _ => None,
    };
    said.iter().filter_map(source).collect()
}

#[test]
fn what_was_done_while_the_socket_was_suspect_is_said_when_it_speaks_again() {
    let Lab { mut session, mut queued, .. } = joined(&[SourceKind::Microphone]);
    session.command(Command::Chat("before".into()));
    assert_eq!(lines(&queued()), ["before"]);
    session.socket_event(OLD, SocketEvent::Quiet);
    session.command(Command::MuteMicrophone(true));
    session.command(Command::Hand(true));
    session.command(Command::Chat("meanwhile".into()));
    assert_eq!(queued(), [], "nothing goes to a suspect socket");

    session.socket_event(OLD, SocketEvent::RoundTrip(Duration::from_secs(6)));
    let said = queued();
    let muted = ClientMessage::CallPublish { source: SourceKind::Microphone, muted: true, width: 0, height: 0 };
    assert!(said.contains(&muted), "{said:?}");
    assert!(said.contains(&ClientMessage::CallHand { raised: true }), "{said:?}");
    assert_eq!(lines(&said), ["meanwhile"], "what the same socket carried already is not said twice");

    session.socket_event(OLD, SocketEvent::RoundTrip(Duration::from_millis(20)));
    assert_eq!(queued(), [], "a socket that was well all the time needs nothing");
}

#[test]
fn another_socket_gets_the_unconfirmed_lines_again() {
    let Lab { mut session, mut queued, .. } = joined(&[]);
    session.command(Command::Chat("before".into()));
    assert_eq!(lines(&queued()), ["before"]);
    session.settle_in(true);
    assert_eq!(lines(&queued()), ["before"]);
}

#[test]
fn what_stopped_while_the_socket_was_suspect_is_taken_back_once() {
    let Lab { mut session, mut queued, .. } = joined(&[SourceKind::Microphone, SourceKind::Camera]);
    session.socket_event(OLD, SocketEvent::Quiet);
    session.sound_notice(SoundNotice::Microphone { on: false });
    assert_eq!(queued(), []);
    session.socket_event(OLD, SocketEvent::RoundTrip(Duration::from_secs(6)));
    assert_eq!(taken_back(&queued()), [SourceKind::Microphone, SourceKind::Camera]);

    // The server's list has not come yet, and a second taking back would be refused.
    session.socket_event(OLD, SocketEvent::Quiet);
    session.socket_event(OLD, SocketEvent::RoundTrip(Duration::from_secs(6)));
    assert_eq!(taken_back(&queued()), []);
}

#[test]
fn a_source_that_runs_is_not_taken_back() {
    let Lab { mut session, mut queued, .. } = joined(&[SourceKind::Microphone]);
    session.settle_in(true);
    assert_eq!(taken_back(&queued()), []);
}

#[test]
fn a_view_that_became_empty_while_the_socket_was_suspect_is_said() {
    let Lab { mut session, mut queued, .. } = joined(&[]);
    let (participant, source) = (ParticipantId::new(), SourceKind::Camera);
    let tile = TileRequest { participant, source, width: 1280, height: 720, priority: 0, pinned: false };
    session.view_sent_at = None;
    session.command(Command::View(vec![tile]));
    assert_eq!(queued(), [ClientMessage::CallView { tiles: vec![tile] }]);
    session.socket_event(OLD, SocketEvent::Quiet);
    session.command(Command::View(Vec::new()));
    session.socket_event(OLD, SocketEvent::RoundTrip(Duration::from_secs(6)));
    assert_eq!(queued(), [ClientMessage::CallView { tiles: Vec::new() }]);
}

#[test]
fn what_the_server_says_while_its_answer_is_still_being_applied_is_not_missed() {
    let Lab { mut session, mut events, .. } = joined(&[]);
    let new: SocketId = 2;
    let (socket, _queued) = Socket::unconnected();
    session.sockets.insert(new, socket);
    let request = session.requests.open(Instant::now(), Duration::from_secs(9), Asked::Join { socket: new });
    let ben = |connection| ParticipantInfo { connection, name: "Ben".into(), ..person() };
    let connecting = ben(Connection::Connecting);
    let connected = ParticipantInfo { connection: Connection::Connected, ..connecting.clone() };
    let message = ServerMessage::CallJoined {
        request,
        participant_id: ParticipantId::new(),
        token: String::new(),
        role: Role::Participant,
        grants: confab_protocol::Grants::default(),
        answer: String::new(),
        room_name: String::new(),
        link: String::new(),
        participants: vec![connecting],
        chat: Vec::new(),
        slots: Vec::new(),
        relay: None,
    };
    session.socket_event(new, SocketEvent::Message(Box::new(message)));
    assert_ne!(session.life.socket(), Some(new), "the answer is still being applied");
    let update = ServerMessage::CallParticipantUpdated { participant: connected.clone() };
    session.socket_event(new, SocketEvent::Message(Box::new(update)));
    let stale = ParticipantInfo { name: "An older Ben".into(), ..connected.clone() };
    let update = ServerMessage::CallParticipantUpdated { participant: stale };
    session.socket_event(OLD, SocketEvent::Message(Box::new(update)));
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let CallEvent::ParticipantUpdated { participant } = event {
            told.push(participant);
        }
    }
    assert_eq!(told, [connected]);
}
