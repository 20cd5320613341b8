//! A client's dealings with the relay, and what an abuser gets of it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use confab_protocol::ParticipantId;
use rtc_stun::attributes::{ATTR_NONCE, ATTR_REALM, ATTR_USERNAME};
use rtc_stun::error_code::ErrorCodeAttribute;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{
    CLASS_INDICATION, CLASS_REQUEST, CLASS_SUCCESS_RESPONSE, Getter, METHOD_ALLOCATE, METHOD_BINDING,
    METHOD_CHANNEL_BIND, METHOD_CREATE_PERMISSION, METHOD_REFRESH, METHOD_SEND, Message, MessageType, Method, Setter,
    TransactionId,
};
use rtc_stun::textattrs::TextAttribute;
use rtc_turn::crypto::default_provider;
use rtc_turn::proto::channum::ChannelNumber;
use rtc_turn::proto::data::Data;
use rtc_turn::proto::lifetime::Lifetime;
use rtc_turn::proto::peeraddr::PeerAddress;
use rtc_turn::proto::relayaddr::RelayedAddress;
use rtc_turn::proto::reqfamily::{REQUESTED_FAMILY_IPV6, RequestedAddressFamily};
use rtc_turn::proto::reqtrans::RequestedTransport;
use rtc_turn::proto::{PROTO_TCP, PROTO_UDP, Protocol};

use super::credentials::{Credential, Credentials};
use super::quota::Quota;
use super::session::{Now, Session, Step};
use super::{MediaAddress, Peers, RelayCounters, Rules, message};

const OUR_MEDIA: &str = "203.0.113.9:50000";
const CLIENT: &str = "198.51.100.7:4000";
const RELAYED: u16 = 61_000;

/// Seconds since 1970 at the beginning of each test.
const BEGINNING: u64 = 1_000_000;

struct World {
    rules: Rules,
    session: Session,
    now: Now,
    credential: Credential,
    nonce: String,
}

type Attributes = Vec<Box<dyn Setter>>;

impl World {
    fn new() -> Self {
        let address =
            |told: &str, bound: &str| MediaAddress { told: told.parse().unwrap(), bound: bound.parse().unwrap() };
        let credentials = Credentials::new(600);
        let credential = credentials.issue(ParticipantId::new(), BEGINNING);
        let client: SocketAddr = CLIENT.parse().unwrap();
        let rules = Rules {
            peers: Peers::new(vec![
                address(OUR_MEDIA, "10.0.0.2:50000"),
                address("[2001:db8::9]:50000", "[2001:db8::9]:50000"),
            ]),
            quota: Quota::new(2, 100),
            counters: RelayCounters::default(),
            credentials,
        };
        let nonce = rules.credentials.nonce(client.ip(), BEGINNING);
        let now = Now { instant: Instant::now(), unix: BEGINNING };
        Self { rules, session: Session::new(client, true), now, credential, nonce }
    }

    fn wait(&mut self, seconds: u64) {
        self.now.instant += Duration::from_secs(seconds);
        self.now.unix += seconds;
    }

    fn signed(&self, method: Method, attributes: Attributes) -> Vec<u8> {
        let (username, password) = (&self.credential.username, &self.credential.password);
        request(method, attributes, Some((username, password, message::REALM, &self.nonce)))
    }

    /// The answer to a request; a socket that is asked for opens.
    fn answer(&mut self, bytes: &[u8]) -> Message {
        let answer = match self.session.take(bytes, self.now, &self.rules) {
            Step::Answer(answer) | Step::AnswerAnybody(answer) | Step::Close(answer) => answer,
            Step::Open(_) => self.session.opened(Some(RELAYED), self.now, &self.rules),
            Step::Ignore | Step::Relay(..) | Step::RelayOwned(..) => panic!("no answer"),
        };
        let mut message = Message { raw: answer, ..Message::default() };
        message.decode().unwrap();
        message
    }

    /// 0 for success, else the error's code.
    fn outcome(&mut self, method: Method, attributes: Attributes) -> u16 {
        let bytes = self.signed(method, attributes);
        code(&self.answer(&bytes))
    }

    fn allocate(&mut self) {
        assert_eq!(self.outcome(METHOD_ALLOCATE, vec![transport(PROTO_UDP)]), 0);
    }

