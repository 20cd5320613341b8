//! The REST door.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use confab_protocol::{ErrorCode, ParticipantId, Role, RoomCode};
use confab_rooms::Refusal;
use confab_rooms::permissions::{Action, allows, refusal};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::request::{self, Encrypted, Peer};
use super::{Shared, problem};
use crate::gate::TokenError;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct CreateRoom {
    #[serde(default)]
    name: String,
    #[serde(default)]
    host_key: Option<String>,
}

#[derive(Serialize)]
struct CreatedRoom {
    code: RoomCode,
    link: String,
    token: String,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct IssueToken {
    #[serde(default)]
    name: String,
    #[serde(default)]
    role: Option<Role>,
}

#[derive(Serialize)]
struct IssuedToken {
    token: String,
    participant_id: ParticipantId,
}

/// `POST /api/rooms {name?, host_key?}` answers 201 `{code, link, token}`; the token is the host's.
pub(super) async fn create_room(
    State(shared): State<Arc<Shared>>,
    Extension(peer): Extension<Peer>,
    Extension(encrypted): Extension<Encrypted>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let created = async {
        let asked: CreateRoom = read(&body)?;
        let caller = request::caller(peer, &headers);
        shared.makes_rooms()?;
        shared.gate.may_create(&caller, asked.host_key.as_deref(), Instant::now())?;
        let (code, token) = create(&shared, &asked.name).await?;
        let link = request::link_base(&shared, encrypted, &headers).link(&code);
        Ok(CreatedRoom { code, link, token })
    };
    answer(&shared, StatusCode::CREATED, created.await)
}

/// `POST /api/rooms/{code}/tokens {name?, role?}` with a host's token as bearer answers 201 `{token, participant_id}`.
pub(super) async fn issue_token(
    State(shared): State<Arc<Shared>>,
    Extension(peer): Extension<Peer>,
    Path(code): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let issued = async {
        let code: RoomCode = code.parse().map_err(|_| not_found())?;
        let now = Instant::now();
        shared.gate.may_try(peer.0, now)?;
        let Some(token) = request::bearer(&headers) else {
            let message = "Send the meeting host's token in the Authorization header.";
            return Err(Refusal::new(ErrorCode::TokenRequired, message));
        };
        let host = shared.gate.tokens.check(token, Some(&code)).inspect_err(|error| {
            if *error == TokenError::Invalid {
                shared.gate.failed(peer.0, now);
            }
        })?;
        if !allows(&host.grants, Action::Invite) {
            return Err(Refusal::new(ErrorCode::NotAllowed, refusal(Action::Invite)));
        }
        let asked: IssueToken = read(&body)?;
        let role = asked.role.unwrap_or(Role::Participant);
        if role < host.role {
            return Err(Refusal::new(ErrorCode::NotAllowed, "Nobody gives out a role above their own."));
        }
        if asked.name.chars().count() > shared.limits.name_chars as usize {
            return Err(name_too_long(&shared));
        }
        if !shared.rooms.exists(&code).await.map_err(|error| internal(&shared, &error))? {
            return Err(not_found());
        }
        let participant_id = ParticipantId::new();
        let token = shared.gate.tokens.issue(code, participant_id, asked.name, role, role.grants())?;
        Ok(IssuedToken { token, participant_id })
    };
    answer(&shared, StatusCode::CREATED, issued.await)
}

/// Makes a room, and a host's token for it. For all doors; the caller has been let through the gate.
pub(super) async fn create(shared: &Shared, name: &str) -> Result<(RoomCode, String), Refusal> {
    if name.chars().count() > shared.limits.name_chars as usize {
        return Err(name_too_long(shared));
    }
    let code = shared.rooms.create(name).await.map_err(|error| internal(shared, &error))?;
    let role = Role::Host;
    let token = shared.gate.tokens.issue(code.clone(), ParticipantId::new(), String::new(), role, role.grants())?;
    Ok((code, token))
}

fn name_too_long(shared: &Shared) -> Refusal {
    Refusal::field("name", format!("A name is at most {} characters long.", shared.limits.name_chars))
}

fn not_found() -> Refusal {
    Refusal::new(ErrorCode::RoomNotFound, "There is no meeting with this code. Check the link.")
}

/// Logs a failure of the store, and makes what a client is told of it.
pub(super) fn internal(shared: &Shared, error: &crate::store::StoreError) -> Refusal {
    shared.counters.store_failures.add(1);
    tracing::error!(%error, "the store failed");
    Refusal::new(ErrorCode::Internal, "The server failed. Try again in a moment.")
}

/// Reads a body; an empty one stands for an empty object.
fn read<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, Refusal> {
    if body.trim_ascii().is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice(body)
        .map_err(|error| Refusal::new(ErrorCode::MalformedMessage, format!("The body cannot be read: {error}.")))
}

fn answer<T: Serialize>(shared: &Shared, status: StatusCode, result: Result<T, Refusal>) -> Response {
    match result {
        Ok(body) => (status, Json(body)).into_response(),
        Err(refusal) => {
            shared.counters.refuse(refusal.code);
            problem::of(&refusal)
        }
    }
}
