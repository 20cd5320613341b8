use super::derivation::{Label, derive};
use super::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

const PROFILES: [Profile; 3] = [Profile::AeadAes256Gcm, Profile::AeadAes128Gcm, Profile::Aes128CmSha1];

const SSRC: u32 = 0x5501_a0b2;

/// The two ends of one direction.
fn ends(profile: Profile) -> (Outbound, Inbound) {
    let key: Vec<u8> = (0..profile.key_bytes() as u8).collect();
    let salt: Vec<u8> = (100..100 + profile.salt_bytes() as u8).collect();
    let master = MasterKey::new(profile, &key, &salt).unwrap();
    (Outbound::new(&master), Inbound::new(&master))
}

/// A packet with a CSRC and a header extension.
fn rtp(index: u64, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x91, 0x60];
    packet.extend_from_slice(&(index as u16).to_be_bytes());
    packet.extend_from_slice(&[0, 0, 0, 9]);
    packet.extend_from_slice(&SSRC.to_be_bytes());
    packet.extend_from_slice(&[1, 2, 3, 4]);
    packet.extend_from_slice(&[0xbe, 0xde, 0, 1, 0x10, 0xaa, 0, 0]);
    packet.extend_from_slice(payload);
    packet
}

fn protected(outbound: &Outbound, index: u64, payload: &[u8]) -> Vec<u8> {
    let mut packet = rtp(index, payload);
    packet.resize(packet.len() + outbound.profile().rtp_overhead(), 0);
    outbound.protect_rtp(index, &mut packet).unwrap();
    packet
}

fn report() -> Vec<u8> {
    let mut packet = vec![0x80, 200, 0, 6];
    packet.extend_from_slice(&SSRC.to_be_bytes());
    packet.extend_from_slice(&[7; 20]);
    packet
}

#[test]
fn keys_are_derived_as_in_the_example_of_rfc_3711() {
    let master = MasterKey::new(
        Profile::Aes128CmSha1,
        &hex("E1F97A0D3E018BE0D64FA32C06DE4139"),
        &hex("0EC675AD498AFEEBB6960B3AABE6"),
    )
    .unwrap();
    assert_eq!(derive::<16>(&master, Label::RtpKey).to_vec(), hex("C61E7A93744F39EE10734AFE3FF7A087"));
    assert_eq!(derive::<14>(&master, Label::RtpSalt).to_vec(), hex("30CBBC08863D8C85D49DB34A9AE1"));
    let authentication = hex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4");
    assert_eq!(derive::<20>(&master, Label::RtpAuthentication).to_vec(), authentication);
}

#[test]
fn aes_gcm_gives_the_packets_of_rfc_7714() {
    use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, LessSafeKey, UnboundKey};

    // The examples begin with session keys, so the cipher is made of them.
    let plain = "47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070 61727465 73207472 6573";
    let header = "8040f17b 8041f8d3 5501a0b2";
    let salt = hex("51756964 2070726f 2071756f").try_into().unwrap();
    let examples = [
        (
            &AES_128_GCM,
            16,
            "f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b 36de3adf 8833",
            "899d7f27 beb16a91 52cf765e e4390cce",
        ),
        (
            &AES_256_GCM,
            32,
            "32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02 76ffae0f 1ba63799 b87b",
            "7aa3db36 dfffd6b0 f9bb7878 d7a76c13",
        ),
    ];
    for (algorithm, bytes, sealed, tag) in examples {
        let key: Vec<u8> = (0..bytes).collect();
        let key = LessSafeKey::new(UnboundKey::new(algorithm, &key).unwrap());
        let cipher = cipher::Cipher::Aead { key, salt };
        let mut packet = [hex(header), hex(plain)].concat();
        let mut made = [0; 16];
        cipher.seal(SSRC, 0xf17b, &mut packet, 12, &[], &mut made).unwrap();
        assert_eq!(packet[12..], hex(sealed));
        assert_eq!(made.to_vec(), hex(tag));
    }
}

