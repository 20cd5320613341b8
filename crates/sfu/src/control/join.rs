//! Taking a member in: its offer becomes a media path with tracks and slots. Also later offers: ICE restarts and more
//! slots.

use std::time::Instant;

use confab_protocol::{Grants, ParticipantId, SlotAssignment, SlotKind, SourceKind, TrackKind, TrackOffer};
use confab_rtp::transport_wide::{TwccReceiver, TwccReceiverConfig};
use confab_rtp::wire::ExtensionIds;
use str0m::Rtc;
use str0m::media::{Direction, MediaKind, Mid};

use super::checks::CheckLog;
use super::negotiation::{self, Negotiation, Setting};
use super::offer::{fingerprint, media_lines, streams};
use super::path::ControlPath;
use crate::arena::Key;
use crate::egress::downlink::Downlink;
use crate::egress::rewrite::Rewriter;
use crate::egress::slot::{Slot, SlotFormat};
use crate::error::{JoinError, RestartError};
use crate::ingress::stream::{Format, LayerStream, SenderClock, Track};
use crate::member::{Home, LayerChoice, Member};
use crate::quality::QualityMeter;
use crate::sfu::Sfu;

const OTHER_LINES: &str = "it lacks media lines of the offer before it";

/// Most m-lines of one offer: 49 video slots, some audio slots and the member's own tracks fit.
const MEDIA_LINES: usize = 80;

/// Who joins, and with what.
pub struct Joining<'a> {
    /// Who.
    pub participant: ParticipantId,
    /// The SDP offer.
    pub offer: &'a str,
    /// What the offer's sending m-lines carry.
    pub tracks: &'a [TrackOffer],
    /// What the person may do.
    pub grants: Grants,
}

/// The answer to a join.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Joined {
    /// SDP answer with the candidates.
    pub answer: String,
    /// Every receive slot, idle so far.
    pub slots: Vec<SlotAssignment>,
}

impl Sfu {
    /// Takes a person into a room. A person already in is replaced, without an event.
    ///
    /// # Errors
    /// Says what is wrong with the offer; then nothing has changed.
    pub fn join(&mut self, now: Instant, room: Key, joining: &Joining<'_>) -> Result<Joined, JoinError> {
        if self.rooms.get(room).is_none() {
            return Err(JoinError::RoomClosed);
        }
        let lines = media_lines(joining.offer);
        if lines.len() > MEDIA_LINES {
            return Err(JoinError::TooManyLines(lines.len(), MEDIA_LINES));
        }
        let mut path = negotiation::path(self.setting(), now);
        let credentials = path.direct_api().local_ice_credentials();
        let Negotiation { mut rtc, answer } =
            Negotiation::new(self.setting(), now, &credentials, joining.offer).map_err(JoinError::Sdp)?;
        negotiation::offer_path(&mut path, joining.offer).map_err(JoinError::Sdp)?;

        let tracks = build_tracks(&rtc, joining.tracks)?;
        let slots = build_slots(&mut rtc, &lines, |mid| tracks.iter().any(|track| track.mid == mid));
        let joined = Joined { answer, slots: slots.iter().map(|slot| slot.told.clone()).collect() };

        if let Some(before) = self.find(room, joining.participant) {
            self.remove(now, before);
        }
        let ufrag = credentials.ufrag;
        let member = Member {
            room,
            participant: joining.participant,
            grants: joining.grants,
            keys: None,
            route: None,
            unproven: None,
            is_renamed: false,
            ufrag: ufrag.clone(),
            extensions: extensions(&rtc, &lines),
            streams: streams(joining.offer, &tracks),
            tracks,
            slots,
            arrivals: TwccReceiver::new(TwccReceiverConfig::default()),
            sender_clock: SenderClock::default(),
            downlink: Downlink::new(now, self.config.initial_estimate),
            view: Vec::new(),
            choice: LayerChoice::default(),
            connected: false,
            silent: false,
            quality: QualityMeter::default(),
            last_datagram: now,
            addresses: Vec::new(),
            scheduled: None,
            home: Home::Here(ControlPath::new(now, path)),
            checks: CheckLog::default(),
        };
        let named: Vec<u32> = member.streams.keys().copied().collect();
        let key = self.members.insert(member);
        self.by_ufrag.insert(ufrag, key);
        for ssrc in named {
            self.stream_owners.entry(ssrc).or_insert(key);
        }
        if let Some(room) = self.rooms.get_mut(room) {
            room.members.push(key);
            room.by_participant.insert(joining.participant, key);
        }
        self.announce(now, key);
        self.needs_steering(room);
        self.schedule(key, now);
        self.flush(now);
        Ok(joined)
    }

