//! Between a room and its media: offers in, answers out, the plane's events as commands.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use confab_protocol::{ErrorCode, ParticipantId, PersonQuality, SlotAssignment, TrackOffer};
use confab_rooms::{Command, MediaPurpose, Refusal, SessionId, TrackState};
use futures_util::FutureExt;

use crate::media::{self, MediaError, MediaEvent, RoomMedia};

/// How long the media plane may take for an answer. It needs milliseconds; after this it hangs.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long nothing has come when the media plane says so ([`MediaEvent::Silent`]).
const SILENT_AFTER: Duration = Duration::from_secs(2);

/// What the media plane answered.
pub(super) struct Answered {
    pub(super) answer: String,
    /// Only for a join.
    pub(super) slots: Vec<SlotAssignment>,
}

/// The outcome of one media operation.
pub(super) struct MediaDone {
    pub(super) session: SessionId,
    pub(super) participant: ParticipantId,
    pub(super) outcome: Result<Answered, Refusal>,
}

/// Has the media plane do what a room asked for.
pub(super) async fn operate(
    media: RoomMedia,
    session: SessionId,
    participant: ParticipantId,
    purpose: MediaPurpose,
    offer: String,
    tracks: Vec<TrackOffer>,
) -> MediaDone {
    let operation = async {
        match purpose {
            MediaPurpose::Join(grants) => {
                let joined = media.join(participant, offer, tracks, grants).await?;
                Ok(Answered { answer: joined.answer, slots: joined.slots })
            }
            MediaPurpose::Resume | MediaPurpose::Restart => {
                Ok(Answered { answer: media.restart(participant, offer).await?, slots: Vec::new() })
            }
        }
    };
    // A panic in there must not leave the room waiting for an answer for ever.
    let operation = AssertUnwindSafe(operation).catch_unwind();
    let outcome = match tokio::time::timeout(PATIENCE, operation).await {
        Ok(Ok(outcome)) => outcome.map_err(|error| refusal_for(purpose, &error)),
        Ok(Err(_)) => Err(hangs()),
        Err(_) => {
            tracing::error!("the media plane did not answer in {} s", PATIENCE.as_secs());
            if matches!(purpose, MediaPurpose::Join(_)) {
                media.leave(participant);
            }
            Err(hangs())
        }
    };
    MediaDone { session, participant, outcome }
}

fn hangs() -> Refusal {
    Refusal::new(ErrorCode::Internal, "The server's media did not answer. Try again.")
}

/// Who is in already is never told that the server is full.
fn refusal_for(purpose: MediaPurpose, error: &MediaError) -> Refusal {
    let refusal = refusal_of(error);
    match (purpose, refusal.code) {
        (MediaPurpose::Resume | MediaPurpose::Restart, ErrorCode::ServerFull) => {
            Refusal { code: ErrorCode::Internal, ..refusal }
        }
        _ => refusal,
    }
}

pub(super) fn refusal_of(error: &MediaError) -> Refusal {
    let (code, field) = match error {
        MediaError::Offer(_) => (ErrorCode::SdpInvalid, Some("offer")),
        MediaError::Track(_) => (ErrorCode::TrackUnknown, Some("tracks")),
        MediaError::UnknownParticipant => (ErrorCode::SessionGone, None),
        MediaError::Full(_) | MediaError::Busy => (ErrorCode::ServerFull, None),
        MediaError::Stopped => (ErrorCode::Draining, None),
        MediaError::Bind { .. } | MediaError::Start(_) => (ErrorCode::Internal, None),
    };
    // A parser's account of what it met fills lines and names places in this process's memory.
    let message = match error {
        MediaError::Offer(detail) if detail.contains(['\n', '(']) => "The offer cannot be read as SDP.".to_owned(),
        MediaError::Offer(detail) if !detail.ends_with('.') => format!("{error}."),
        _ => error.to_string(),
    };
    Refusal { code, message, field }
}

/// A media event as the room's command.
pub(super) fn command_of(event: MediaEvent, now: Instant) -> Command {
    match event {
        MediaEvent::Connected(participant) => Command::MediaConnected(participant),
        MediaEvent::Silent(participant) => {
            let since = now.checked_sub(SILENT_AFTER).unwrap_or(now);
            Command::MediaSilent { participant, since }
        }
        MediaEvent::Back(participant) => Command::MediaBack(participant),
        MediaEvent::Closed(participant) => Command::MediaClosed(participant),
        MediaEvent::Slots { id, changed } => Command::Slots { participant: id, changed },
        MediaEvent::Quality { id: participant, quality } => Command::Quality(PersonQuality { participant, quality }),
        MediaEvent::Speaking(participants) => Command::Speaking(participants),
        MediaEvent::Layers { id, source, wanted } => Command::Layers { participant: id, source, wanted },
    }
}

/// A room's track state as the media plane's.
pub(super) fn track_state(state: TrackState) -> media::TrackState {
    match state {
        TrackState::Published { width, height } => media::TrackState::Published { width, height },
        TrackState::Muted => media::TrackState::Muted,
        TrackState::Unpublished => media::TrackState::Unpublished,
    }
}
