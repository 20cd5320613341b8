//! How the keys of a media path reach us: str0m takes its DTLS from a provider, and this one passes everything on to
//! str0m's own, keeps what the handshake exports and does not hand it on. So str0m never sends or opens a packet with
//! them: one key must not count its packets in two places.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Instant;

use confab_rtp::srtp::{Inbound, MasterKey, Outbound, Profile};
use str0m::crypto::dtls::{
    DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, ProtocolVersion, SrtpProfile,
};
use str0m::crypto::{CryptoError, CryptoProvider};

/// What protects a member's media, both ways. No `Debug`: it is a secret.
pub struct MediaKeys {
    /// Opens what the member sends.
    pub inbound: Inbound,
    /// Protects what is sent to the member.
    pub outbound: Outbound,
}

thread_local! {
    /// What the handshake that was driven last on this thread exported; whoever drove it takes it.
    static EXPORTED: RefCell<Option<MediaKeys>> = const { RefCell::new(None) };
}

/// The keys that the handshake driven just now on this thread exported.
pub fn take_exported() -> Option<MediaKeys> {
    EXPORTED.take()
}

/// str0m's cryptography with the tap in its DTLS.
pub fn crypto_provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider { dtls_provider: &KeyTap, ..str0m::crypto::from_feature_flags() })
}

#[derive(Debug)]
struct KeyTap;

impl DtlsProvider for KeyTap {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        str0m::crypto::from_feature_flags().dtls_provider.generate_certificate()
    }

    fn new_dtls(
        &self,
        certificate: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let dtls = str0m::crypto::from_feature_flags().dtls_provider.new_dtls(certificate, now, version, mtu)?;
        Ok(Box::new(Tapped(dtls)))
    }
}

#[derive(Debug)]
struct Tapped(Box<dyn DtlsInstance>);

impl DtlsInstance for Tapped {
    fn set_active(&mut self, active: bool) {
        self.0.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.0.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buffer: &'a mut [u8]) -> DtlsOutput<'a> {
        let is_client = self.0.is_active();
        let output = self.0.poll_output(buffer);
        let DtlsOutput::KeyingMaterial(material, profile) = &output else { return output };
        let profile = match *profile {
            SrtpProfile::AEAD_AES_256_GCM => Profile::AeadAes256Gcm,
            SrtpProfile::AEAD_AES_128_GCM => Profile::AeadAes128Gcm,
            _ => Profile::Aes128CmSha1,
        };
        if let Some((client, server)) = MasterKey::pair(profile, material) {
            let (ours, theirs) = if is_client { (client, server) } else { (server, client) };
            EXPORTED.set(Some(MediaKeys { inbound: Inbound::new(&theirs), outbound: Outbound::new(&ours) }));
        }
        // Keys follow a finished handshake, which may be said twice.
        DtlsOutput::Connected
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.0.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.0.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.0.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.0.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.0.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.0.close()
    }
}
