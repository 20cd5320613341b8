//! STUN and TURN messages: what is read from them, and how they are answered. The codec is `rtc-stun`'s; what it leaves
//! open (several peers in one message, attributes behind the signature) is settled here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};

use rtc_stun::attributes::{
    ATTR_CHANNEL_NUMBER, ATTR_DATA, ATTR_LIFETIME, ATTR_MESSAGE_INTEGRITY, ATTR_NONCE, ATTR_REALM,
    ATTR_REQUESTED_ADDRESS_FAMILY, ATTR_REQUESTED_TRANSPORT, ATTR_UNKNOWN_ATTRIBUTES, ATTR_USERNAME,
    ATTR_XOR_PEER_ADDRESS, ATTR_XOR_RELAYED_ADDRESS, ATTR_XORMAPPED_ADDRESS, AttrType,
};
use rtc_stun::error_code::{ErrorCode, ErrorCodeAttribute};
use rtc_stun::fingerprint::FINGERPRINT;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{
    CLASS_ERROR_RESPONSE, CLASS_INDICATION, CLASS_REQUEST, CLASS_SUCCESS_RESPONSE, MAGIC_COOKIE, METHOD_DATA, Message,
    MessageClass, MessageType, Method, Setter, TransactionId,
};
use rtc_stun::xoraddr::XorMappedAddress;
use rtc_turn::crypto::{RTCCryptoProvider, default_provider};

/// What a client is told its names are in; any text would do.
pub(super) const REALM: &str = "confab";

/// Attributes a request may have that this server must understand (RFC 8489, section 14): those below 0x8000.
const UNDERSTOOD: [AttrType; 11] = [
    ATTR_USERNAME,
    ATTR_REALM,
    ATTR_NONCE,
    ATTR_MESSAGE_INTEGRITY,
    ATTR_REQUESTED_TRANSPORT,
    ATTR_REQUESTED_ADDRESS_FAMILY,
    ATTR_LIFETIME,
    ATTR_XOR_PEER_ADDRESS,
    ATTR_CHANNEL_NUMBER,
    ATTR_DATA,
    // USE-CANDIDATE, PRIORITY and the like are of ICE and harmless in a plain binding request.
    AttrType(0x0024),
];

/// The address family of a relayed address (RFC 8656, section 18.8).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Family {
    Four,
    Six,
}

impl Family {
    pub(super) fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::Four } else { Self::Six }
    }
}

/// A request or indication of a client.
pub(super) struct Asked {
    message: Message,
}

