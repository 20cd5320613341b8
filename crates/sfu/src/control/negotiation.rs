//! From an offer to an answer. str0m's view of the m-lines, ten kilobytes each, is of use only while an answer is made, so
//! it is made by an [`Rtc`] of its own that is dropped afterwards; the one that goes on has ICE and DTLS and no media.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use confab_rtp::codec::dependency_descriptor;
use str0m::change::{SdpAnswer, SdpOffer};
use str0m::config::{CryptoProvider, DtlsCert};
use str0m::media::Mid;
use str0m::rtp::{Extension, ExtensionMap, ExtensionSerializer, ExtensionValues};
use str0m::{Candidate, IceCreds, Rtc, RtcConfig};

use super::offer::{in_order_of, without_media};

const CONTRADICTION: &str = "it contradicts itself";

/// str0m reports and repairs nothing of ours: it never sees a packet.
const NEVER: Duration = Duration::from_secs(1_000_000);

/// What all media paths of a core have in common.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'a> {
    pub(crate) crypto: &'a Arc<CryptoProvider>,
    pub(crate) certificate: &'a DtlsCert,
    pub(crate) candidates: &'a [SocketAddr],
}

/// An offer that was understood, with the answer to it.
pub(crate) struct Negotiation {
    /// Knows the m-lines, and is never run.
    pub(crate) rtc: Rtc,
    pub(crate) answer: String,
}

impl Negotiation {
    /// Answers an offer in the name of a path with these credentials.
    ///
    /// # Errors
    /// Says what is wrong with the offer.
    pub(crate) fn new(setting: Setting<'_>, now: Instant, credentials: &IceCreds, offer: &str) -> Result<Self, String> {
        let config = config(setting)
            .enable_opus(true, false)
            .enable_h264(true)
            .enable_vp8(true)
            .enable_vp9(true)
            .enable_av1(true);
        let mut rtc = build(config, now);
        rtc.direct_api().set_local_ice_credentials(credentials.clone());
        // After the credentials, which candidates repeat.
        add_candidates(&mut rtc, setting);
        let answer = answer(&mut rtc, offer)?;
        Ok(Self { rtc, answer })
    }

    /// The answer with the streams there already are: the m-line each is sent on, its SSRC and that of its repairs.
    ///
    /// # Errors
    /// Never with an offer that was understood before.
    pub(crate) fn keeping(
        mut self,
        offer: &str,
        streams: impl Iterator<Item = (Mid, u32, Option<u32>)>,
    ) -> Result<String, String> {
        for (mid, ssrc, repair_ssrc) in streams {
            if self.rtc.media(mid).is_none() {
                continue;
            }
            let mut direct = self.rtc.direct_api();
            let made_up = direct.stream_tx_by_mid(mid, None).map(|stream| stream.ssrc());
            if let Some(made_up) = made_up {
                direct.remove_stream_tx(made_up);
            }
            direct.declare_stream_tx(ssrc.into(), repair_ssrc.map(Into::into), mid, None);
        }
        answer(&mut self.rtc, offer)
    }
}

/// What runs a media path: ICE and DTLS.
pub(crate) fn path(setting: Setting<'_>, now: Instant) -> Rtc {
    let mut path = build(config(setting), now);
    add_candidates(&mut path, setting);
    path
}

/// Tells a path the other side's credentials, certificate and role in the handshake.
///
/// # Errors
/// Says what is wrong with the offer; then the path is of no more use.
pub(crate) fn offer_path(path: &mut Rtc, offer: &str) -> Result<(), String> {
    accept(path, parse(&without_media(offer))?).map(drop)
}

fn answer(rtc: &mut Rtc, offer: &str) -> Result<String, String> {
    let answer = accept(rtc, parse(offer)?)?;
    Ok(in_order_of(offer, &answer.to_sdp_string()))
}

fn config(setting: Setting<'_>) -> RtcConfig {
    RtcConfig::new()
        .set_crypto_provider(setting.crypto.clone())
        .set_dtls_cert(setting.certificate.clone())
        .set_rtp_mode(true)
        .set_ice_lite(true)
        .clear_codecs()
        .set_rtcp_report_interval_audio(NEVER)
        .set_rtcp_report_interval_video(NEVER)
        .set_send_buffer_video(1)
        .set_stats_interval(None)
}

fn build(mut config: RtcConfig, now: Instant) -> Rtc {
    if let Some((id, extension)) = descriptor_extension(config.extension_map()) {
        config = config.set_extension(id, extension);
    }
    config.build(now)
}

fn add_candidates(rtc: &mut Rtc, setting: Setting<'_>) {
    for address in setting.candidates {
        if let Ok(candidate) = Candidate::host(*address, "udp") {
            rtc.add_local_candidate(candidate);
        }
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
