//! Session keys from a master key (RFC 3711, 4.3; RFC 7714, 11).

use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;

use super::{LONGEST_SALT, MasterKey};

/// What a session key is for; the number goes into its derivation.
#[derive(Clone, Copy)]
pub(super) enum Label {
    RtpKey = 0,
    RtpAuthentication = 1,
    RtpSalt = 2,
    RtcpKey = 3,
    RtcpAuthentication = 4,
    RtcpSalt = 5,
}

/// `N` bytes of the key stream for a label. Keys are derived once, for all packets (a key derivation rate of zero).
pub(super) fn derive<const N: usize>(master: &MasterKey, label: Label) -> [u8; N] {
    let mut counter = [0; 16];
    counter[..LONGEST_SALT].copy_from_slice(&master.salt);
    counter[7] ^= label as u8;
    let mut stream = [0; N];
    key_stream(master.key(), counter, &mut stream);
    stream
}

/// Adds (XOR) the AES-CTR key stream that begins with this counter.
///
/// # Panics
/// On a key that is neither 16 nor 32 bytes long, which the types above rule out.
pub(super) fn key_stream(key: &[u8], counter: [u8; 16], data: &mut [u8]) {
    counter_cipher(key)
        .less_safe_encrypt(data, EncryptionContext::Iv128(FixedLength::from(counter)))
        .expect("AES-CTR takes data of any length");
}

/// An AES-CTR key.
///
/// # Panics
/// As [`key_stream`].
pub(super) fn counter_cipher(key: &[u8]) -> EncryptingKey {
    let algorithm = if key.len() == 32 { &AES_256 } else { &AES_128 };
    UnboundCipherKey::new(algorithm, key).and_then(EncryptingKey::ctr).expect("keys have the lengths of their profile")
}