impl Asked {
    /// Reads a message; `None` when it is none, or no client sends such.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut message = Message { raw: bytes.to_vec(), ..Message::default() };
        message.decode().ok()?;
        let of_a_client = message.typ.class == CLASS_REQUEST || message.typ.class == CLASS_INDICATION;
        of_a_client.then_some(Self { message })
    }

    pub(super) fn method(&self) -> Method {
        self.message.typ.method
    }

    pub(super) fn is_request(&self) -> bool {
        self.message.typ.class == CLASS_REQUEST
    }

    pub(super) fn transaction(&self) -> TransactionId {
        self.message.transaction_id
    }

    pub(super) fn text(&self, kind: AttrType) -> Option<&str> {
        std::str::from_utf8(self.value(kind)?).ok()
    }

    pub(super) fn is_signed(&self) -> bool {
        self.value(ATTR_MESSAGE_INTEGRITY).is_some_and(|value| value.len() == 20)
    }

    /// Checks the signature. Afterwards only what is signed is left: attributes behind the signature are anybody's.
    pub(super) fn check(&mut self, key: &[u8]) -> bool {
        let signed = self.is_signed()
            && crypto().is_some_and(|crypto| MessageIntegrity::check(&mut self.message, key, crypto.crypto()).is_ok());
        if signed {
            let attributes = &mut self.message.attributes.0;
            if let Some(end) = attributes.iter().position(|attribute| attribute.typ == ATTR_MESSAGE_INTEGRITY) {
                attributes.truncate(end + 1);
            }
        }
        signed
    }

    /// Attributes that a server has to understand, and this one does not.
    pub(super) fn not_understood(&self) -> Vec<AttrType> {
        let kinds = self.message.attributes.0.iter().map(|attribute| attribute.typ);
        kinds.filter(|kind| kind.required() && !UNDERSTOOD.contains(kind)).collect()
    }

    /// The lifetime asked for, seconds.
    pub(super) fn lifetime(&self) -> Option<u32> {
        Some(u32::from_be_bytes(self.value(ATTR_LIFETIME)?.try_into().ok()?))
    }

    /// The number of an IP protocol.
    pub(super) fn requested_transport(&self) -> Option<u8> {
        self.value(ATTR_REQUESTED_TRANSPORT)?.first().copied()
    }

    /// The family asked for, IPv4 when none is; an error when it is no family.
    pub(super) fn requested_family(&self) -> Result<Family, ()> {
        match self.value(ATTR_REQUESTED_ADDRESS_FAMILY).map(<[u8]>::first) {
            None | Some(Some(1)) => Ok(Family::Four),
            Some(Some(2)) => Ok(Family::Six),
            Some(_) => Err(()),
        }
    }

    pub(super) fn channel(&self) -> Option<u16> {
        let value = self.value(ATTR_CHANNEL_NUMBER)?;
        Some(u16::from_be_bytes([*value.first()?, *value.get(1)?]))
    }

    pub(super) fn data(&self) -> Option<&[u8]> {
        self.value(ATTR_DATA)
    }

    /// All peers named, in order; `None` when one of them is no address.
    pub(super) fn peers(&self) -> Option<Vec<SocketAddr>> {
        let named = self.message.attributes.0.iter().filter(|attribute| attribute.typ == ATTR_XOR_PEER_ADDRESS);
        named.map(|attribute| address(&attribute.value, &self.message.transaction_id)).collect()
    }

    fn value(&self, kind: AttrType) -> Option<&[u8]> {
        let mut attributes = self.message.attributes.0.iter();
        attributes.find(|attribute| attribute.typ == kind).map(|attribute| attribute.value.as_slice())
    }

    /// An answer that says yes.
    pub(super) fn success(&self) -> Answer {
        self.answer(CLASS_SUCCESS_RESPONSE)
    }

    /// An answer that says no.
    pub(super) fn refusal(&self, code: ErrorCode, reason: &str) -> Answer {
        let answer = self.answer(CLASS_ERROR_RESPONSE);
        answer.with(&ErrorCodeAttribute { code, reason: reason.as_bytes().to_vec() })
    }

    fn answer(&self, class: MessageClass) -> Answer {
        Answer::new(self.message.typ.method, class, self.message.transaction_id)
    }
}