    fn relays_to(&mut self, bytes: &[u8]) -> Option<(SocketAddr, Vec<u8>)> {
        match self.session.take(bytes, self.now, &self.rules) {
            Step::Relay(to, data) => Some((to, data.to_vec())),
            Step::RelayOwned(to, data) => Some((to, data)),
            Step::Ignore => None,
            _ => panic!("an answer to data"),
        }
    }

    fn wraps(&mut self, from: &str, data: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let passed = self.session.wrap(from.parse().unwrap(), data, self.now, &self.rules, &mut out);
        passed.then_some(out)
    }
}

fn transport(protocol: Protocol) -> Box<dyn Setter> {
    Box::new(RequestedTransport { protocol })
}

fn peer(text: &str) -> Box<dyn Setter> {
    let address: SocketAddr = text.parse().unwrap();
    Box::new(PeerAddress { ip: address.ip(), port: address.port() })
}

fn channel(number: u16) -> Box<dyn Setter> {
    Box::new(ChannelNumber(number))
}

/// Username, password, realm and nonce.
type Signature<'a> = (&'a str, &'a str, &'a str, &'a str);

fn request(method: Method, attributes: Attributes, signature: Option<Signature<'_>>) -> Vec<u8> {
    let mut message = Message::new();
    message.typ = MessageType::new(method, CLASS_REQUEST);
    message.transaction_id = TransactionId::new();
    message.write_header();
    for attribute in attributes {
        attribute.add_to(&mut message).unwrap();
    }
    if let Some((username, password, realm, nonce)) = signature {
        for (kind, text) in [(ATTR_USERNAME, username), (ATTR_REALM, realm), (ATTR_NONCE, nonce)] {
            message.add(kind, text.as_bytes());
        }
        let key = message::key(username, password);
        let crypto = default_provider().unwrap();
        MessageIntegrity::new_raw_integrity_with_provider(key, crypto.crypto()).add_to(&mut message).unwrap();
    }
    message.raw
}

fn send(to: &str, data: &[u8]) -> Vec<u8> {
    let mut message = Message::new();
    message.typ = MessageType::new(METHOD_SEND, CLASS_INDICATION);
    message.transaction_id = TransactionId::new();
    message.write_header();
    peer(to).add_to(&mut message).unwrap();
    Data(data.to_vec()).add_to(&mut message).unwrap();
    message.raw
}

fn code(answer: &Message) -> u16 {
    if answer.typ.class == CLASS_SUCCESS_RESPONSE {
        return 0;
    }
    let mut code = ErrorCodeAttribute::default();
    code.get_from(answer).unwrap();
    code.code.0
}

#[test]
fn a_client_asks_without_credentials_then_with_them_and_is_given_an_address() {
    let mut world = World::new();
    let refused = world.answer(&request(METHOD_ALLOCATE, vec![transport(PROTO_UDP)], None));
    assert_eq!(code(&refused), 401);
    assert_eq!(TextAttribute::get_from_as(&refused, ATTR_REALM).unwrap().text, message::REALM);
    world.nonce = TextAttribute::get_from_as(&refused, ATTR_NONCE).unwrap().text;
    let bytes = world.signed(METHOD_ALLOCATE, vec![transport(PROTO_UDP)]);
    let given = world.answer(&bytes);
    assert_eq!(code(&given), 0);
    let (mut relayed, mut lifetime) = (RelayedAddress::default(), Lifetime::default());
    relayed.get_from(&given).unwrap();
    lifetime.get_from(&given).unwrap();
    assert_eq!((relayed.ip.to_string().as_str(), relayed.port), ("203.0.113.9", RELAYED));
    assert_eq!(lifetime.0, Duration::from_secs(600));
    let again = world.answer(&bytes);
    assert_eq!(again.raw, given.raw, "a request that comes twice is answered twice");
    assert_eq!(world.outcome(METHOD_ALLOCATE, vec![transport(PROTO_UDP)]), 437, "one address is enough");
}

