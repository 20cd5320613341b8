//! More slots, on a session without a network: what is offered and said, and when.

use confab_protocol::{ClientMessage, ErrorCode, PublishedTrack, RequestId, ServerMessage};
use futures_util::future::BoxFuture;

use super::media::OfferedWhat;
use super::settle_tests::{Lab, OLD, joined, person};
use super::*;
use crate::engine::config::View;
use crate::signal::Trouble;
use crate::transport::{Offer, OutgoingPacket, RelayWay, Transport, TransportConfig, TransportError, TransportStats};

/// Offers what it is asked for, and takes every answer.
struct Willing;

impl Transport for Willing {
    fn offer(&self) -> BoxFuture<'_, Result<Offer, TransportError>> {
        Box::pin(async { Err(TransportError::Closed) })
    }

    fn set_relay(&self, _way: RelayWay) {}

    fn accept_answer<'a>(&'a self, _sdp: &'a str) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async { Ok(()) })
    }

    fn restart_offer(&self) -> BoxFuture<'_, Result<String, TransportError>> {
        Box::pin(async { Ok("restart".into()) })
    }

    fn grow_offer(&self, video_slots: usize) -> BoxFuture<'_, Result<String, TransportError>> {
        Box::pin(async move { Ok(video_slots.to_string()) })
    }

    fn send(&self, _packet: OutgoingPacket) {}

    fn request_keyframe(&self, _mid: &str) {}

    fn stats(&self) -> TransportStats {
        TransportStats::default()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// In a call that shows everybody, with a transport of nine slots.
fn showing_everybody() -> (Lab<impl FnMut() -> Vec<ClientMessage>>, mpsc::UnboundedReceiver<Report>) {
    let mut lab = joined(&[]);
    lab.session.view = None;
    lab.session.config.view = View::Everybody { width: 320, height: 180 };
    // The join is over, and its socket is the lab's.
    while lab.session.life.poll().is_some() {}
    let reports = lab.session.reports_in.take().expect("nobody runs the session");
    let offer = Offer { sdp: String::new(), tracks: Vec::new() };
    lab.session.offered(Offered::new(0, Ok(OfferedWhat::Fresh(Arc::new(Willing), offer))));
    (lab, reports)
}

fn with_camera() -> confab_protocol::ParticipantInfo {
    let camera = PublishedTrack { source: SourceKind::Camera, muted: false, width: 1280, height: 720 };
    confab_protocol::ParticipantInfo { tracks: vec![camera], ..person() }
}

/// So many more people with cameras are there, and the views of the last second are out.
fn come(session: &mut Session, people: usize) {
    for _ in 0..people {
        session.room.as_mut().expect("a room").put(with_camera());
    }
    session.view_sent_at = None;
    session.refresh_view();
}

/// Carries out what is to be done, and what comes of it, until nothing is left.
async fn settle(session: &mut Session, reports: &mut mpsc::UnboundedReceiver<Report>) {
    session.act().await;
    while let Ok(Some(report)) = tokio::time::timeout(Duration::from_millis(50), reports.recv()).await {
        session.report(report);
        session.act().await;
    }
}

fn offers(said: &[ClientMessage]) -> Vec<(RequestId, String)> {
    let offer = |message: &ClientMessage| match message {
        ClientMessage::CallRestart { request, offer } => Some((*request, offer.clone())),
        _ => None,
    };
    said.iter().filter_map(offer).collect()
}

fn tiles(said: &[ClientMessage]) -> Option<usize> {
    let shown = |message: &ClientMessage| match message {
        ClientMessage::CallView { tiles } => Some(tiles.len()),
        _ => None,
    };
    said.iter().rev().find_map(shown)
}

fn says(session: &mut Session, message: ServerMessage) {
    session.socket_event(OLD, SocketEvent::Message(Box::new(message)));
}

#[tokio::test]
async fn a_tenth_picture_is_viewed_at_once_and_asks_for_sixteen_slots_once() {
    let (mut lab, mut reports) = showing_everybody();
    let session = &mut lab.session;
    come(session, 9);
    settle(session, &mut reports).await;
    let said = (lab.queued)();
    assert_eq!((tiles(&said), offers(&said).len()), (Some(9), 0), "nine fit");

    come(session, 3);
    settle(session, &mut reports).await;
    let said = (lab.queued)();
    let [(request, offer)] = &offers(&said)[..] else { panic!("{said:?}") };
    assert_eq!((tiles(&said), offer.as_str()), (Some(12), "16"));
    come(session, 6);
    session.tick(1);
    settle(session, &mut reports).await;
    let said = (lab.queued)();
    assert_eq!((tiles(&said), offers(&said).len()), (Some(18), 0), "one offer at a time");

    says(session, ServerMessage::CallRestarted { request: *request, answer: "answer".into() });
    settle(session, &mut reports).await;
    session.tick(2);
    settle(session, &mut reports).await;
    let said = (lab.queued)();
    let [(request, offer)] = &offers(&said)[..] else { panic!("{said:?}") };
    assert_eq!(offer, "25");
    says(session, ServerMessage::CallRestarted { request: *request, answer: "answer".into() });
    settle(session, &mut reports).await;
    session.tick(3);
    settle(session, &mut reports).await;
    assert!(offers(&(lab.queued)()).is_empty(), "25 are enough for 18");
    assert_eq!(session.life.phase(), &Phase::Joined);
    assert_eq!(session.slots.begin(), 25, "another transport begins with them");
}

#[tokio::test]
async fn a_growth_that_is_refused_leaves_the_call_as_it_is_and_is_not_asked_again() {
    let (mut lab, mut reports) = showing_everybody();
    let session = &mut lab.session;
    come(session, 12);
    settle(session, &mut reports).await;
    let said = (lab.queued)();
    let [(request, _)] = &offers(&said)[..] else { panic!("{said:?}") };
    says(
        session,
        ServerMessage::Error {
            request: Some(*request),
            code: ErrorCode::SdpInvalid,
            message: "The offer has 81 media lines; at most 80 are taken.".into(),
            field: None,
        },
    );
    come(session, 6);
    session.tick(1);
    settle(session, &mut reports).await;
    let said = (lab.queued)();
    assert_eq!((tiles(&said), offers(&said).len()), (Some(18), 0));
    assert_eq!((session.life.phase(), session.life.socket()), (&Phase::Joined, Some(OLD)), "no fresh join");

    session.handle(Input::PathDown(Trouble::MediaSilent));
    settle(session, &mut reports).await;
    let said = (lab.queued)();
    let [(_, offer)] = &offers(&said)[..] else { panic!("{said:?}") };
    assert_eq!(offer, "restart", "what is needed goes on");
}

#[tokio::test]
async fn nobody_is_asked_for_more_slots_than_a_view_may_have_tiles() {
    let (mut lab, mut reports) = showing_everybody();
    let session = &mut lab.session;
    come(session, 60);
    settle(session, &mut reports).await;
    let said = (lab.queued)();
    let [(_, offer)] = &offers(&said)[..] else { panic!("{said:?}") };
    assert_eq!((tiles(&said), offer.as_str()), (Some(49), "49"));
    assert_eq!(TransportConfig::default().video_slots, 9, "nobody begins with so many");
}
