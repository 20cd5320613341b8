//! Taking a member in: its offer becomes a media path with tracks and slots. Also ICE restarts, which are offers too.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use confab_protocol::{Grants, ParticipantId, SlotAssignment, SlotKind, SourceKind, TrackKind, TrackOffer};
use confab_rtp::codec::dependency_descriptor;
use confab_rtp::transport_wide::{TwccReceiver, TwccReceiverConfig};
use confab_rtp::wire::ExtensionIds;
use str0m::change::{SdpAnswer, SdpOffer};
use str0m::media::{Direction, MediaKind, Mid};
use str0m::rtp::{Extension, ExtensionMap, ExtensionSerializer, ExtensionValues};
use str0m::{Candidate, Rtc, RtcConfig};

use super::checks::CheckLog;
use super::offer::{fingerprint, media_lines, streams};
use super::path::ControlPath;
use crate::arena::Key;
use crate::egress::downlink::Downlink;
use crate::egress::rewrite::Rewriter;
use crate::egress::slot::{Slot, SlotFormat};
use crate::error::{JoinError, RestartError};
use crate::ingress::stream::{Format, LayerStream, SenderClock, Track};
use crate::member::{Home, LayerChoice, Member};
use crate::sfu::Sfu;

const CONTRADICTION: &str = "it contradicts itself";

/// Most m-lines of one offer: 49 video slots, some audio slots and the member's own tracks fit.
const MEDIA_LINES: usize = 80;

/// str0m reports and repairs nothing of ours: it never sees a packet.
const NEVER: Duration = Duration::from_secs(1_000_000);

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
        let mut rtc = self.build(now);
        let answer = accept(&mut rtc, offer).map_err(JoinError::Sdp)?;

        let tracks = build_tracks(&rtc, joining.tracks)?;
        let slots = build_slots(&mut rtc, &lines, &tracks);
        let joined =
            Joined { answer: answer.to_sdp_string(), slots: slots.iter().map(|slot| slot.told.clone()).collect() };

        if let Some(before) = self.find(room, joining.participant) {
            self.remove(now, before);
        }
        let ufrag = rtc.direct_api().local_ice_credentials().ufrag;
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
            last_datagram: now,
            addresses: Vec::new(),
            scheduled: None,
            home: Home::Here(ControlPath::new(now, rtc)),
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
        let key = self.find_here(room, participant).ok_or(RestartError::UnknownMember)?;
        let member = self.members.get_mut(key).ok_or(RestartError::UnknownMember)?;
        let control = member.control().ok_or(RestartError::UnknownMember)?;
        let parsed = parse(offer).map_err(RestartError::Sdp)?;
        // Checked first, because a refused offer would leave the running path half changed.
        let running = control.rtc().direct_api().remote_dtls_fingerprint().map(|print| print.bytes.clone());
        if running.is_none() || fingerprint(offer) != running {
            return Err(RestartError::OtherConnection);
        }
        let answer = match accept(control.rtc(), parsed) {
            Ok(answer) => answer,
            Err(error) => {
                // Half an offer may have been taken, so the path cannot be relied on any more.
                self.fail(now, key);
                return Err(RestartError::Sdp(error));
            }
        };
        let ufrag = control.rtc().direct_api().local_ice_credentials().ufrag;
        let before = std::mem::replace(&mut member.ufrag, ufrag.clone());
        member.is_renamed = true;
        member.downlink.path_changed();
        self.by_ufrag.remove(&before);
        self.by_ufrag.insert(ufrag, key);
        self.drive_control(now, key, |control, outlet| control.advance(now, outlet));
        self.flush(now);
        Ok(answer.to_sdp_string())
    }

    fn build(&self, now: Instant) -> Rtc {
        let mut config = RtcConfig::new()
            .set_crypto_provider(self.crypto.clone())
            .set_rtp_mode(true)
            .set_ice_lite(true)
            .clear_codecs()
            .enable_opus(true, false)
            .enable_h264(true)
            .enable_vp8(true)
            .enable_vp9(true)
            .enable_av1(true)
            .set_rtcp_report_interval_audio(NEVER)
            .set_rtcp_report_interval_video(NEVER)
            .set_send_buffer_video(1)
            .set_stats_interval(None);
        if let Some((id, extension)) = descriptor_extension(config.extension_map()) {
            config = config.set_extension(id, extension);
        }
        if let Some(certificate) = &self.certificate {
            config = config.set_dtls_cert(certificate.clone());
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

fn build_slots(rtc: &mut Rtc, mids: &[&str], tracks: &[Track]) -> Vec<Slot> {
    let mut slots = Vec::new();
    for &name in mids {
        let mid = Mid::from(name);
        if tracks.iter().any(|track| track.mid == mid) {
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
    slots
}

/// The extension that says to which layers a frame belongs, and a number for it: str0m negotiates it for us, and never
/// reads or writes one.
fn descriptor_extension(known: &ExtensionMap) -> Option<(u8, Extension)> {
    let free = (1..=14).find(|id| known.lookup(*id).is_none())?;
    Some((free, Extension::with_serializer(dependency_descriptor::URI, NegotiatedOnly)))
}

#[derive(Debug)]
struct NegotiatedOnly;

impl ExtensionSerializer for NegotiatedOnly {
    fn write_to(&self, _buffer: &mut [u8], _values: &ExtensionValues) -> usize {
        0
    }

    fn parse_value(&self, _buffer: &[u8], _values: &mut ExtensionValues) -> bool {
        false
    }

    fn is_video(&self) -> bool {
        true
    }

    fn is_audio(&self) -> bool {
        false
    }
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