    /// Answers a later offer on a running media path; its streams and slots go on. New ICE credentials restart ICE, and
    /// receiving m-lines that are new become idle slots, behind those there are; an offer may do both.
    ///
    /// # Errors
    /// Says why the offer does not fit. The media path is as it was, unless the offer could be read and the path does not take
    /// it: then the path has ended, with [`crate::Event::Closed`].
    pub fn restart(
        &mut self,
        now: Instant,
        room: Key,
        participant: ParticipantId,
        offer: &str,
    ) -> Result<String, RestartError> {
        let key = self.find_here(room, participant).ok_or(RestartError::UnknownMember)?;
        let member = self.members.get_mut(key).ok_or(RestartError::UnknownMember)?;
        let setting =
            Setting { crypto: &self.crypto, certificate: &self.certificate, candidates: &self.config.candidates };
        let lines = media_lines(offer);
        if lines.len() > MEDIA_LINES {
            return Err(RestartError::TooManyLines(lines.len(), MEDIA_LINES));
        }
        let has_all_lines = is_of_the_same_lines(member, &lines);
        let path = member.control().ok_or(RestartError::UnknownMember)?.rtc();
        let running = path.direct_api().remote_dtls_fingerprint().map(|print| print.bytes.clone());
        let told = fingerprint(offer);
        if running.is_none() || told.is_some() && told != running {
            return Err(RestartError::OtherConnection);
        }
        if !has_all_lines {
            return Err(RestartError::Sdp(OTHER_LINES.to_owned()));
        }
        // The dear part comes last, and beside the running path, because a refused offer would leave it half changed.
        let before = path.direct_api().local_ice_credentials();
        let tried = Negotiation::new(setting, now, &before, offer).map_err(RestartError::Sdp)?;
        if let Err(error) = negotiation::offer_path(path, offer) {
            // Half an offer may have been taken, so the path cannot be relied on any more.
            self.fail(now, key);
            return Err(RestartError::Sdp(error));
        }
        // The path takes new ones if, and only if, the client's are new.
        let credentials = path.direct_api().local_ice_credentials();
        let is_renamed = credentials.ufrag != before.ufrag;
        let negotiation = if is_renamed { Negotiation::new(setting, now, &credentials, offer) } else { Ok(tried) };
        let answer = negotiation.and_then(|mut negotiation| {
            let running: Vec<_> = member.slots.iter().map(Slot::streams).collect();
            // From the negotiation that makes the answer, so that the streams it names are theirs.
            let tracks = &member.tracks;
            let is_known =
                |mid| tracks.iter().any(|track| track.mid == mid) || running.iter().any(|slot| slot.0 == mid);
            let added = build_slots(&mut negotiation.rtc, &lines, is_known);
            let answer = negotiation.keeping(offer, running.iter().copied())?;
            member.slots.extend(added);
            Ok(answer)
        });
        if is_renamed {
            let before = std::mem::replace(&mut member.ufrag, credentials.ufrag.clone());
            member.is_renamed = true;
            self.by_ufrag.remove(&before);
            self.by_ufrag.insert(credentials.ufrag, key);
            self.drive_control(now, key, |control, outlet| control.advance(now, outlet));
        }
        // Tiles may have waited for a slot.
        self.needs_steering(room);
        self.flush(now);
        answer.map_err(RestartError::Sdp)
    }

    fn setting(&self) -> Setting<'_> {
        Setting { crypto: &self.crypto, certificate: &self.certificate, candidates: &self.config.candidates }
    }
}

/// Whether a later offer has the lines of the tracks and slots there are.
fn is_of_the_same_lines(member: &Member, lines: &[&str]) -> bool {
    let slots = member.slots.iter().map(|slot| slot.told.mid.as_str());
    let mut known = member.tracks.iter().map(|track| &*track.mid).chain(slots);
    known.all(|mid| lines.contains(&mid))
}