#[test]
fn data_goes_to_our_media_and_comes_from_there_by_indications_and_by_channels() {
    let mut world = World::new();
    world.allocate();
    assert_eq!(world.relays_to(&send(OUR_MEDIA, b"early")), None, "no permission yet");
    assert_eq!(world.wraps("10.0.0.2:50000", b"early"), None);
    assert_eq!(world.outcome(METHOD_CREATE_PERMISSION, vec![peer(OUR_MEDIA)]), 0);
    let media: SocketAddr = "10.0.0.2:50000".parse().unwrap();
    assert_eq!(world.relays_to(&send(OUR_MEDIA, b"up")), Some((media, b"up".to_vec())));
    let mut came = Message { raw: world.wraps("10.0.0.2:50000", b"down").unwrap(), ..Message::default() };
    came.decode().unwrap();
    let (mut from, mut data) = (PeerAddress::default(), Data::default());
    from.get_from(&came).unwrap();
    data.get_from(&came).unwrap();
    assert_eq!((from.to_string().as_str(), data.0.as_slice()), (OUR_MEDIA, &b"down"[..]));
    assert_eq!(world.outcome(METHOD_CHANNEL_BIND, vec![channel(0x4001), peer(OUR_MEDIA)]), 0);
    let framed = [&[0x40, 1, 0, 2][..], b"up"].concat();
    assert_eq!(world.relays_to(&framed), Some((media, b"up".to_vec())));
    assert_eq!(world.wraps("10.0.0.2:50000", b"abc").unwrap(), [0x40, 1, 0, 3, b'a', b'b', b'c', 0]);
    for foreign in ["10.0.0.3:50000", "10.0.0.2:50001", "198.51.100.9:50000"] {
        assert_eq!(world.wraps(foreign, b"x"), None, "{foreign}");
    }
}

/// H6: every form of an address that is not our media's.
#[test]
fn no_peer_but_our_own_media_sockets_is_ever_reached() {
    let forms = [
        "127.0.0.1:8003",
        "127.0.0.1:50000",
        "127.8.9.1:80",
        "[::1]:8003",
        "[::ffff:127.0.0.1]:80",
        "[::ffff:203.0.113.9]:50000",
        "[::127.0.0.1]:80",
        "0.0.0.0:80",
        "0.1.2.3:80",
        "[::]:80",
        "10.0.0.2:50000",
        "10.1.2.3:80",
        "172.16.0.1:80",
        "172.31.255.254:80",
        "192.168.1.1:80",
        "100.64.0.1:80",
        "169.254.169.254:80",
        "[::ffff:169.254.169.254]:80",
        "[fe80::1]:80",
        "[fc00::1]:80",
        "[fd12:3456::1]:80",
        "[fec0::1]:80",
        "224.0.0.1:80",
        "239.255.255.250:1900",
        "255.255.255.255:80",
        "[ff02::1]:80",
        "[64:ff9b::7f00:1]:80",
        "[64:ff9b::a9fe:a9fe]:80",
        "[64:ff9b:1::a00:1]:80",
        "[2002:7f00:1::]:80",
        "[2001::7f00:1]:80",
        "192.0.0.8:80",
        "198.18.0.1:80",
        "240.0.0.1:80",
        "8.8.8.8:53",
        "203.0.113.9:22",
        "203.0.113.9:8003",
        "203.0.113.10:50000",
        "[2001:db8::9]:22",
        "[2001:db8::a]:50000",
    ];
    for family in [None, Some(REQUESTED_FAMILY_IPV6)] {
        let mut world = World::new();
        let mut attributes = vec![transport(PROTO_UDP)];
        attributes.extend(family.map(|family: RequestedAddressFamily| Box::new(family) as Box<dyn Setter>));
        assert_eq!(world.outcome(METHOD_ALLOCATE, attributes), 0);
        let ours = if world.outcome(METHOD_CREATE_PERMISSION, vec![peer(OUR_MEDIA)]) == 0 {
            OUR_MEDIA
        } else {
            "[2001:db8::9]:50000"
        };
        assert_eq!(world.outcome(METHOD_CREATE_PERMISSION, vec![peer(ours)]), 0, "our own is reached");
        for form in forms {
            assert_eq!(world.outcome(METHOD_CREATE_PERMISSION, vec![peer(form)]), 403, "permission for {form}");
            assert_eq!(world.outcome(METHOD_CREATE_PERMISSION, vec![peer(ours), peer(form)]), 403, "{form} hidden");
            assert_eq!(
                world.outcome(METHOD_CHANNEL_BIND, vec![channel(0x4001), peer(form)]),
                403,
                "channel for {form}"
            );
            assert_eq!(world.relays_to(&send(form, b"x")), None, "data for {form}");
            assert_eq!(world.relays_to(&[0x40, 1, 0, 1, b'x']), None, "a channel to {form}");
        }
        assert_eq!(world.rules.counters.forbidden_peers.get(), 3 * forms.len() as u64);
    }
}

