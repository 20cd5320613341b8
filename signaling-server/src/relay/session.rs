//! One client's dealings with the relay (RFC 8656), without a socket or a clock: messages and time in, steps out.
//!
//! # Invariants
//!
//! - Nothing is done for a request that is not signed with credentials of this server, but to say that it has to be.
//! - Data goes only to a media socket of this server for which the client holds a permission or a channel, and comes only
//!   from such.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use rtc_stun::attributes::{ATTR_NONCE, ATTR_REALM, ATTR_USERNAME};
use rtc_stun::error_code::{
    CODE_ADDR_FAMILY_NOT_SUPPORTED, CODE_ALLOC_MISMATCH, CODE_ALLOC_QUOTA_REACHED, CODE_BAD_REQUEST, CODE_FORBIDDEN,
    CODE_INSUFFICIENT_CAPACITY, CODE_PEER_ADDR_FAMILY_MISMATCH, CODE_STALE_NONCE, CODE_UNAUTHORIZED,
    CODE_UNKNOWN_ATTRIBUTE, CODE_UNSUPPORTED_TRANS_PROTO, CODE_WRONG_CREDENTIALS, ErrorCode,
};
use rtc_stun::message::{
    METHOD_ALLOCATE, METHOD_BINDING, METHOD_CHANNEL_BIND, METHOD_CREATE_PERMISSION, METHOD_REFRESH, METHOD_SEND,
    TransactionId,
};

use super::Rules;
use super::message::{self, Asked, Family};
use super::quota::{NoRoom, Share};

/// Lifetime of a relayed address when none is asked for, seconds, and the least that is granted (RFC 8656, section 7.2).
const DEFAULT_LIFETIME: u32 = 600;

/// The most that is granted: what is forgotten by its client is gone after this.
const LONGEST_LIFETIME: u32 = 3_600;

/// How long a permission holds (RFC 8656, section 9).
const PERMISSION: Duration = Duration::from_secs(300);

/// How long a channel holds (RFC 8656, section 12).
const CHANNEL: Duration = Duration::from_secs(600);

/// The protocol number of UDP, the one transport that is relayed.
const UDP: u8 = 17;

/// Numbers a channel may have (RFC 8656, section 12).
const CHANNELS: std::ops::RangeInclusive<u16> = 0x4000..=0x4FFF;

/// What is to be done about a message.
pub(super) enum Step<'a> {
    /// Nothing.
    Ignore,
    /// Send this to the client.
    Answer(Vec<u8>),
    /// Send this to the client, who has shown no credentials. Limited, for anybody can cause it.
    AnswerAnybody(Vec<u8>),
    /// Send data from the relayed address to a media socket.
    Relay(SocketAddr, &'a [u8]),
    /// The same, of data that stood inside a message.
    RelayOwned(SocketAddr, Vec<u8>),
    /// Open a socket to relay from, then tell [`Session::opened`].
    Open(Family),
    /// Send this to the client, and close the socket.
    Close(Vec<u8>),
}

/// The present moment.
#[derive(Clone, Copy)]
pub(super) struct Now {
    pub(super) instant: Instant,
    /// Seconds since 1970, for what was written down elsewhere.
    pub(super) unix: u64,
}

struct Allocation {
    family: Family,
    user: String,
    expires: Instant,
    /// By address, as clients are told it.
    permissions: HashMap<IpAddr, Instant>,
    channels: Vec<Channel>,
    /// The answer to its request, for one that was sent again.
    answered: (TransactionId, Vec<u8>),
    _share: Share,
}

struct Channel {
    number: u16,
    /// As clients are told it.
    peer: SocketAddr,
    expires: Instant,
}

/// A request for a relayed address that waits for its socket.
struct Opening {
    asked: Asked,
    key: Vec<u8>,
    family: Family,
    user: String,
    lifetime: u32,
    share: Share,
}

/// See the module.
pub(super) struct Session {
    client: SocketAddr,
    /// Whether messages come one behind the other in a stream, where data in channels is padded.
    stream: bool,
    opening: Option<Box<Opening>>,
    allocation: Option<Box<Allocation>>,
}

impl Session {
    pub(super) fn new(client: SocketAddr, stream: bool) -> Self {
        Self { client, stream, opening: None, allocation: None }
    }

