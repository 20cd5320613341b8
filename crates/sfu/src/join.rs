//! Taking a member in: its offer becomes a media path with tracks and slots. Also ICE restarts, which are offers too.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use confab_protocol::{Grants, ParticipantId, SlotAssignment, SlotKind, SourceKind, TrackKind, TrackOffer};
use str0m::bwe::Bitrate;
use str0m::change::{SdpAnswer, SdpOffer};
use str0m::media::{Direction, MediaKind, Mid};
use str0m::{Candidate, Rtc, RtcConfig};

use crate::arena::Key;
use crate::error::{JoinError, RestartError};
use crate::member::{Bandwidth, Format, LayerStream, Member, Slot, Track};
use crate::rewrite::Rewriter;
use crate::room::TrackState;
use crate::sfu::Sfu;

const CONTRADICTION: &str = "it contradicts itself";

/// Most m-lines of one offer: 49 video slots, some audio slots and the member's own tracks fit.
const MEDIA_LINES: usize = 80;

/// Sent video packets kept for repair, for each slot; half a second of the full layer at its dearest.
const REPAIR_PACKETS: usize = 512;

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
        let offer = parse(joining.offer).map_err(JoinError::Sdp)?;
        let mut rtc = self.build(now, joining, &lines);
        let answer = accept(&mut rtc, offer).map_err(JoinError::Sdp)?;

        let tracks = build_tracks(&rtc, joining.tracks)?;
        let slots = build_slots(&mut rtc, &lines, &tracks);
        let joined =
            Joined { answer: answer.to_sdp_string(), slots: slots.iter().map(|slot| slot.told.clone()).collect() };

        if let Some(before) = self.find(room, joining.participant) {
            self.remove(now, before);
        }
        let member = Member {
            room,
            participant: joining.participant,
            grants: joining.grants,
            rtc: Box::new(rtc),
            tracks,
            slots,
            streams: HashMap::new(),
            view: Vec::new(),
            bandwidth: Bandwidth::default(),
            connected: false,
            silent: false,
            last_datagram: now,
            addresses: Vec::new(),
            deadline: now,
            touched: false,
        };
        let key = self.members.insert(member);
        if let Some(room) = self.rooms.get_mut(room) {
            room.members.push(key);
            room.by_participant.insert(joining.participant, key);
        }
        self.needs_steering(room);
        self.touch(key);
        self.flush(now);
        Ok(joined)
    }

    /// Answers an offer with new ICE credentials on a running media path; its streams and slots go on.
    ///
    /// # Errors
    /// Says why the offer does not fit. The media path is as it was, unless the offer was well-formed but contradicts it:
    /// then the path has ended, with [`crate::Event::Closed`].
    pub fn restart(
        &mut self,
        now: Instant,
        room: Key,
        participant: ParticipantId,
        offer: &str,
    ) -> Result<String, RestartError> {
        let key = self.find(room, participant).ok_or(RestartError::UnknownMember)?;
        let member = self.members.get_mut(key).ok_or(RestartError::UnknownMember)?;
        let parsed = parse(offer).map_err(RestartError::Sdp)?;
        // Checked first, because a refused offer would leave the running path half changed.
        let running = member.rtc.direct_api().remote_dtls_fingerprint().map(|print| print.bytes.clone());
        if running.is_none() || fingerprint(offer) != running {
            return Err(RestartError::OtherConnection);
        }
        let answer = match accept(&mut member.rtc, parsed) {
            Ok(answer) => answer,
            Err(error) => {
                // Half an offer may have been taken, so the path cannot be relied on any more.
                self.fail(now, key);
                return Err(RestartError::Sdp(error));
            }
        };
        self.touch(key);
        self.flush(now);
        Ok(answer.to_sdp_string())
    }

    fn build(&self, now: Instant, joining: &Joining<'_>, lines: &[MediaLine<'_>]) -> Rtc {
        let mut config = RtcConfig::new()
            .set_crypto_provider(self.crypto.clone())
            .set_rtp_mode(true)
            .set_ice_lite(true)
            .clear_codecs()
            .enable_opus(true, false)
            .enable_h264(true)
            .enable_vp8(true)
            .set_rtcp_report_interval_audio(self.config.report_interval)
            .set_rtcp_report_interval_video(self.config.report_interval)
            .set_send_buffer_video(REPAIR_PACKETS)
            .set_stats_interval(None);
        if let Some(certificate) = &self.certificate {
            config = config.set_dtls_cert(certificate.clone());
        }
        // Pacing costs much, so only receivers with a choice of layers are estimated.
        let shows_video = lines.iter().any(|line| line.receives_video && !names(joining.tracks, line.mid));
        if shows_video && joining.grants.subscribe {
            config = config.enable_bwe(Some(Bitrate::from(self.config.initial_estimate)));
        }
        let mut rtc = config.build(now);
        for address in &self.config.candidates {
            if let Ok(candidate) = Candidate::host(*address, "udp") {
                rtc.add_local_candidate(candidate);
            }
        }
        rtc
    }
}

