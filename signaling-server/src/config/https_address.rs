//! An address that the server shows to people, and that must not be anything but a web page behind TLS.

use std::fmt;
use std::str::FromStr;

use axum::http::Uri;

/// An `https` address without a user name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HttpsAddress(String);

/// The text is no such address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("This is not an https address. One looks like https://example.org/download.")]
pub struct NotHttps;

impl HttpsAddress {
    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HttpsAddress {
    type Err = NotHttps;

    fn from_str(text: &str) -> Result<Self, NotHttps> {
        let uri: Uri = text.parse().map_err(|_| NotHttps)?;
        let names_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        let has_host = uri.host().is_some_and(|host| !host.is_empty());
        // What stands after `#` is not read by the parser.
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        let good = uri.scheme_str() == Some("https") && has_host && !names_user && visible;
        if good { Ok(Self(text.to_owned())) } else { Err(NotHttps) }
    }
}

impl fmt::Display for HttpsAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_addresses_are_taken() {
        for good in ["https://example.org", "https://example.org:8443/a/b?c=d#e", "https://[2001:db8::7]/"] {
            assert_eq!(good.parse::<HttpsAddress>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "example.org",
            "http://example.org",
            "javascript:alert(1)",
            "https://",
            "https://user@example.org",
            "https://example.org/a b",
            "https://example.org/#a b",
            "/download",
        ] {
            assert_eq!(bad.parse::<HttpsAddress>(), Err(NotHttps), "{bad}");
        }
    }
}
