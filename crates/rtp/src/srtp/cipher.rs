//! One direction's ciphers, for RTP or for RTCP.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{EncryptingKey, EncryptionContext};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;

use super::derivation::{Label, counter_cipher, derive};
use super::{MasterKey, Profile, SrtpError};

/// Bytes of an HMAC-SHA1 that a packet carries.
const SHORT_TAG: usize = 10;

/// Which of the two protocols.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Rtp,
    Rtcp,
}

/// The keys of one direction and protocol.
pub(super) enum Cipher {
    Aead { key: LessSafeKey, salt: [u8; 12] },
    Counter { key: Box<EncryptingKey>, salt: [u8; 14], authentication: Box<hmac::Key> },
}

impl Cipher {
    pub(super) fn new(master: &MasterKey, kind: Kind) -> Self {
        let (key, authentication, salt) = match kind {
            Kind::Rtp => (Label::RtpKey, Label::RtpAuthentication, Label::RtpSalt),
            Kind::Rtcp => (Label::RtcpKey, Label::RtcpAuthentication, Label::RtcpSalt),
        };
        let aead = |algorithm, key: &[u8]| Self::Aead {
            key: LessSafeKey::new(UnboundKey::new(algorithm, key).expect("keys have the lengths of their profile")),
            salt: derive(master, salt),
        };
        match master.profile() {
            Profile::AeadAes256Gcm => aead(&AES_256_GCM, &derive::<32>(master, key)),
            Profile::AeadAes128Gcm => aead(&AES_128_GCM, &derive::<16>(master, key)),
            Profile::Aes128CmSha1 => Self::Counter {
                key: Box::new(counter_cipher(&derive::<16>(master, key))),
                salt: derive(master, salt),
                authentication: Box::new(hmac::Key::new(
                    hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
                    &derive::<20>(master, authentication),
                )),
            },
        }
    }

    /// Encrypts what follows the first `clear` bytes of a packet and gives its tag, of which the profile's length is
    /// meant. `also` is authenticated with it: the roll-over counter, or the RTCP index.
    pub(super) fn seal(
        &self,
        ssrc: u32,
        index: u64,
        packet: &mut [u8],
        clear: usize,
        also: &[u8],
        tag: &mut [u8],
    ) -> Result<(), SrtpError> {
        let (header, body) = packet.split_at_mut_checked(clear).ok_or(SrtpError::TooShort)?;
        match self {
            Self::Aead { key, salt } => {
                let mut joined = [0; 12];
                let clear = Aad::from(authenticated(header, also, &mut joined)?);
                let sealed = key.seal_in_place_separate_tag(nonce(*salt, ssrc, index), clear, body);
                tag.copy_from_slice(sealed.map_err(|_| SrtpError::TooShort)?.as_ref());
            }
            Self::Counter { key, salt, authentication } => {
                run(key, *salt, ssrc, index, body)?;
                let mut context = hmac::Context::with_key(authentication);
                context.update(packet);
                context.update(also);
                tag.copy_from_slice(&context.sign().as_ref()[..SHORT_TAG]);
            }
        }
        Ok(())
    }

    /// The other way round. On an error the packet is of no use any more.
    pub(super) fn open(
        &self,
        ssrc: u32,
        index: u64,
        packet: &mut [u8],
        clear: usize,
        also: &[u8],
        tag: &[u8],
    ) -> Result<(), SrtpError> {
        match self {
            Self::Aead { key, salt } => {
                let (header, body) = packet.split_at_mut_checked(clear).ok_or(SrtpError::TooShort)?;
                let mut joined = [0; 12];
                let clear = Aad::from(authenticated(header, also, &mut joined)?);
                let opened = key.open_in_place_separate_tag(nonce(*salt, ssrc, index), clear, tag, body);
                opened.map(drop).map_err(|_| SrtpError::NotAuthentic)
            }
            Self::Counter { key, salt, authentication } => {
                let mut context = hmac::Context::with_key(authentication);
                context.update(packet);
                context.update(also);
                let whole = context.sign();
                aws_lc_rs::constant_time::verify_slices_are_equal(&whole.as_ref()[..SHORT_TAG], tag)
                    .map_err(|_| SrtpError::NotAuthentic)?;
                let (_, body) = packet.split_at_mut_checked(clear).ok_or(SrtpError::TooShort)?;
                run(key, *salt, ssrc, index, body)
            }
        }
    }

    /// Whether the tag covers the roll-over counter, which does not travel with the packet (RFC 3711, 4.2).
    pub(super) fn signs_rollover(&self) -> bool {
        matches!(self, Self::Counter { .. })
    }
}

/// What AES-GCM authenticates beside the body: an RTP packet's header, or the first eight bytes of an RTCP packet and its
/// index (RFC 7714, 8.2 and 9.2).
fn authenticated<'a>(header: &'a [u8], also: &[u8], joined: &'a mut [u8; 12]) -> Result<&'a [u8], SrtpError> {
    if also.is_empty() {
        return Ok(header);
    }
    let (first, last) = joined.split_at_mut(8);
    if header.len() != first.len() || also.len() != last.len() {
        return Err(SrtpError::TooShort);
    }
    first.copy_from_slice(header);
    last.copy_from_slice(also);
    Ok(joined)
}

/// RFC 7714, 8.1 and 9.1: for RTP the index is roll-over counter and sequence number, for RTCP its 31 bits.
fn nonce(salt: [u8; 12], ssrc: u32, index: u64) -> Nonce {
    let mut nonce = [0; 12];
    nonce[2..6].copy_from_slice(&ssrc.to_be_bytes());
    nonce[6..].copy_from_slice(&index.to_be_bytes()[2..]);
    for (byte, salt) in nonce.iter_mut().zip(salt) {
        *byte ^= salt;
    }
    Nonce::assume_unique_for_key(nonce)
}

/// RFC 3711, 4.1.1.
fn run(key: &EncryptingKey, salt: [u8; 14], ssrc: u32, index: u64, body: &mut [u8]) -> Result<(), SrtpError> {
    let mut counter = [0; 16];
    counter[4..8].copy_from_slice(&ssrc.to_be_bytes());
    counter[8..14].copy_from_slice(&index.to_be_bytes()[2..]);
    for (byte, salt) in counter.iter_mut().zip(salt) {
        *byte ^= salt;
    }
    let context = EncryptionContext::Iv128(FixedLength::from(counter));
    key.less_safe_encrypt(body, context).map(drop).map_err(|_| SrtpError::TooShort)
}
