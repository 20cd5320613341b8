//! Credentials with an end (draft-uberti-behave-turn-rest): the server keeps no list of them, for it made them itself.

use std::fmt::Write;
use std::net::IpAddr;

use aws_lc_rs::hmac;
use confab_protocol::ParticipantId;

use super::message;

/// How long a nonce is good for, seconds. Clients get a new one when it is not, so it only bounds replay.
const NONCE_SECONDS: u64 = 3_600;

/// Longest name taken: a time, a colon and an id are 47.
const NAME_BYTES: usize = 64;

/// Makes and checks names, passwords and nonces. The secret is as old as the process: those who hold credentials of an
/// earlier one join anew, and get others.
pub(crate) struct Credentials {
    secret: hmac::Key,
    lifetime_seconds: u64,
}

/// What a client shows to the relay.
pub(crate) struct Credential {
    pub(crate) username: String,
    pub(crate) password: String,
}

/// Somebody whose name this server made and that has not ended.
pub(super) struct Known<'a> {
    /// Who it was made for: all credentials of one person share their quota.
    pub(super) user: &'a str,
    /// With what their messages are signed.
    pub(super) key: Vec<u8>,
}

impl Credentials {
    pub(crate) fn new(lifetime_seconds: u64) -> Self {
        let secret: [u8; 32] = rand::random();
        Self { secret: hmac::Key::new(hmac::HMAC_SHA256, &secret), lifetime_seconds }
    }

    /// Seconds they are good for.
    pub(crate) fn lifetime_seconds(&self) -> u64 {
        self.lifetime_seconds
    }

    /// Fresh ones for somebody; `now` in seconds since 1970.
    pub(crate) fn issue(&self, user: ParticipantId, now: u64) -> Credential {
        let username = format!("{}:{user}", now + self.lifetime_seconds);
        let password = self.sign(&["password", &username]);
        Credential { username, password }
    }

    /// Who a name belongs to, if it has not ended. Whether they are who they say shows their signature.
    pub(super) fn known<'a>(&self, username: &'a str, now: u64) -> Option<Known<'a>> {
        let (end, user) = username.split_once(':').filter(|_| username.len() <= NAME_BYTES)?;
        let in_time = end.parse::<u64>().is_ok_and(|end| end > now);
        in_time.then(|| Known { user, key: message::key(username, &self.sign(&["password", username])) })
    }

    /// A nonce for one address.
    pub(super) fn nonce(&self, address: IpAddr, now: u64) -> String {
        let end = now + NONCE_SECONDS;
        format!("{end:x}-{}", &self.sign(&["nonce", &end.to_string(), &address.to_string()])[..32])
    }

    /// Whether a nonce was made for this address and has not ended.
    pub(super) fn is_fresh(&self, nonce: &str, address: IpAddr, now: u64) -> bool {
        let end = nonce.split_once('-').and_then(|(end, _)| u64::from_str_radix(end, 16).ok());
        // Made at the time it would have been made at, it is the same again.
        end.is_some_and(|end| end > now && end >= NONCE_SECONDS && self.nonce(address, end - NONCE_SECONDS) == nonce)
    }

    fn sign(&self, parts: &[&str]) -> String {
        let tag = hmac::sign(&self.secret, parts.join("|").as_bytes());
        tag.as_ref().iter().fold(String::new(), |mut text, byte| {
            // Writing into a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_hold_until_their_end_and_only_where_they_were_made() {
        let (ours, foreign) = (Credentials::new(600), Credentials::new(600));
        let user = ParticipantId::new();
        let credential = ours.issue(user, 1_000);
        let known = ours.known(&credential.username, 1_599).unwrap();
        assert_eq!(known.user, user.to_string());
        assert_eq!(known.key, message::key(&credential.username, &credential.password));
        assert!(ours.known(&credential.username, 1_600).is_none(), "it has ended");
        let elsewhere = foreign.known(&credential.username, 1_000).unwrap();
        assert_ne!(elsewhere.key, known.key, "another server's key is another");
        let later = credential.username.replacen('1', "9", 1);
        assert_ne!(ours.known(&later, 1_000).unwrap().key, known.key, "a name with a later end has another key");
        for name in ["", ":", "x:y", "99999999999999999999:y", &"9".repeat(70)] {
            assert!(ours.known(name, 1_000).is_none(), "{name}");
        }
    }

    #[test]
    fn a_nonce_is_good_for_its_address_and_time() {
        let credentials = Credentials::new(600);
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let nonce = credentials.nonce(one, 10_000);
        assert!(credentials.is_fresh(&nonce, one, 13_599));
        assert!(!credentials.is_fresh(&nonce, one, 13_600));
        assert!(!credentials.is_fresh(&nonce, other, 10_000));
        for forged in ["", "-", "ffffffff-", "1-x", "zz-x"] {
            assert!(!credentials.is_fresh(forged, one, 10_000), "{forged}");
        }
    }
}
