//! Errors of the HTTP doors: RFC 9457 problem details with the protocol's stable code.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use confab_protocol::ErrorCode;
use confab_rooms::Refusal;
use serde::Serialize;

#[derive(Serialize)]
struct Problem<'a> {
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<ErrorCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
}

/// A problem with the protocol's code; the status follows from it.
pub(super) fn of(refusal: &Refusal) -> Response {
    answer(status_of(refusal.code), &refusal.message, Some(refusal.code), refusal.field)
}

/// A problem of HTTP itself.
pub(super) fn plain(status: StatusCode, detail: &str) -> Response {
    answer(status, detail, None, None)
}

fn answer(status: StatusCode, detail: &str, code: Option<ErrorCode>, field: Option<&str>) -> Response {
    let title = status.canonical_reason().unwrap_or("Error");
    let problem = Problem { title, status: status.as_u16(), detail, code, field };
    let body = serde_json::to_string(&problem).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
}

fn status_of(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::MalformedMessage | ErrorCode::UnknownMessage | ErrorCode::VersionMismatch => StatusCode::BAD_REQUEST,
        ErrorCode::MessageTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::InvalidField | ErrorCode::SdpInvalid | ErrorCode::TrackUnknown => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::TokenRequired | ErrorCode::TokenInvalid | ErrorCode::TokenExpired => StatusCode::UNAUTHORIZED,
        ErrorCode::TokenForeign | ErrorCode::NotAllowed | ErrorCode::HostKeyRequired => StatusCode::FORBIDDEN,
        ErrorCode::EncryptionRequired => StatusCode::UPGRADE_REQUIRED,
        ErrorCode::RoomNotFound | ErrorCode::SessionGone => StatusCode::NOT_FOUND,
        ErrorCode::RoomFull | ErrorCode::NotJoined | ErrorCode::AlreadyJoined | ErrorCode::Replaced => {
            StatusCode::CONFLICT
        }
        ErrorCode::ServerFull | ErrorCode::Draining => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
