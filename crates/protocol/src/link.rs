//! Meeting links and codes.
//!
//! ```text
//! code  = word "-" word "-" number          ; a-z in words, 2 to 12 letters; number 2 to 6 digits
//! https = "http" ["s"] "://" host [":" port] "/m/" code ["#fp=" 64hex]
//! app   = "confab://" host [":" port] "/m/" code ["#fp=" 64hex | "#plain" | "#tls"]
//! bare  = code                              ; the server the app last used
//! ```

use std::fmt;
use std::net::IpAddr;

use rand::RngExt;
use url::{Host, Url};

use crate::DEFAULT_PORT;
use crate::ids::RoomCode;
use crate::link_words::{FIRST_WORDS, SECOND_WORDS};

/// Why a text is neither a link nor a code. The text for people says what to do.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LinkError {
    /// Nothing was given.
    #[error("Nothing was entered. Paste a meeting link, or type a code such as kestrel-lane-27.")]
    Empty,
    /// Not words and a number.
    #[error("\u{201c}{0}\u{201d} is not a meeting code. A code is two words and a number, such as kestrel-lane-27.")]
    BadCode(String),
    /// A link, but not one of ours.
    #[error("This link does not lead to a meeting. A meeting link looks like https://host/m/kestrel-lane-27.")]
    NotAMeeting,
    /// A link of another scheme.
    #[error("Confab cannot open {0} links. A meeting link begins with https:// or confab://.")]
    BadScheme(String),
    /// The fingerprint is not 64 hexadecimal digits.
    #[error("The link is damaged: its certificate fingerprint is not 64 hexadecimal digits. Ask for the link again.")]
    BadFingerprint,
}

/// A parsed meeting link. `server` is `None` for a bare code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MeetingLink {
    /// Where the room is.
    pub server: Option<ServerAddress>,
    /// Which room.
    pub code: RoomCode,
}

/// A server as a link names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServerAddress {
    /// Host name or address; IPv6 in brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// TLS or plain; plain only where a link says `http` or `#plain`, on this computer, and at local addresses.
    pub secure: bool,
    /// SHA-256 of a self-made certificate, lower-case hexadecimal.
    pub fingerprint: Option<String>,
}

impl ServerAddress {
    /// Plain connection to a server on this computer.
    pub fn loopback(port: u16) -> Self {
        Self { host: "127.0.0.1".into(), port, secure: false, fingerprint: None }
    }

    /// The WebSocket's address.
    pub fn websocket_url(&self) -> String {
        let scheme = if self.secure { "wss" } else { "ws" };
        format!("{scheme}://{}:{}{}", self.host, self.port, crate::WEBSOCKET_PATH)
    }

    /// Reads `host`, `host:port`, or a link without `/m/`.
    ///
    /// # Errors
    /// [`LinkError::NotAMeeting`] when it names no host.
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        let text = text.trim();
        let url = if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("confab://{text}")) };
        address_of(&url.map_err(|_| LinkError::NotAMeeting)?)
    }
}

impl MeetingLink {
    /// Reads a link or a bare code, as a person pastes or types it: spaces around it and capitals do not matter.
    ///
    /// # Errors
    /// Says what is wrong with the text, in words for a person.
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(LinkError::Empty);
        }
        if !text.contains("://") {
            if let Some((host, code)) = text.split_once("/m/") {
                return Ok(Self { server: Some(ServerAddress::parse(host)?), code: parse_code(code)? });
            }
            return Ok(Self { server: None, code: parse_code(text)? });
        }
        let url = Url::parse(text).map_err(|_| LinkError::NotAMeeting)?;
        let server = address_of(&url)?;
        let code = url.path().strip_prefix("/m/").ok_or(LinkError::NotAMeeting)?;
        Ok(Self { server: Some(server), code: parse_code(code.trim_end_matches('/'))? })
    }
}

impl fmt::Display for MeetingLink {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(server) = &self.server else { return self.code.fmt(formatter) };
        let scheme = if server.secure { "https" } else { "http" };
        let usual = if server.secure { 443 } else { 80 };
        write!(formatter, "{scheme}://{}", server.host)?;
        if server.port != usual {
            write!(formatter, ":{}", server.port)?;
        }
        write!(formatter, "/m/{}", self.code)?;
        if let Some(fingerprint) = &server.fingerprint {
            write!(formatter, "#fp={fingerprint}")?;
        }
        Ok(())
    }
}

/// This computer, or an address of a local network: a server there has no certificate unless the link says so by a
/// fingerprint.
fn is_near(host: &str) -> bool {
    if host == "localhost" {
        return true;
    }
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_private() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
        Err(_) => false,
    }
}

fn address_of(url: &Url) -> Result<ServerAddress, LinkError> {
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(LinkError::NotAMeeting)?;
    // Of a scheme that browsers do not know, the host is taken as it is; the links we write are https.
    let host = Host::parse(host).map_err(|_| LinkError::NotAMeeting)?;
    // URLs allow signs in names that no computer has (RFC 1123, 2.1), and that other readers of a link may take for more.
    let is_of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if matches!(&host, Host::Domain(name) if !name.bytes().all(is_of_a_name)) {
        return Err(LinkError::NotAMeeting);
    }
    let host = host.to_string();
    let fragment = url.fragment();
    let plain = fragment == Some("plain") || (fragment.is_none() && is_near(&host));
    let (secure, usual) = match url.scheme() {
        "https" => (true, 443),
        "http" => (false, 80),
        "confab" => (!plain, DEFAULT_PORT),
        other => return Err(LinkError::BadScheme(other.to_owned())),
    };
    let fingerprint = match fragment.and_then(|fragment| fragment.strip_prefix("fp=")) {
        None => None,
        Some(text) if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Some(text.to_ascii_lowercase())
        }
        Some(_) => return Err(LinkError::BadFingerprint),
    };
    Ok(ServerAddress { host, port: url.port().unwrap_or(usual), secure, fingerprint })
}

/// Reads a room code; capitals and spaces around it do not matter.
///
/// # Errors
/// [`LinkError::Empty`] or [`LinkError::BadCode`].
pub(crate) fn parse_code(text: &str) -> Result<RoomCode, LinkError> {
    let code = text.trim().to_ascii_lowercase();
    if code.is_empty() {
        return Err(LinkError::Empty);
    }
    let mut parts = code.split('-');
    let word = |part: Option<&str>| {
        part.is_some_and(|part| (2..=12).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_lowercase()))
    };
    let number = |part: Option<&str>| {
        part.is_some_and(|part| (2..=6).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let valid = word(parts.next()) && word(parts.next()) && number(parts.next()) && parts.next().is_none();
    if valid { Ok(RoomCode::from_checked(code)) } else { Err(LinkError::BadCode(shorten(text.trim()))) }
}

/// What a person typed may be a whole page; an error message repeats only its beginning.
fn shorten(text: &str) -> String {
    let mut short: String = text.chars().filter(|letter| !letter.is_control()).take(40).collect();
    if text.chars().count() > 40 {
        short.push('\u{2026}');
    }
    short
}

/// A fresh code. With the word lists' sizes and four digits a guess hits one of a thousand open rooms with a chance
/// below one in a hundred thousand, which the server's rate limits make useless.
pub fn random_code() -> RoomCode {
    let mut random = rand::rng();
    let first = FIRST_WORDS[random.random_range(0..FIRST_WORDS.len())];
    let second = SECOND_WORDS[random.random_range(0..SECOND_WORDS.len())];
    let number: u32 = random.random_range(1_000..10_000);
    RoomCode::from_checked(format!("{first}-{second}-{number}"))
}
