//! What we send.

use super::cipher::{Cipher, Kind};
use super::{MasterKey, Profile, SrtpError, read_u32, rtp_header_bytes};

/// The index of an RTP packet has 48 bits, that of an RTCP packet 31 (RFC 3711, 3.2.1 and 3.4).
const RTP_INDICES: u64 = 1 << 48;
const RTCP_INDICES: u32 = 1 << 31;

/// Set in front of an RTCP packet's index: the packet is encrypted.
const ENCRYPTED: u32 = 1 << 31;

/// Protects the packets of one direction. Which RTP index a packet has is for the caller to say, and no index of an SSRC
/// may protect two different packets: with AES-GCM that would give the key away.
pub struct Outbound {
    profile: Profile,
    rtp: Cipher,
    rtcp: Cipher,
    next_rtcp: u32,
}

impl Outbound {
    /// With no packet sent yet.
    pub fn new(master: &MasterKey) -> Self {
        Self {
            profile: master.profile(),
            rtp: Cipher::new(master, Kind::Rtp),
            rtcp: Cipher::new(master, Kind::Rtcp),
            next_rtcp: 0,
        }
    }

    /// The profile in use.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// Protects an RTP packet in place. `packet` is the whole packet and behind it [`Profile::rtp_overhead`] bytes of room;
    /// `index` is its sequence number, extended so that it never wraps.
    ///
    /// # Errors
    /// [`SrtpError::TooShort`] for what is no RTP packet, [`SrtpError::Exhausted`] beyond 2^48 packets.
    pub fn protect_rtp(&self, index: u64, packet: &mut [u8]) -> Result<(), SrtpError> {
        if index >= RTP_INDICES {
            return Err(SrtpError::Exhausted);
        }
        let end = packet.len().checked_sub(self.profile.rtp_overhead()).ok_or(SrtpError::TooShort)?;
        let (packet, tag) = packet.split_at_mut(end);
        let clear = rtp_header_bytes(packet).ok_or(SrtpError::TooShort)?;
        let ssrc = read_u32(packet, 8).ok_or(SrtpError::TooShort)?;
        let rollover = ((index >> 16) as u32).to_be_bytes();
        let also: &[u8] = if self.rtp.signs_rollover() { &rollover } else { &[] };
        self.rtp.seal(ssrc, index, packet, clear, also, tag)
    }

    /// Protects a compound RTCP packet in place; it grows by [`Profile::rtcp_overhead`].
    ///
    /// # Errors
    /// [`SrtpError::TooShort`] for what is no RTCP packet, [`SrtpError::Exhausted`] beyond 2^31 packets.
    pub fn protect_rtcp(&mut self, packet: &mut Vec<u8>) -> Result<(), SrtpError> {
        if packet.len() < 8 {
            return Err(SrtpError::TooShort);
        }
        if self.next_rtcp >= RTCP_INDICES {
            return Err(SrtpError::Exhausted);
        }
        let index = self.next_rtcp;
        self.next_rtcp += 1;
        let ssrc = read_u32(packet, 4).ok_or(SrtpError::TooShort)?;
        let word = (ENCRYPTED | index).to_be_bytes();
        let mut tag = [0; 16];
        let tag = &mut tag[..self.profile.rtp_overhead()];
        self.rtcp.seal(ssrc, u64::from(index), packet, 8, &word, tag)?;
        match self.profile {
            Profile::AeadAes256Gcm | Profile::AeadAes128Gcm => {
                packet.extend_from_slice(tag);
                packet.extend_from_slice(&word);
            }
            Profile::Aes128CmSha1 => {
                packet.extend_from_slice(&word);
                packet.extend_from_slice(tag);
            }
        }
        Ok(())
    }
}