#[test]
fn a_channel_and_its_peer_are_bound_to_each_other_alone() {
    let mut world = World::new();
    world.allocate();
    let bind = |world: &mut World, number| world.outcome(METHOD_CHANNEL_BIND, vec![channel(number), peer(OUR_MEDIA)]);
    for outside in [0, 0x3FFF, 0x5000, 0x7FFF, 0xFFFF] {
        assert_eq!(bind(&mut world, outside), 400, "{outside:x}");
    }
    assert_eq!(bind(&mut world, 0x4001), 0);
    assert_eq!(bind(&mut world, 0x4001), 0, "binding again refreshes");
    assert_eq!(bind(&mut world, 0x4002), 400, "the peer has a channel");
    assert_eq!(world.outcome(METHOD_CHANNEL_BIND, vec![channel(0x4003)]), 400, "no peer");
    assert_eq!(world.outcome(METHOD_CREATE_PERMISSION, vec![]), 400, "no peer");
    let six = vec![peer("[2001:db8::9]:50000")];
    assert_eq!(world.outcome(METHOD_CREATE_PERMISSION, six), 443, "an IPv4 address reaches no IPv6 peer");
}

#[test]
fn permissions_channels_and_addresses_end_unless_refreshed() {
    let mut world = World::new();
    world.allocate();
    assert_eq!(world.outcome(METHOD_CREATE_PERMISSION, vec![peer(OUR_MEDIA)]), 0);
    world.wait(299);
    assert!(world.relays_to(&send(OUR_MEDIA, b"x")).is_some());
    world.wait(2);
    assert!(world.relays_to(&send(OUR_MEDIA, b"x")).is_none(), "the permission has ended");
    assert_eq!(world.outcome(METHOD_CHANNEL_BIND, vec![channel(0x4001), peer(OUR_MEDIA)]), 0);
    assert_eq!(world.outcome(METHOD_REFRESH, vec![Box::new(Lifetime(Duration::from_secs(100_000)))]), 0);
    let until = world.session.expires().unwrap() - world.now.instant;
    assert_eq!(until, Duration::from_secs(3_600), "no more than an hour is granted");
    world.wait(601);
    assert!(world.relays_to(&[0x40, 1, 0, 1, b'x']).is_none(), "the channel has ended");
    world.wait(3_000);
    assert_eq!(world.outcome(METHOD_REFRESH, vec![]), 438, "and so has the nonce");
    world.nonce = world.rules.credentials.nonce(CLIENT.parse::<SocketAddr>().unwrap().ip(), world.now.unix);
    assert_eq!(world.outcome(METHOD_REFRESH, vec![]), 401, "and with the address what its credentials were good for");
}

#[test]
fn a_call_goes_on_when_its_credentials_end_but_none_begins() {
    let mut world = World::new();
    world.allocate();
    world.wait(599);
    assert_eq!(world.outcome(METHOD_REFRESH, vec![]), 0);
    world.wait(301);
    assert_eq!(world.outcome(METHOD_REFRESH, vec![]), 0, "the credentials have ended, the call has not");
    let mut other = Session::new(CLIENT.parse().unwrap(), true);
    std::mem::swap(&mut world.session, &mut other);
    assert_eq!(world.outcome(METHOD_ALLOCATE, vec![transport(PROTO_UDP)]), 401, "nothing begins with them");
}

