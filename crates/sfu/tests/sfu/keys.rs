//! The trial that settles how the keys of a media path reach us: str0m takes its DTLS from a provider, and ours passes
//! everything on to str0m's own and keeps a copy of what the handshake exports.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use confab_protocol::SourceKind;
use confab_rtp::srtp::{Inbound, MasterKey, Outbound, Profile};
use str0m::change::SdpOffer;
use str0m::crypto::dtls::{
    DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, ProtocolVersion, SrtpProfile,
};
use str0m::crypto::{CryptoError, CryptoProvider};
use str0m::format::Codec;
use str0m::net::{DatagramRecv, Protocol, Receive};
use str0m::{Candidate, Input, Output, Rtc, RtcConfig};

use crate::client::{Client, Offered};

const STEP: Duration = Duration::from_millis(1);

/// What a handshake exported.
struct Exported {
    profile: Profile,
    ours: MasterKey,
    theirs: MasterKey,
}

thread_local! {
    /// What the handshake that was driven last on this thread exported; whoever drove it takes it.
    static EXPORTED: RefCell<Option<Exported>> = const { RefCell::new(None) };
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
            let (client, server) = MasterKey::pair(profile, material).expect("the material is long enough");
            let (ours, theirs) = if is_client { (client, server) } else { (server, client) };
            EXPORTED.set(Some(Exported { profile, ours, theirs }));
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

/// The server's side: str0m does ICE and DTLS; RTP and RTCP are kept from it.
struct Server {
    rtc: Rtc,
    address: SocketAddr,
    exported: Option<Exported>,
    /// Datagrams that are neither STUN nor DTLS.
    media: Vec<Vec<u8>>,
    outgoing: Vec<Vec<u8>>,
}

impl Server {
    fn new(now: Instant, address: SocketAddr) -> Self {
        let provider = CryptoProvider { dtls_provider: &KeyTap, ..str0m::crypto::from_feature_flags() };
        let mut rtc = RtcConfig::new()
            .set_crypto_provider(Arc::new(provider))
            .set_rtp_mode(true)
            .set_ice_lite(true)
            .clear_codecs()
            .enable_opus(true, false)
            .build(now);
        rtc.add_local_candidate(Candidate::host(address, "udp").unwrap());
        Self { rtc, address, exported: None, media: vec![], outgoing: vec![] }
    }

    fn handle(&mut self, now: Instant, source: SocketAddr, contents: Vec<u8>) {
        if (128..192).contains(&contents[0]) {
            self.media.push(contents);
            return;
        }
        let parsed = DatagramRecv::try_from(&contents[..]).unwrap();
        let receive = Receive { proto: Protocol::Udp, source, destination: self.address, contents: parsed };
        self.rtc.handle_input(Input::Receive(now, receive)).unwrap();
        self.drain(now);
    }

    fn drain(&mut self, now: Instant) {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(at) if at > now => break,
                Output::Timeout(_) => self.rtc.handle_input(Input::Timeout(now)).unwrap(),
                Output::Transmit(transmit) => self.outgoing.push(transmit.contents.into()),
                Output::Event(_) => {}
            }
        }
        if let Some(exported) = EXPORTED.take() {
            self.exported = Some(exported);
        }
    }
}

/// A stock client and the server, connected.
fn connected() -> (Client, Server, Instant) {
    let mut now = Instant::now();
    let mut client = Client::new(now, "10.0.1.1:7000".parse().unwrap());
    let mut server = Server::new(now, "10.0.0.1:9000".parse().unwrap());
    let (offer, _tracks, pending) =
        client.offer(&Offered { tracks: vec![(SourceKind::Microphone, vec![])], audio_slots: 1, video_slots: 0 });
    let answer = server.rtc.sdp_api().accept_offer(SdpOffer::from_sdp_string(&offer).unwrap()).unwrap();
    client.accept(pending, &answer.to_sdp_string());
    for _ in 0..2_000 {
        now += STEP;
        exchange(&mut client, &mut server, now);
        if client.connected && server.exported.is_some() {
            return (client, server, now);
        }
    }
    panic!("no connection");
}

fn exchange(client: &mut Client, server: &mut Server, now: Instant) {
    client.advance(now);
    for (source, _, contents) in std::mem::take(&mut client.outgoing) {
        server.handle(now, source, contents);
    }
    server.rtc.handle_input(Input::Timeout(now)).unwrap();
    server.drain(now);
    for contents in std::mem::take(&mut server.outgoing) {
        client.handle(now, server.address, &contents);
    }
}

#[test]
fn the_keys_of_a_handshake_reach_us_and_are_the_right_ones_both_ways() {
    let (mut client, mut server, mut now) = connected();
    let exported = server.exported.take().unwrap();
    assert_eq!(exported.profile, Profile::AeadAes256Gcm, "the cheapest profile wins by itself");

    // What the stock client sends, we open.
    let mut inbound = Inbound::new(&exported.theirs);
    let mut heard = vec![];
    let mut reports = 0;
    for _ in 0..300 {
        client.speak(now, -30);
        now += Duration::from_millis(20);
        exchange(&mut client, &mut server, now);
        for mut packet in server.media.drain(..) {
            if (192..=223).contains(&packet[1]) {
                reports += usize::from(inbound.open_rtcp(&mut packet).is_ok());
            } else {
                let opened = inbound.open_rtp(&mut packet).unwrap();
                heard.push(u32::from_be_bytes(packet[opened.payload][..4].try_into().unwrap()));
            }
        }
    }
    assert_eq!(heard, (1..=300).collect::<Vec<_>>());
    assert!(reports > 0, "its reports open too");

    // What we protect, the stock client opens.
    let outbound = Outbound::new(&exported.ours);
    let (ssrc, mid) = (0x1234_5678_u32, client.slots[0]);
    let opus = client.rtc.codec_config().find(|params| params.spec().codec == Codec::Opus).unwrap().pt();
    client.rtc.direct_api().expect_stream_rx(ssrc.into(), None, mid, None);
    for index in 1_000..1_050_u64 {
        let mut packet = vec![0x80, *opus];
        packet.extend_from_slice(&(index as u16).to_be_bytes());
        packet.extend_from_slice(&(index as u32 * 960).to_be_bytes());
        packet.extend_from_slice(&ssrc.to_be_bytes());
        packet.extend_from_slice(&(index as u32).to_be_bytes());
        packet.resize(packet.len() + outbound.profile().rtp_overhead(), 0);
        outbound.protect_rtp(index, &mut packet).unwrap();
        now += Duration::from_millis(20);
        client.handle(now, server.address, &packet);
    }
    let came: Vec<u64> = client.on(&mid).iter().map(|packet| u64::from(packet.counter())).collect();
    assert_eq!(came, (1_000..1_050).collect::<Vec<_>>());
}
