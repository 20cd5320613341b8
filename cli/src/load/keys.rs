//! How the keys of a media path reach us: str0m takes its DTLS from a provider, and this one passes everything on to
//! str0m's own and keeps a copy of what the handshake exports. Whoever drove the handshake takes it.

use std::cell::RefCell;
use std::time::Instant;

use confab_rtp::srtp::{Inbound, MasterKey, Outbound, Profile};
use str0m::crypto::dtls::{
    DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, ProtocolVersion, SrtpProfile,
};
use str0m::crypto::{CryptoError, CryptoProvider};

/// Both directions of a media path. No `Debug`: it holds secrets.
pub(super) struct Keys {
    pub(super) outbound: Outbound,
    pub(super) inbound: Inbound,
}

thread_local! {
    static EXPORTED: RefCell<Option<Keys>> = const { RefCell::new(None) };
}

/// str0m's cryptography with a tap on its DTLS.
pub(super) fn tapped() -> CryptoProvider {
    CryptoProvider { dtls_provider: &KeyTap, ..str0m::crypto::from_feature_flags() }
}

/// What the handshake that was driven last on this thread exported, once.
pub(super) fn take() -> Option<Keys> {
    EXPORTED.take()
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
        if let DtlsOutput::KeyingMaterial(material, profile) = &output {
            let profile = match *profile {
                SrtpProfile::AEAD_AES_256_GCM => Profile::AeadAes256Gcm,
                SrtpProfile::AEAD_AES_128_GCM => Profile::AeadAes128Gcm,
                _ => Profile::Aes128CmSha1,
            };
            if let Some((client, server)) = MasterKey::pair(profile, material) {
                let (ours, theirs) = if is_client { (client, server) } else { (server, client) };
                EXPORTED.set(Some(Keys { outbound: Outbound::new(&ours), inbound: Inbound::new(&theirs) }));
            }
        }
        output
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