#[test]
fn foreign_forged_and_stale_credentials_are_refused() {
    let mut world = World::new();
    let (username, password, nonce) =
        (world.credential.username.clone(), world.credential.password.clone(), world.nonce.clone());
    let foreign = Credentials::new(600).issue(ParticipantId::new(), BEGINNING);
    let later = format!("9{username}");
    let attempts: [(Signature<'_>, u16); 7] = [
        ((&foreign.username, &foreign.password, "confab", &nonce), 401),
        ((&username, "guess", "confab", &nonce), 401),
        ((&later, &password, "confab", &nonce), 401),
        ((&username, &password, "elsewhere", &nonce), 401),
        (("", "", "confab", &nonce), 401),
        ((&username, &password, "confab", "a nonce"), 438),
        ((&username, &password, "confab", ""), 438),
    ];
    for (signature, expected) in attempts {
        let bytes = request(METHOD_ALLOCATE, vec![transport(PROTO_UDP)], Some(signature));
        assert_eq!(code(&world.answer(&bytes)), expected, "{signature:?}");
    }
    assert_eq!(world.rules.quota.held(), 0);
    world.wait(600);
    assert_eq!(world.outcome(METHOD_ALLOCATE, vec![transport(PROTO_UDP)]), 401, "credentials end");
}

#[test]
fn somebody_elses_credentials_do_not_reach_an_address() {
    let mut world = World::new();
    world.allocate();
    world.credential = world.rules.credentials.issue(ParticipantId::new(), BEGINNING);
    assert_eq!(world.outcome(METHOD_CREATE_PERMISSION, vec![peer(OUR_MEDIA)]), 441);
    assert_eq!(world.outcome(METHOD_REFRESH, vec![Box::new(Lifetime(Duration::ZERO))]), 441);
}

#[test]
fn a_person_has_so_many_addresses_and_gets_them_back() {
    let mut world = World::new();
    let mut sessions = Vec::new();
    for place in 0..3_u16 {
        let client = SocketAddr::new("198.51.100.7".parse().unwrap(), 5_000 + place);
        let before = std::mem::replace(&mut world.session, Session::new(client, true));
        sessions.push(before);
        let expected = if place < 2 { 0 } else { 486 };
        assert_eq!(world.outcome(METHOD_ALLOCATE, vec![transport(PROTO_UDP)]), expected, "address {place}");
    }
    let mut holder = sessions.pop().unwrap();
    std::mem::swap(&mut world.session, &mut holder);
    assert_eq!(world.outcome(METHOD_REFRESH, vec![Box::new(Lifetime(Duration::ZERO))]), 0, "one is given back");
    std::mem::swap(&mut world.session, &mut holder);
    world.allocate();
}

#[test]
fn what_is_not_relayed_is_said() {
    let mut world = World::new();
    assert_eq!(world.outcome(METHOD_ALLOCATE, vec![transport(PROTO_TCP)]), 442);
    assert_eq!(world.outcome(METHOD_ALLOCATE, vec![]), 400);
    let even_port = rtc_turn::proto::evenport::EvenPort::default();
    assert_eq!(world.outcome(METHOD_ALLOCATE, vec![transport(PROTO_UDP), Box::new(even_port)]), 420);
    assert_eq!(world.outcome(METHOD_REFRESH, vec![]), 437, "there is nothing to refresh");
    let seen = world.answer(&request(METHOD_BINDING, vec![], None));
    assert_eq!(code(&seen), 0, "anybody may ask how they are seen");
}

#[test]
fn a_socket_that_cannot_be_opened_is_an_answer() {
    let mut world = World::new();
    let bytes = world.signed(METHOD_ALLOCATE, vec![transport(PROTO_UDP)]);
    assert!(matches!(world.session.take(&bytes, world.now, &world.rules), Step::Open(_)));
    let mut refused = Message { raw: world.session.opened(None, world.now, &world.rules), ..Message::default() };
    refused.decode().unwrap();
    assert_eq!(code(&refused), 508);
    assert_eq!(world.rules.quota.held(), 0);
}

#[test]
fn noise_is_dropped() {
    let mut world = World::new();
    world.allocate();
    let good = world.signed(METHOD_CREATE_PERMISSION, vec![peer(OUR_MEDIA)]);
    let mut seed = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    for _ in 0..20_000 {
        let mut bytes = good.clone();
        for _ in 0..=random() % 4 {
            let place = (random() % bytes.len() as u64) as usize;
            bytes[place] = random() as u8;
        }
        bytes.truncate((random() % (good.len() as u64 + 1)) as usize);
        let step = world.session.take(&bytes, world.now, &world.rules);
        assert!(!matches!(step, Step::Relay(..) | Step::RelayOwned(..) | Step::Open(_) | Step::Close(_)), "{bytes:?}");
    }
}
