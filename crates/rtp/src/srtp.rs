//! SRTP and SRTCP: the packets of one DTLS association, protected and opened.
//!
//! ```text
//!  keying material (RFC 5764) -> MasterKey -> derivation (RFC 3711, 4.3) -> session keys
//!                                                |                            |
//!                                          Outbound: seal              Inbound: open, refuse what came before
//! ```
//!
//! Three profiles: AES-GCM with 256 or 128 bits (RFC 7714), and AES-CM with HMAC-SHA1 (RFC 3711), which every WebRTC
//! endpoint must have (RFC 8827) and which costs four times as much. Nothing here allocates for a packet.

mod cipher;
mod derivation;
mod inbound;
mod outbound;
mod replay;

pub use inbound::{Inbound, Opened};
pub use outbound::Outbound;

/// Longest salt of a profile.
const LONGEST_SALT: usize = 14;

/// Longest master key of a profile.
const LONGEST_KEY: usize = 32;

/// Bytes of an SRTCP packet's index and its flag.
const RTCP_INDEX: usize = 4;

/// How packets are protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Profile {
    /// `SRTP_AEAD_AES_256_GCM`.
    AeadAes256Gcm,
    /// `SRTP_AEAD_AES_128_GCM`.
    AeadAes128Gcm,
    /// `SRTP_AES128_CM_HMAC_SHA1_80`.
    Aes128CmSha1,
}

impl Profile {
    /// Bytes of a master key.
    pub const fn key_bytes(self) -> usize {
        match self {
            Self::AeadAes256Gcm => 32,
            Self::AeadAes128Gcm | Self::Aes128CmSha1 => 16,
        }
    }

    /// Bytes of a master salt.
    pub const fn salt_bytes(self) -> usize {
        match self {
            Self::AeadAes256Gcm | Self::AeadAes128Gcm => 12,
            Self::Aes128CmSha1 => 14,
        }
    }

    /// Bytes that protection adds to an RTP packet.
    pub const fn rtp_overhead(self) -> usize {
        match self {
            Self::AeadAes256Gcm | Self::AeadAes128Gcm => 16,
            Self::Aes128CmSha1 => 10,
        }
    }

    /// Bytes that protection adds to an RTCP packet.
    pub const fn rtcp_overhead(self) -> usize {
        self.rtp_overhead() + RTCP_INDEX
    }
}

/// The key and salt of one direction. No `Debug`: it is a secret.
#[derive(Clone)]
pub struct MasterKey {
    profile: Profile,
    key: [u8; LONGEST_KEY],
    salt: [u8; LONGEST_SALT],
}

impl MasterKey {
    /// From a key and a salt of just the profile's lengths; `None` when they are not.
    pub fn new(profile: Profile, key: &[u8], salt: &[u8]) -> Option<Self> {
        if key.len() != profile.key_bytes() || salt.len() != profile.salt_bytes() {
            return None;
        }
        let mut master = Self { profile, key: [0; LONGEST_KEY], salt: [0; LONGEST_SALT] };
        master.key[..key.len()].copy_from_slice(key);
        master.salt[..salt.len()].copy_from_slice(salt);
        Some(master)
    }

    /// The keys for what the DTLS client sends and for what the server sends, from the material both exported (RFC 5764,
    /// 4.2); `None` when it is too short.
    pub fn pair(profile: Profile, material: &[u8]) -> Option<(Self, Self)> {
        let (keys, salts) = material.split_at_checked(2 * profile.key_bytes())?;
        let (client, server) = keys.split_at(profile.key_bytes());
        let (client_salt, rest) = salts.split_at_checked(profile.salt_bytes())?;
        let server_salt = rest.get(..profile.salt_bytes())?;
        Some((Self::new(profile, client, client_salt)?, Self::new(profile, server, server_salt)?))
    }

    /// The profile it is for.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    fn key(&self) -> &[u8] {
        &self.key[..self.profile.key_bytes()]
    }
}

/// Why a packet was not protected or opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SrtpError {
    /// It cannot be an RTP or RTCP packet, or leaves no room for what protection adds.
    #[error("too short")]
    TooShort,
    /// It was changed on its way, or is not from the other side.
    #[error("not authentic")]
    NotAuthentic,
    /// It came before, or is too old to tell.
    #[error("came before")]
    Replayed,
    /// The other side has made more streams than any client does.
    #[error("too many streams")]
    TooManyStreams,
    /// No key protects more packets than this one has.
    #[error("the key is used up")]
    Exhausted,
}

/// Length of an RTP packet's header (RFC 3550, 5.1 and 5.3.1); `None` when the packet ends before it does.
fn rtp_header_bytes(packet: &[u8]) -> Option<usize> {
    let first = *packet.first()?;
    let mut length = 12 + 4 * usize::from(first & 0x0f);
    if first & 0x10 != 0 {
        let words = packet.get(length + 2..length + 4)?;
        length += 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
    }
    (packet.len() >= length).then_some(length)
}

fn read_u32(packet: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(packet.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests;