fn parse(offer: &str) -> Result<SdpOffer, String> {
    // The parser and the negotiation assert what a sane offer has; an insane one must cost its own sender only.
    let parsed = catch_unwind(AssertUnwindSafe(|| SdpOffer::from_sdp_string(offer)));
    parsed.map_err(|_| CONTRADICTION.to_owned())?.map_err(|error| error.to_string())
}

fn accept(rtc: &mut Rtc, offer: SdpOffer) -> Result<SdpAnswer, String> {
    let answer = catch_unwind(AssertUnwindSafe(|| rtc.sdp_api().accept_offer(offer)));
    answer.map_err(|_| CONTRADICTION.to_owned())?.map_err(|error| error.to_string())
}

/// What is read from an m-line's text, because only the text has the order.
struct MediaLine<'a> {
    mid: &'a str,
    /// A video line that the client receives on.
    receives_video: bool,
}

fn media_lines(offer: &str) -> Vec<MediaLine<'_>> {
    let mut lines: Vec<MediaLine<'_>> = Vec::new();
    for line in offer.lines() {
        if let Some(media) = line.strip_prefix("m=") {
            lines.push(MediaLine { mid: "", receives_video: media.starts_with("video") });
        } else if let Some(last) = lines.last_mut() {
            if let Some(mid) = line.strip_prefix("a=mid:") {
                last.mid = mid.trim();
            } else if matches!(line.trim(), "a=sendonly" | "a=inactive") {
                last.receives_video = false;
            }
        }
    }
    lines
}

fn fingerprint(offer: &str) -> Option<Vec<u8>> {
    let line = offer.lines().find_map(|line| line.strip_prefix("a=fingerprint:"))?;
    let (_, digits) = line.trim().split_once(' ')?;
    digits.split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect()
}

fn names(tracks: &[TrackOffer], mid: &str) -> bool {
    tracks.iter().any(|track| track.mid == mid)
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
            vec![LayerStream::new(None)]
        } else {
            layers.into_iter().map(|layer| LayerStream::new(Some(layer))).collect()
        };
        let formats = formats(rtc, mid).into_iter().map(|(format, pt)| (*pt, format)).collect();
        tracks.push(Track {
            mid,
            source: offer.source,
            state: TrackState::Unpublished,
            height: 0,
            layers,
            formats,
            loudness: crate::loudness::Loudness::default(),
            subscribers: Vec::new(),
            told: None,
        });
    }
    Ok(tracks)
}

fn build_slots(rtc: &mut Rtc, lines: &[MediaLine<'_>], tracks: &[Track]) -> Vec<Slot> {
    let mut slots = Vec::new();
    for line in lines {
        let mid = Mid::from(line.mid);
        if tracks.iter().any(|track| track.mid == mid) {
            continue;
        }
        let Some(media) = rtc.media(mid) else { continue };
        if !matches!(media.direction(), Direction::SendOnly | Direction::SendRecv) {
            continue;
        }
        let (kind, clock_rate) = match media.kind() {
            MediaKind::Audio => (SlotKind::Audio, 48_000),
            MediaKind::Video => (SlotKind::Video, 90_000),
        };
        let formats = formats(rtc, mid);
        let mut direct = rtc.direct_api();
        let Some(stream) = direct.stream_tx_by_mid(mid, None) else { continue };
        let ssrc = stream.ssrc();
        // str0m's pacer sends at 1.1 times the estimate, one packet a call: a keyframe would take a tenth of a second
        // and more, and a wrong estimate would queue up seconds. What is sent is kept within the estimate by choosing
        // layers instead, and the packets of a picture leave together.
        stream.set_unpaced(true);
        // The random SSRC is as good a beginning as any; the number stays in the lower half so that it cannot wrap at once.
        let (first_sequence, first_timestamp) = ((*ssrc & 0x7fff) as u16, ssrc.rotate_left(16));
        slots.push(Slot {
            mid,
            kind,
            ssrc,
            formats,
            rewriter: Rewriter::new(clock_rate, first_sequence, first_timestamp),
            feed: None,
            told: SlotAssignment { mid: line.mid.to_owned(), kind, participant: None, source: None, layer: None },
        });
    }
    slots
}

/// Payload types of one m-line.
fn formats(rtc: &Rtc, mid: Mid) -> Vec<(Format, str0m::media::Pt)> {
    let Some(media) = rtc.media(mid) else { return Vec::new() };
    let negotiated = media.remote_pts();
    let params = rtc.codec_config().params().iter();
    params.filter(|params| negotiated.contains(&params.pt())).map(|params| (Format::of(params), params.pt())).collect()
}

/// Whether the grants let a person send this source.
pub(crate) fn may_send(grants: Grants, source: SourceKind) -> bool {
    match source {
        SourceKind::Microphone | SourceKind::Camera => grants.publish,
        SourceKind::Screen | SourceKind::ScreenAudio => grants.share_screen,
    }
}