    /// When the relayed address ends, unless the client asks for more.
    pub(super) fn expires(&self) -> Option<Instant> {
        self.allocation.as_ref().map(|allocation| allocation.expires)
    }

    /// Takes a message of the client.
    pub(super) fn take<'a>(&mut self, bytes: &'a [u8], now: Now, rules: &Rules) -> Step<'a> {
        if bytes.first().is_some_and(|first| first >> 6 == 1) {
            return self.channel_data(bytes, now, rules);
        }
        let Some(asked) = Asked::read(bytes) else { return Step::Ignore };
        match (asked.method(), asked.is_request()) {
            (METHOD_SEND, false) => self.send(&asked, now, rules),
            // Anybody may ask how they are seen.
            (METHOD_BINDING, true) => Step::AnswerAnybody(asked.success().mapped(self.client).unsigned()),
            (METHOD_ALLOCATE | METHOD_REFRESH | METHOD_CREATE_PERMISSION | METHOD_CHANNEL_BIND, true) => {
                self.request(asked, now, rules)
            }
            (_, true) => Step::AnswerAnybody(asked.refusal(CODE_BAD_REQUEST, "This is not done here").unsigned()),
            _ => Step::Ignore,
        }
    }

    fn request(&mut self, mut asked: Asked, now: Now, rules: &Rules) -> Step<'static> {
        let (user, key) = match self.authenticate(&mut asked, now, rules) {
            Ok(known) => known,
            Err(refusal) => return Step::AnswerAnybody(refusal),
        };
        let unknown = asked.not_understood();
        if !unknown.is_empty() {
            let refusal = asked.refusal(CODE_UNKNOWN_ATTRIBUTE, "Unknown attribute");
            return Step::Answer(refusal.unknown(&unknown).signed(&key));
        }
        if asked.method() == METHOD_ALLOCATE {
            return match self.allocate(&asked, &user, now, rules) {
                Ok(Allocate::Again(answer)) => Step::Answer(answer),
                Ok(Allocate::Open { family, lifetime, share }) => {
                    self.opening = Some(Box::new(Opening { asked, key, family, user, lifetime, share }));
                    Step::Open(family)
                }
                Err((code, reason)) => Step::Answer(asked.refusal(code, reason).signed(&key)),
            };
        }
        let Some(allocation) = self.allocation.as_mut().filter(|allocation| allocation.expires > now.instant) else {
            return Step::Answer(asked.refusal(CODE_ALLOC_MISMATCH, "There is no allocation").signed(&key));
        };
        if allocation.user != user {
            return Step::Answer(asked.refusal(CODE_WRONG_CREDENTIALS, "Wrong credentials").signed(&key));
        }
        let done = match asked.method() {
            METHOD_REFRESH => {
                let seconds = asked.lifetime().unwrap_or(DEFAULT_LIFETIME);
                if seconds == 0 {
                    self.allocation = None;
                    return Step::Close(asked.success().lifetime(0).signed(&key));
                }
                let seconds = granted(seconds);
                allocation.expires = now.instant + Duration::from_secs(seconds.into());
                Ok(asked.success().lifetime(seconds))
            }
            METHOD_CREATE_PERMISSION => allocation.permit(&asked, now, rules).map(|()| asked.success()),
            _ => allocation.bind(&asked, now, rules).map(|()| asked.success()),
        };
        match done {
            Ok(answer) => Step::Answer(answer.signed(&key)),
            Err((code, reason)) => {
                if code == CODE_FORBIDDEN {
                    rules.counters.forbidden_peers.add(1);
                }
                Step::Answer(asked.refusal(code, reason).signed(&key))
            }
        }
    }

    /// Who asks, and with what their messages are signed; or the refusal (RFC 8489, section 9.2.4).
    fn authenticate(&self, asked: &mut Asked, now: Now, rules: &Rules) -> Result<(String, Vec<u8>), Vec<u8>> {
        let address = self.client.ip();
        let again = |code, reason| {
            let nonce = rules.credentials.nonce(address, now.unix);
            asked.refusal(code, reason).text(ATTR_REALM, message::REALM).text(ATTR_NONCE, &nonce).unsigned()
        };
        if !asked.is_signed() {
            return Err(again(CODE_UNAUTHORIZED, "Unauthorized"));
        }
        let (Some(username), Some(realm), Some(nonce)) =
            (asked.text(ATTR_USERNAME), asked.text(ATTR_REALM), asked.text(ATTR_NONCE))
        else {
            return Err(asked.refusal(CODE_BAD_REQUEST, "Bad request").unsigned());
        };
        if !rules.credentials.is_fresh(nonce, address, now.unix) {
            return Err(again(CODE_STALE_NONCE, "Stale nonce"));
        }
        // Credentials have to be in date when something begins. What has begun lives on with them, for a call may be longer.
        let begun = self.allocation.as_ref().filter(|begun| begun.expires > now.instant);
        let begun = begun.filter(|begun| username.ends_with(&begun.user));
        let moment = if begun.is_some() { 0 } else { now.unix };
        let known = rules.credentials.known(username, moment).filter(|_| realm == message::REALM);
        let refusal = again(CODE_UNAUTHORIZED, "Unauthorized");
        let Some((user, key)) = known.map(|known| (known.user.to_owned(), known.key)) else { return Err(refusal) };
        if asked.check(&key) { Ok((user, key)) } else { Err(refusal) }
    }

    fn allocate(&mut self, asked: &Asked, user: &str, now: Now, rules: &Rules) -> Result<Allocate, Refused> {
        if let Some(allocation) = self.allocation.as_ref().filter(|allocation| allocation.expires > now.instant) {
            let (transaction, answer) = &allocation.answered;
            if *transaction == asked.transaction() {
                return Ok(Allocate::Again(answer.clone()));
            }
            return Err((CODE_ALLOC_MISMATCH, "There is an allocation already"));
        }
        match asked.requested_transport() {
            Some(UDP) => {}
            Some(_) => return Err((CODE_UNSUPPORTED_TRANS_PROTO, "Only UDP is relayed")),
            None => return Err((CODE_BAD_REQUEST, "Bad request")),
        }
        let family = asked.requested_family().ok().filter(|family| rules.peers.relayed(*family).is_some());
        let family = family.ok_or((CODE_ADDR_FAMILY_NOT_SUPPORTED, "Not this address family"))?;
        let lifetime = granted(asked.lifetime().unwrap_or(DEFAULT_LIFETIME));
        let share = rules.quota.take(user).map_err(|full| {
            rules.counters.over_quota.add(1);
            match full {
                NoRoom::Person => (CODE_ALLOC_QUOTA_REACHED, "Allocation quota reached"),
                NoRoom::All => (CODE_INSUFFICIENT_CAPACITY, "Insufficient capacity"),
            }
        })?;
        Ok(Allocate::Open { family, lifetime, share })
    }

    /// The socket that [`Step::Open`] asked for is open (`port` tells where) or could not be opened. Gives the answer.
    pub(super) fn opened(&mut self, port: Option<u16>, now: Now, rules: &Rules) -> Vec<u8> {
        let Some(opening) = self.opening.take() else { return Vec::new() };
        let Opening { asked, key, family, user, lifetime, share } = *opening;
        let relayed = rules.peers.relayed(family).zip(port);
        let Some((ip, port)) = relayed else {
            return asked.refusal(CODE_INSUFFICIENT_CAPACITY, "Insufficient capacity").signed(&key);
        };
        let answer = asked.success().relayed(SocketAddr::new(ip, port)).lifetime(lifetime).mapped(self.client);
        let answer = answer.signed(&key);
        rules.counters.allocations.add(1);
        self.allocation = Some(Box::new(Allocation {
            family,
            user,
            expires: now.instant + Duration::from_secs(lifetime.into()),
            permissions: HashMap::new(),
            channels: Vec::new(),
            answered: (asked.transaction(), answer.clone()),
            _share: share,
        }));
        answer
    }

    fn send(&self, asked: &Asked, now: Now, rules: &Rules) -> Step<'static> {
        let peer = asked.peers().and_then(|peers| peers.first().copied());
        let sent = self.allocation.as_ref().zip(peer).zip(asked.data()).and_then(|((allocation, peer), data)| {
            let bound = rules.peers.bound(peer).filter(|_| allocation.permits(peer.ip(), now))?;
            Some(Step::RelayOwned(bound, data.to_vec()))
        });
        sent.unwrap_or_else(|| {
            rules.counters.dropped.add(1);
            Step::Ignore
        })
    }

    fn channel_data<'a>(&self, bytes: &'a [u8], now: Now, rules: &Rules) -> Step<'a> {
        let [high, low, length_high, length_low, data @ ..] = bytes else { return Step::Ignore };
        let number = u16::from_be_bytes([*high, *low]);
        let length = usize::from(u16::from_be_bytes([*length_high, *length_low]));
        let channel = self.allocation.as_ref().and_then(|allocation| {
            allocation.channels.iter().find(|channel| channel.number == number && channel.expires > now.instant)
        });
        let bound = channel.and_then(|channel| rules.peers.bound(channel.peer));
        if let Some((bound, data)) = bound.zip(data.get(..length)) {
            Step::Relay(bound, data)
        } else {
            rules.counters.dropped.add(1);
            Step::Ignore
        }
    }

    /// Wraps what a media socket sent for the client, behind what stands in `out`; `false` when it may not come.
    pub(super) fn wrap(&self, from: SocketAddr, data: &[u8], now: Now, rules: &Rules, out: &mut Vec<u8>) -> bool {
        let Some((allocation, peer)) = self.allocation.as_ref().zip(rules.peers.told(from)) else { return false };
        let Ok(length) = u16::try_from(data.len()) else { return false };
        let channel = allocation.channels.iter().find(|channel| channel.peer == peer && channel.expires > now.instant);
        if let Some(channel) = channel {
            out.extend(channel.number.to_be_bytes());
            out.extend(length.to_be_bytes());
            out.extend_from_slice(data);
            if self.stream {
                out.resize(out.len().next_multiple_of(4), 0);
            }
            return true;
        }
        if allocation.permits(peer.ip(), now) {
            out.extend(message::data_indication(peer, data));
            return true;
        }
        false
    }
}

