//! More picture slots on a running connection: an offer on the same sockets with the same credentials.

use std::sync::PoisonError;

use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use webrtc::peer_connection::PeerConnection;

use super::negotiated::tidy_offer;
use super::{WebrtcTransport, failed};
use crate::transport::TransportError;

/// What is known of the last offer.
pub(super) struct Exchange {
    /// Picture slots in it. The crate cannot take an m-line back, so they stay in every later offer.
    video_slots: usize,
    /// It is for more slots, and leaves the way alone.
    pub grows: bool,
}

impl Exchange {
    pub fn new(video_slots: usize) -> Self {
        Self { video_slots, grows: false }
    }
}

impl WebrtcTransport {
    pub(super) async fn grow(&self, video_slots: usize) -> Result<String, TransportError> {
        let mut exchange = self.exchange.lock().await;
        while exchange.video_slots < video_slots {
            add_slot(self.connection.as_ref(), RtpCodecKind::Video).await?;
            exchange.video_slots += 1;
        }
        let offer = self.connection.create_offer(None).await.map_err(failed)?;
        self.connection.set_local_description(offer.clone()).await.map_err(failed)?;
        exchange.grows = true;
        // Nothing is waited for: the candidates are those of the sockets there are.
        let offered = self.offered.lock().unwrap_or_else(PoisonError::into_inner);
        tidy_offer(&offer.sdp, |address| offered.contains(address)).ok_or(TransportError::NoCandidates)
    }
}

pub(super) async fn add_slot(connection: &dyn PeerConnection, kind: RtpCodecKind) -> Result<(), TransportError> {
    let init =
        RTCRtpTransceiverInit { direction: RTCRtpTransceiverDirection::Recvonly, ..RTCRtpTransceiverInit::default() };
    connection.add_transceiver_from_kind(kind, Some(init)).await.map_err(failed)?;
    Ok(())
}
