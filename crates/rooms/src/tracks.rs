//! What people send and show: publish, mute, unpublish, view, and the raised hand.

use std::time::Duration;

use confab_protocol::{ErrorCode, PublishedTrack, Reaction, ServerMessage, SourceKind, TileRequest, TrackKind};

use crate::command::{Now, Refusal, SessionId};
use crate::effect::{Effect, TrackState};
use crate::permissions::{Action, allows, refusal};
use crate::room::{Room, refuse};

/// Largest width and height of a picture, pixels: twice 8K. Beyond that a number is a mistake.
const LARGEST_SIDE: u32 = 16_384;

/// Everybody gets every reaction, so one person's come no faster than they can be seen.
const REACTIONS_APART: Duration = Duration::from_millis(250);

impl Room {
    pub(crate) fn publish(
        &mut self,
        session: SessionId,
        source: SourceKind,
        muted: bool,
        size: (u32, u32),
        out: &mut Vec<Effect>,
    ) {
        let Some(member) = self.driver(session, None, out) else { return };
        let participant = member.id;
        let (width, height) = if source.track_kind() == TrackKind::Audio { (0, 0) } else { size };
        if !member.offered.contains(&source) {
            return refuse(session, None, unknown_track(), out);
        }
        if !allows(&member.grants, Action::Publish(source)) {
            return refuse(session, None, not_allowed(Action::Publish(source)), out);
        }
        if width > LARGEST_SIDE || height > LARGEST_SIDE {
            let message = format!("A picture is at most {LARGEST_SIDE} pixels wide and high.");
            let field = if width > LARGEST_SIDE { "width" } else { "height" };
            return refuse(session, None, Refusal::field(field, message), out);
        }
        let track = PublishedTrack { source, muted, width, height };
        let changed = match member.track(source) {
            Some(before) if *before == track => false,
            Some(before) => {
                *before = track;
                true
            }
            None => {
                member.tracks.push(track);
                true
            }
        };
        out.push(Effect::SetTrack { participant, source, state: TrackState::Published { width, height } });
        if muted {
            out.push(Effect::SetTrack { participant, source, state: TrackState::Muted });
        }
        if changed {
            self.tell_update(participant, None, out);
        }
    }

    pub(crate) fn unpublish(&mut self, session: SessionId, source: SourceKind, out: &mut Vec<Effect>) {
        let Some(member) = self.driver(session, None, out) else { return };
        let participant = member.id;
        if member.track(source).is_none() {
            return refuse(session, None, unknown_track(), out);
        }
        member.tracks.retain(|track| track.source != source);
        member.heard.layers.remove(&source);
        out.push(Effect::SetTrack { participant, source, state: TrackState::Unpublished });
        self.tell_update(participant, None, out);
    }

    pub(crate) fn mute(&mut self, session: SessionId, source: SourceKind, muted: bool, out: &mut Vec<Effect>) {
        let Some(member) = self.driver(session, None, out) else { return };
        let participant = member.id;
        let Some(track) = member.track(source) else {
            return refuse(session, None, unknown_track(), out);
        };
        if track.muted == muted {
            return;
        }
        track.muted = muted;
        let (width, height) = (track.width, track.height);
        let state = if muted { TrackState::Muted } else { TrackState::Published { width, height } };
        out.push(Effect::SetTrack { participant, source, state });
        self.tell_update(participant, None, out);
    }

    pub(crate) fn view(&mut self, session: SessionId, mut tiles: Vec<TileRequest>, out: &mut Vec<Effect>) {
        let most = self.config.view_tiles;
        let Some(member) = self.driver(session, None, out) else { return };
        if !allows(&member.grants, Action::Watch) {
            return refuse(session, None, not_allowed(Action::Watch), out);
        }
        if tiles.len() > most as usize {
            let message = format!("At most {most} pictures can be shown at a time.");
            return refuse(session, None, Refusal::field("tiles", message), out);
        }
        tiles.retain(|tile| tile.source.track_kind() == TrackKind::Video);
        out.push(Effect::SetView { participant: member.id, tiles });
    }

    pub(crate) fn hand(&mut self, now: Now, session: SessionId, raised: bool, out: &mut Vec<Effect>) {
        let Some(member) = self.driver(session, None, out) else { return };
        let participant = member.id;
        if raised && !allows(&member.grants, Action::RaiseHand) {
            return refuse(session, None, not_allowed(Action::RaiseHand), out);
        }
        if raised == member.hand_raised_at.is_some() {
            return;
        }
        member.hand_raised_at = raised.then_some(now.unix_ms);
        self.tell_update(participant, None, out);
    }

    pub(crate) fn react(&mut self, now: Now, session: SessionId, reaction: Reaction, out: &mut Vec<Effect>) {
        let Some(member) = self.driver(session, None, out) else { return };
        let participant_id = member.id;
        if !allows(&member.grants, Action::RaiseHand) {
            return refuse(session, None, not_allowed(Action::RaiseHand), out);
        }
        let since = member.reacted_at.map(|at| now.instant.saturating_duration_since(at));
        if since.is_some_and(|since| since < REACTIONS_APART) {
            let message = "Reactions come one after the other. Wait a moment.";
            return refuse(session, None, Refusal::new(ErrorCode::RateLimited, message), out);
        }
        member.reacted_at = Some(now.instant);
        self.tell_all(None, ServerMessage::CallReaction { participant_id, reaction }, out);
    }
}

pub(crate) fn not_allowed(action: Action) -> Refusal {
    Refusal::new(ErrorCode::NotAllowed, refusal(action))
}

fn unknown_track() -> Refusal {
    Refusal::new(ErrorCode::TrackUnknown, "This track is not one that was offered and is sent at present.")
}
