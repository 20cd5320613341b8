//! The page behind a meeting link, for people who open it in a browser.

use std::sync::Arc;

use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use confab_protocol::RoomCode;

use super::request::{self, Encrypted};
use super::{Shared, problem};

const STYLE: &str = "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1.5rem;\
color:#1c2430;background:#f7f8fa}code{font-size:1.2em}a{color:#0b57d0}\
@media(prefers-color-scheme:dark){body{color:#e8eaed;background:#16181d}a{color:#8ab4f8}}";

/// Nothing but this page's own style may load, and nobody may put the page into a frame.
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
    // The host in the links went through a URL parser, and a code has only letters, digits and dashes; what is left to
    // do is the one sign of an attribute's end.
    let base = request::link_base(&shared, encrypted, &headers);
    let (link, app_link) = (escape(&base.link(&code)), escape(&base.app_link(&code)));
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Confab meeting {code}</title>\
         <link rel=\"stylesheet\" href=\"/page.css\"></head><body><main><h1>You are invited to a meeting</h1>\
         <p>Meeting code: <code>{code}</code></p><p><a href=\"{app_link}\">Open in Confab</a></p>\
         <p>If nothing happens, start Confab on this computer, choose <b>Join with a link or code</b> and paste this link:</p>\
         <p><code>{link}</code></p></main></body></html>"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, page).into_response()
}

/// `GET /page.css`.
pub(super) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")], STYLE)
        .into_response()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
