//! The page behind a meeting link, for people who open it in a browser. It needs no script: what a link says after `#`
//! is not sent to a server, but it is this server's own fingerprint, which it knows.

use std::sync::Arc;

use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use confab_protocol::RoomCode;

use super::request::{self, Encrypted};
use super::{LinkBase, Shared, problem};
use crate::config::HttpsAddress;

const STYLE: &str = include_str!("page.css");

/// Nothing but this page's own style may load, no script at all, and nobody may put the page into a frame.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `GET /m/{code}`. Says nothing about whether there is such a meeting, so that nobody finds meetings by trying.
pub(super) async fn meeting(
    State(shared): State<Arc<Shared>>,
    Extension(encrypted): Extension<Encrypted>,
    Path(code): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Ok(code) = code.parse::<RoomCode>() else {
        return problem::plain(StatusCode::NOT_FOUND, "This is not a meeting code. Ask for the link again.");
    };
    let base = request::link_base(&shared, encrypted, &headers);
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let page = invitation(&base, &code, &how_to_get(shared.config.download_page.as_ref(), agent));
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        // It repeats how this one client came.
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, page).into_response()
}

/// `GET /page.css`.
pub(super) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")], STYLE)
        .into_response()
}

/// The whole page; `get` is HTML.
fn invitation(base: &LinkBase, code: &RoomCode, get: &str) -> String {
    let server = base.server();
    format!(
        include_str!("page.html"),
        code = escape(&code.to_string()),
        link = escape(&base.link(code)),
        app_link = escape(&base.app_link(code)),
        server = escape(&format!("{}:{}", server.host, server.port)),
        get = get,
    )
}

/// Where Confab comes from, as HTML: from the page of the settings, else from who sent the link.
fn how_to_get(download_page: Option<&HttpsAddress>, agent: &str) -> String {
    let system = system_of(agent);
    if system == Some(System::Phone) {
        return "<p>Confab runs on computers. Open this link on one.</p>".to_owned();
    }
    let Some(address) = download_page else {
        return "<p>Ask the person who invited you where to get it.</p>".to_owned();
    };
    let name = match system {
        Some(System::Linux) => " for Linux",
        Some(System::MacOs) => " for macOS",
        Some(System::Windows) => " for Windows",
        Some(System::Phone) | None => "",
    };
    format!("<p><a class=\"button\" href=\"{}\">Get Confab{name}</a></p>", escape(address.as_str()))
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum System {
    Linux,
    MacOs,
    Windows,
    /// Or a tablet.
    Phone,
}

/// What a browser says it runs on. Phones also name the system they descend from, so they are looked for first.
fn system_of(agent: &str) -> Option<System> {
    const MARKS: [(&str, System); 8] = [
        ("Android", System::Phone),
        ("iPhone", System::Phone),
        ("iPad", System::Phone),
        ("Windows", System::Windows),
        ("Macintosh", System::MacOs),
        ("CrOS", System::Linux),
        ("Linux", System::Linux),
        ("X11", System::Linux),
    ];
    MARKS.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, system)| *system)
}

/// For text and for values of attributes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confab_is_offered_for_the_system_the_browser_runs_on() {
        let page: HttpsAddress = "https://example.org/get?a=1&b='2'".parse().unwrap();
        let windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)";
        assert_eq!(
            how_to_get(Some(&page), windows),
            "<p><a class=\"button\" href=\"https://example.org/get?a=1&amp;b=&#39;2&#39;\">Get Confab for Windows</a></p>"
        );
        assert!(how_to_get(Some(&page), "curl/8").contains(">Get Confab</a>"));
        assert!(how_to_get(None, windows).contains("Ask the person who invited you"));
        let phone = "Mozilla/5.0 (Linux; Android 10; K)";
        assert!(how_to_get(Some(&page), phone).contains("Confab runs on computers"));
        assert_eq!(system_of("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"), Some(System::MacOs));
        assert_eq!(system_of("Mozilla/5.0 (X11; Linux x86_64)"), Some(System::Linux));
        assert_eq!(system_of("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)"), Some(System::Phone));
    }

    #[test]
    fn the_page_shows_link_and_code_with_the_fingerprint_and_runs_no_script() {
        let fingerprint = "ab".repeat(32);
        let security = super::super::Security { fingerprint: Some(&fingerprint) };
        let base = LinkBase::of_request(Some("meet.lan"), "0.0.0.0:8003".parse().unwrap(), Some(security));
        let page = invitation(&base, &"kestrel-lane-27".parse().unwrap(), "");
        assert!(page.contains(&format!("href=\"confab://meet.lan:443/m/kestrel-lane-27#fp={fingerprint}\"")), "{page}");
        assert!(page.contains(&format!(">https://meet.lan/m/kestrel-lane-27#fp={fingerprint}<")), "{page}");
        assert!(page.contains("<html lang=\"en\">"));
        assert!(!page.contains("<script") && !page.contains("style=") && !page.contains('{'), "{page}");
    }

    #[test]
    fn nothing_that_is_escaped_ends_a_text_or_an_attribute() {
        assert_eq!(escape("<a b=\"c\" d='e'>&"), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;");
    }

    /// `--name: value` of the block that begins after `start`.
    fn colours<'a>(sheet: &'a str, start: &str) -> Vec<(&'a str, &'a str)> {
        let rest = &sheet[sheet.find(start).unwrap_or_else(|| panic!("no {start}")) + start.len()..];
        let block = &rest[..rest.find('}').unwrap()];
        block
            .split([';', '{', '\n'])
            .filter_map(|line| line.trim().strip_prefix("--")?.split_once(':'))
            .map(|(name, value)| (name, value.trim()))
            .collect()
    }

    #[test]
    fn the_colours_are_the_windows() {
        let tokens = include_str!("../../../ui/src/design/tokens.css");
        for (here, there) in [
            (":root {", ":root, :root[data-theme=\"dark\"] {"),
            ("(prefers-color-scheme: light) {", ":root[data-theme=\"light\"] {"),
            ("(prefers-contrast: more) {", ":root[data-theme=\"hc\"] {"),
        ] {
            let known = colours(tokens, there);
            let used = colours(STYLE, here);
            assert!(used.len() >= 10, "{here}: {used:?}");
            for colour in used {
                assert!(known.contains(&colour), "{here} {colour:?} is not in tokens.css");
            }
        }
    }
}