#[test]
fn what_one_end_protects_the_other_opens_past_the_wrap_of_the_sequence_number() {
    for profile in PROFILES {
        let (outbound, mut inbound) = ends(profile);
        for index in 65_000..66_500_u64 {
            let payload: Vec<u8> = (0..index % 300).map(|byte| byte as u8).collect();
            let mut packet = protected(&outbound, index, &payload);
            let opened = inbound.open_rtp(&mut packet).unwrap();
            assert_eq!(opened.index, index, "{profile:?}");
            assert_eq!(packet[opened.payload.clone()], payload);
            assert_eq!(packet[..opened.payload.start], rtp(index, &[]));
        }
    }
}

#[test]
fn a_payload_does_not_go_in_clear() {
    for profile in PROFILES {
        let (outbound, _) = ends(profile);
        let packet = protected(&outbound, 1, &[0x55; 64]);
        assert!(!packet.windows(8).any(|eight| eight == [0x55; 8]), "{profile:?}");
    }
}

#[test]
fn packets_open_in_any_order_and_each_once() {
    for profile in PROFILES {
        let (outbound, mut inbound) = ends(profile);
        for index in [10, 12, 11, 30_000, 60_000, 65_546, 65_530] {
            let packet = protected(&outbound, index, b"sound");
            assert_eq!(inbound.open_rtp(&mut packet.clone()).map(|opened| opened.index), Ok(index), "{profile:?}");
            assert_eq!(inbound.open_rtp(&mut packet.clone()), Err(SrtpError::Replayed));
        }
    }
}

#[test]
fn any_changed_bit_is_noticed_and_the_true_packet_still_opens() {
    for profile in PROFILES {
        let (outbound, mut inbound) = ends(profile);
        let packet = protected(&outbound, 7, b"picture");
        for bit in 0..packet.len() * 8 {
            let mut changed = packet.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let opened = inbound.open_rtp(&mut changed);
            assert!(
                matches!(opened, Err(SrtpError::NotAuthentic | SrtpError::TooShort)),
                "{profile:?} {bit}: {opened:?}"
            );
        }
        assert!(inbound.open_rtp(&mut packet.clone()).is_ok());
    }
}

#[test]
fn reports_go_there_unread_and_each_once() {
    for profile in PROFILES {
        let (mut outbound, mut inbound) = ends(profile);
        for _ in 0..3 {
            let mut packet = report();
            outbound.protect_rtcp(&mut packet).unwrap();
            assert_eq!(packet.len(), report().len() + profile.rtcp_overhead());
            let sent = packet.clone();
            for bit in 0..sent.len() * 8 {
                let mut changed = sent.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert!(inbound.open_rtcp(&mut changed).is_err(), "{profile:?} {bit}");
            }
            let length = inbound.open_rtcp(&mut packet).unwrap();
            assert_eq!(packet[..length], report());
            assert_eq!(inbound.open_rtcp(&mut sent.clone()), Err(SrtpError::Replayed));
        }
    }
}

#[test]
fn what_is_no_packet_is_refused() {
    for profile in PROFILES {
        let (mut outbound, mut inbound) = ends(profile);
        for length in 0..40 {
            for first in [0x80, 0x8f, 0x90, 0x9f] {
                let mut packet = vec![0xff; length];
                if let Some(byte) = packet.first_mut() {
                    *byte = first;
                }
                assert!(inbound.open_rtp(&mut packet.clone()).is_err());
                assert!(inbound.open_rtcp(&mut packet.clone()).is_err());
                if length < 12 + profile.rtp_overhead() {
                    assert_eq!(outbound.protect_rtp(1, &mut packet.clone()), Err(SrtpError::TooShort));
                }
                if length < 8 {
                    assert_eq!(outbound.protect_rtcp(&mut packet), Err(SrtpError::TooShort));
                }
            }
        }
    }
}

#[test]
fn the_material_of_a_handshake_is_divided_as_rfc_5764_says() {
    let profile = Profile::AeadAes128Gcm;
    let material: Vec<u8> = (0..56).collect();
    let (client, server) = MasterKey::pair(profile, &material).unwrap();
    assert_eq!((client.key(), &client.salt[..12]), (&material[..16], &material[32..44]));
    assert_eq!((server.key(), &server.salt[..12]), (&material[16..32], &material[44..]));
    assert!(MasterKey::pair(profile, &material[..55]).is_none());
}