/// Numbers of the header extensions; a bundle has one numbering for all its lines (RFC 8843, 9.2).
fn extensions(rtc: &Rtc, mids: &[&str]) -> ExtensionIds {
    let mut ids = ExtensionIds::default();
    for media in mids.iter().filter_map(|mid| rtc.media(Mid::from(*mid))) {
        for (id, extension) in media.remote_extmap().iter() {
            ids.set(id, extension.as_uri());
        }
    }
    ids
}

fn build_tracks(rtc: &Rtc, offered: &[TrackOffer]) -> Result<Vec<Track>, JoinError> {
    let mut tracks: Vec<Track> = Vec::new();
    for offer in offered {
        let wrong = || JoinError::Track(offer.mid.clone());
        let mid = Mid::from(offer.mid.as_str());
        let media = rtc.media(mid).ok_or_else(wrong)?;
        let kind_fits = (media.kind() == MediaKind::Audio) == (offer.source.track_kind() == TrackKind::Audio);
        let comes_in = matches!(media.direction(), Direction::RecvOnly | Direction::SendRecv);
        let taken = tracks.iter().any(|track| track.mid == mid || track.source == offer.source);
        if !kind_fits || !comes_in || taken {
            return Err(wrong());
        }
        let mut layers = offer.layers.clone();
        layers.sort();
        layers.dedup();
        let layers = if layers.is_empty() {
            vec![LayerStream::new(None, clock_rate(media.kind()))]
        } else {
            layers.into_iter().map(|layer| LayerStream::new(Some(layer), clock_rate(media.kind()))).collect()
        };
        let negotiated = formats(rtc, mid);
        let formats = negotiated.iter().map(|known| (known.payload_type, known.format)).collect();
        let repairs = negotiated.iter().filter_map(|known| Some((known.repair?, known.payload_type))).collect();
        tracks.push(Track { repairs, ..Track::new(mid, offer.source, layers, formats) });
    }
    Ok(tracks)
}

/// A slot for each receiving m-line that is not known yet.
fn build_slots(rtc: &mut Rtc, mids: &[&str], is_known: impl Fn(Mid) -> bool) -> Vec<Slot> {
    let mut slots = Vec::new();
    for &name in mids {
        let mid = Mid::from(name);
        if is_known(mid) {
            continue;
        }
        let Some(media) = rtc.media(mid) else { continue };
        if !matches!(media.direction(), Direction::SendOnly | Direction::SendRecv) {
            continue;
        }
        let kind = match media.kind() {
            MediaKind::Audio => SlotKind::Audio,
            MediaKind::Video => SlotKind::Video,
        };
        let clock_rate = clock_rate(media.kind());
        let formats = formats(rtc, mid);
        let mut direct = rtc.direct_api();
        let Some(stream) = direct.stream_tx_by_mid(mid, None) else { continue };
        let (ssrc, repair_ssrc) = (*stream.ssrc(), stream.rtx().map(|ssrc| *ssrc));
        // The random SSRC is as good a beginning as any; the number stays in the lower half so that it cannot wrap at once.
        let (first_sequence, first_timestamp) = ((ssrc & 0x7fff) as u16, ssrc.rotate_left(16));
        let rewriter = Rewriter::new(clock_rate, first_sequence, first_timestamp);
        slots.push(Slot::new(mid, kind, (ssrc, repair_ssrc), formats, rewriter));
    }
    slots.shrink_to_fit();
    slots
}

fn clock_rate(kind: MediaKind) -> u32 {
    match kind {
        MediaKind::Audio => 48_000,
        MediaKind::Video => 90_000,
    }
}

/// Payload types of one m-line.
fn formats(rtc: &Rtc, mid: Mid) -> Vec<SlotFormat> {
    let Some(media) = rtc.media(mid) else { return Vec::new() };
    let negotiated = media.remote_pts();
    let params = rtc.codec_config().params().iter().filter(|params| negotiated.contains(&params.pt()));
    params
        .map(|params| SlotFormat {
            format: Format::of(params),
            payload_type: *params.pt(),
            repair: params.resend().map(|payload_type| *payload_type),
        })
        .collect()
}

/// Whether the grants let a person send this source.
pub(crate) fn may_send(grants: Grants, source: SourceKind) -> bool {
    match source {
        SourceKind::Microphone | SourceKind::Camera => grants.publish,
        SourceKind::Screen | SourceKind::ScreenAudio => grants.share_screen,
    }
}