type Refused = (ErrorCode, &'static str);

enum Allocate {
    /// It was answered already.
    Again(Vec<u8>),
    Open {
        family: Family,
        lifetime: u32,
        share: Share,
    },
}

fn granted(seconds: u32) -> u32 {
    seconds.clamp(DEFAULT_LIFETIME, LONGEST_LIFETIME)
}

impl Allocation {
    fn permits(&self, address: IpAddr, now: Now) -> bool {
        self.expires > now.instant && self.permissions.get(&address).is_some_and(|end| *end > now.instant)
    }

    /// All the peers of the request or none (RFC 8656, section 10.2).
    fn permit(&mut self, asked: &Asked, now: Now, rules: &Rules) -> Result<(), Refused> {
        let peers = asked.peers().filter(|peers| !peers.is_empty()).ok_or((CODE_BAD_REQUEST, "Bad request"))?;
        if !peers.iter().all(|peer| rules.peers.may_permit(*peer)) {
            return Err((CODE_FORBIDDEN, "Forbidden"));
        }
        if !peers.iter().all(|peer| Family::of(peer.ip()) == self.family) {
            return Err((CODE_PEER_ADDR_FAMILY_MISMATCH, "Not the family of the allocation"));
        }
        self.permissions.extend(peers.iter().map(|peer| (peer.ip(), now.instant + PERMISSION)));
        Ok(())
    }

    fn bind(&mut self, asked: &Asked, now: Now, rules: &Rules) -> Result<(), Refused> {
        let peers = asked.peers().unwrap_or_default();
        let number = asked.channel().filter(|number| CHANNELS.contains(number));
        let ([peer], Some(number)) = (peers.as_slice(), number) else { return Err((CODE_BAD_REQUEST, "Bad request")) };
        if rules.peers.bound(*peer).is_none() {
            return Err((CODE_FORBIDDEN, "Forbidden"));
        }
        if Family::of(peer.ip()) != self.family {
            return Err((CODE_PEER_ADDR_FAMILY_MISMATCH, "Not the family of the allocation"));
        }
        self.channels.retain(|channel| channel.expires > now.instant);
        let taken = |channel: &Channel| (channel.number == number) != (channel.peer == *peer);
        if self.channels.iter().any(taken) {
            return Err((CODE_BAD_REQUEST, "The channel or the peer has another"));
        }
        self.channels.retain(|channel| channel.number != number);
        self.channels.push(Channel { number, peer: *peer, expires: now.instant + CHANNEL });
        self.permissions.insert(peer.ip(), now.instant + PERMISSION);
        Ok(())
    }
}
