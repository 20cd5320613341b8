//! What comes.

use std::collections::HashMap;
use std::ops::Range;

use super::cipher::{Cipher, Kind};
use super::replay::ReplayWindow;
use super::{MasterKey, Profile, RTCP_INDEX, SrtpError, read_u32, rtp_header_bytes};

/// Set in front of an RTCP packet's index: the packet is encrypted.
const ENCRYPTED: u32 = 1 << 31;

/// Streams of one direction. The other side makes them, and no client has more than a few dozen; to forget one would let
/// its packets be replayed.
const STREAMS: usize = 512;

/// An opened RTP packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Opened {
    /// Its sequence number, extended so that it never wraps.
    pub index: u64,
    /// Where in the packet the payload is, padding included.
    pub payload: Range<usize>,
}

/// Opens the packets of one direction.
pub struct Inbound {
    profile: Profile,
    rtp: Cipher,
    rtcp: Cipher,
    streams: HashMap<u32, ReplayWindow>,
    reports: HashMap<u32, ReplayWindow>,
}

impl Inbound {
    /// With no packet seen yet.
    pub fn new(master: &MasterKey) -> Self {
        Self {
            profile: master.profile(),
            rtp: Cipher::new(master, Kind::Rtp),
            rtcp: Cipher::new(master, Kind::Rtcp),
            streams: HashMap::new(),
            reports: HashMap::new(),
        }
    }

    /// Opens an RTP packet in place.
    ///
    /// # Errors
    /// See [`SrtpError`]; then the packet's bytes are of no use any more, and nothing was noted.
    pub fn open_rtp(&mut self, packet: &mut [u8]) -> Result<Opened, SrtpError> {
        let end = packet.len().checked_sub(self.profile.rtp_overhead()).ok_or(SrtpError::TooShort)?;
        let (packet, tag) = packet.split_at_mut(end);
        let clear = rtp_header_bytes(packet).ok_or(SrtpError::TooShort)?;
        let ssrc = read_u32(packet, 8).ok_or(SrtpError::TooShort)?;
        let sequence = u16::from_be_bytes([packet[2], packet[3]]);
        let window = window(&self.streams, ssrc)?;
        let index = extended(window.newest(), sequence);
        if !window.is_new(index) {
            return Err(SrtpError::Replayed);
        }
        let rollover = ((index >> 16) as u32).to_be_bytes();
        let also: &[u8] = if self.rtp.signs_rollover() { &rollover } else { &[] };
        self.rtp.open(ssrc, index, packet, clear, also, tag)?;
        note(&mut self.streams, ssrc, index);
        Ok(Opened { index, payload: clear..end })
    }

    /// Opens a compound RTCP packet in place and gives its length.
    ///
    /// # Errors
    /// See [`SrtpError`]; then the packet's bytes are of no use any more, and nothing was noted.
    pub fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let end = packet.len().checked_sub(self.profile.rtcp_overhead()).ok_or(SrtpError::TooShort)?;
        if end < 8 {
            return Err(SrtpError::TooShort);
        }
        let (packet, trailer) = packet.split_at_mut(end);
        let (tag, word) = match self.profile {
            Profile::AeadAes256Gcm | Profile::AeadAes128Gcm => trailer.split_at(trailer.len() - RTCP_INDEX),
            Profile::Aes128CmSha1 => {
                let (word, tag) = trailer.split_at(RTCP_INDEX);
                (tag, word)
            }
        };
        let flagged = read_u32(word, 0).ok_or(SrtpError::TooShort)?;
        // WebRTC always encrypts its reports (RFC 8827, 6.5).
        if flagged & ENCRYPTED == 0 {
            return Err(SrtpError::NotAuthentic);
        }
        let index = u64::from(flagged & !ENCRYPTED);
        let ssrc = read_u32(packet, 4).ok_or(SrtpError::TooShort)?;
        if !window(&self.reports, ssrc)?.is_new(index) {
            return Err(SrtpError::Replayed);
        }
        self.rtcp.open(ssrc, index, packet, 8, word, tag)?;
        note(&mut self.reports, ssrc, index);
        Ok(end)
    }
}

fn window(streams: &HashMap<u32, ReplayWindow>, ssrc: u32) -> Result<ReplayWindow, SrtpError> {
    match streams.get(&ssrc) {
        Some(window) => Ok(*window),
        None if streams.len() < STREAMS => Ok(ReplayWindow::default()),
        None => Err(SrtpError::TooManyStreams),
    }
}

fn note(streams: &mut HashMap<u32, ReplayWindow>, ssrc: u32, index: u64) {
    streams.entry(ssrc).or_default().note(index);
}

/// The index nearest to the newest one that has this sequence number (RFC 3711, 3.3.1).
fn extended(newest: Option<u64>, sequence: u16) -> u64 {
    let Some(newest) = newest else { return u64::from(sequence) };
    let distance = sequence.wrapping_sub(newest as u16) as i16;
    match newest.checked_add_signed(i64::from(distance)) {
        Some(index) => index,
        // Before the first round there was none.
        None => u64::from(sequence),
    }
}