/// Decodes an address that was combined with the cookie (RFC 8489, section 14.2).
fn address(value: &[u8], transaction: &TransactionId) -> Option<SocketAddr> {
    let cookie = MAGIC_COOKIE.to_be_bytes();
    let [_, family, high, low, rest @ ..] = value else { return None };
    let port = u16::from_be_bytes([high ^ cookie[0], low ^ cookie[1]]);
    let ip = match family {
        1 => {
            let four: [u8; 4] = rest.try_into().ok()?;
            IpAddr::V4(Ipv4Addr::from(u32::from_be_bytes(four) ^ MAGIC_COOKIE))
        }
        2 => {
            let mut six: [u8; 16] = rest.try_into().ok()?;
            six.iter_mut().zip(cookie.iter().chain(&transaction.0)).for_each(|(byte, mask)| *byte ^= mask);
            IpAddr::V6(Ipv6Addr::from(six))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// An answer under construction.
pub(super) struct Answer {
    message: Message,
}

impl Answer {
    fn new(method: Method, class: MessageClass, transaction: TransactionId) -> Self {
        let mut message = Message::new();
        message.transaction_id = transaction;
        message.typ = MessageType::new(method, class);
        message.write_header();
        Self { message }
    }

    fn with(mut self, attribute: &impl Setter) -> Self {
        // Ours are never too long, which is all that can be wrong with them.
        let _ = attribute.add_to(&mut self.message);
        self
    }

    pub(super) fn text(mut self, kind: AttrType, text: &str) -> Self {
        self.message.add(kind, text.as_bytes());
        self
    }

    pub(super) fn lifetime(mut self, seconds: u32) -> Self {
        self.message.add(ATTR_LIFETIME, &seconds.to_be_bytes());
        self
    }

    /// How the client is seen from here.
    pub(super) fn mapped(self, client: SocketAddr) -> Self {
        self.address(ATTR_XORMAPPED_ADDRESS, client)
    }

    pub(super) fn relayed(self, address: SocketAddr) -> Self {
        self.address(ATTR_XOR_RELAYED_ADDRESS, address)
    }

    pub(super) fn unknown(mut self, kinds: &[AttrType]) -> Self {
        let value: Vec<u8> = kinds.iter().flat_map(|kind| kind.value().to_be_bytes()).collect();
        self.message.add(ATTR_UNKNOWN_ATTRIBUTES, &value);
        self
    }

    fn address(mut self, kind: AttrType, address: SocketAddr) -> Self {
        let combined = XorMappedAddress { ip: address.ip().to_canonical(), port: address.port() };
        let _ = combined.add_to_as(&mut self.message, kind);
        self
    }

    /// The finished message, signed.
    pub(super) fn signed(self, key: &[u8]) -> Vec<u8> {
        match crypto() {
            Some(crypto) => {
                self.with(&MessageIntegrity::new_raw_integrity_with_provider(key, crypto.crypto())).unsigned()
            }
            None => self.unsigned(),
        }
    }

    /// The finished message.
    pub(super) fn unsigned(self) -> Vec<u8> {
        self.with(&FINGERPRINT).message.raw
    }
}

/// What came from a peer, for a client that has no channel for it.
pub(super) fn data_indication(peer: SocketAddr, data: &[u8]) -> Vec<u8> {
    let indication = Answer::new(METHOD_DATA, CLASS_INDICATION, TransactionId::new());
    let mut indication = indication.address(ATTR_XOR_PEER_ADDRESS, peer);
    indication.message.add(ATTR_DATA, data);
    indication.message.raw
}

/// The key of long-term credentials (RFC 8489, section 9.2.2); empty, and so fitting nothing, without a crypto library.
pub(super) fn key(username: &str, password: &str) -> Vec<u8> {
    let key = crypto().and_then(|crypto| {
        let (username, realm, password) = (username.to_owned(), REALM.to_owned(), password.to_owned());
        MessageIntegrity::long_term_integrity_key(username, realm, password, crypto.crypto()).ok()
    });
    key.unwrap_or_default()
}

fn crypto() -> Option<&'static Arc<dyn RTCCryptoProvider>> {
    static CRYPTO: OnceLock<Option<Arc<dyn RTCCryptoProvider>>> = OnceLock::new();
    CRYPTO.get_or_init(|| default_provider().ok()).as_ref()
}

#[cfg(test)]
mod tests {
    use rtc_stun::message::{METHOD_ALLOCATE, METHOD_CREATE_PERMISSION};

    use super::*;

    #[test]
    fn addresses_survive_being_combined_with_the_cookie() {
        for text in ["192.0.2.7:50000", "[2001:db8::7]:9", "[::ffff:127.0.0.1]:1"] {
            let peer: SocketAddr = text.parse().unwrap();
            let mut message = Message::new();
            message.typ = MessageType::new(METHOD_DATA, CLASS_INDICATION);
            message.transaction_id = TransactionId([7; 12]);
            message.write_header();
            let combined = XorMappedAddress { ip: peer.ip(), port: peer.port() };
            combined.add_to_as(&mut message, ATTR_XOR_PEER_ADDRESS).unwrap();
            assert_eq!(Asked::read(&message.raw).unwrap().peers(), Some(vec![peer]), "{text}");
        }
    }

    #[test]
    fn what_stands_behind_the_signature_is_not_believed() {
        let key = key("user", "password");
        let mut message = Message::new();
        message.typ = MessageType::new(METHOD_CREATE_PERMISSION, CLASS_REQUEST);
        message.transaction_id = TransactionId([7; 12]);
        message.write_header();
        let crypto = crypto().unwrap().crypto();
        MessageIntegrity::new_raw_integrity_with_provider(key.clone(), crypto).add_to(&mut message).unwrap();
        let peer = XorMappedAddress { ip: "192.0.2.7".parse().unwrap(), port: 9 };
        peer.add_to_as(&mut message, ATTR_XOR_PEER_ADDRESS).unwrap();
        let mut asked = Asked::read(&message.raw).unwrap();
        assert_eq!(asked.peers().unwrap().len(), 1);
        assert!(asked.check(&key));
        assert_eq!(asked.peers().unwrap().len(), 0);
        assert!(!Asked::read(&message.raw).unwrap().check(b"another key"));
    }

    #[test]
    fn broken_messages_are_none() {
        let good = Answer::new(METHOD_ALLOCATE, CLASS_REQUEST, TransactionId([7; 12])).lifetime(600).unsigned();
        assert!(Asked::read(&good).is_some());
        for length in 0..good.len() {
            assert!(Asked::read(&good[..length]).is_none(), "{length} bytes");
        }
        let answer = Answer::new(METHOD_ALLOCATE, CLASS_SUCCESS_RESPONSE, TransactionId([7; 12])).unsigned();
        assert!(Asked::read(&answer).is_none(), "clients do not answer");
    }
}
