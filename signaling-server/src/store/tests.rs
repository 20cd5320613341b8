use std::sync::Arc;

use confab_protocol::{ChatMessage, ChatMessageId, ParticipantId, RoomCode};
use confab_rooms::SessionId;
use tokio::sync::mpsc;

use super::*;
use crate::telemetry::Counters;

fn code(text: &str) -> RoomCode {
    text.parse().unwrap()
}

fn message(room: &RoomCode, text: &str) -> ChatMessage {
    ChatMessage {
        id: ChatMessageId::new(),
        conversation_id: room.to_string(),
        user_id: ParticipantId::new(),
        username: "Ada".into(),
        content: text.into(),
        content_type: "text".into(),
        timestamp: 1_700_000_000_000,
    }
}

async fn write(store: &Store, room: &RoomCode, messages: &[ChatMessage]) -> Vec<bool> {
    let (writer, task) = ChatWriter::start(store.clone(), Arc::new(Counters::default()));
    let (outcome, mut outcomes) = mpsc::unbounded_channel();
    for message in messages {
        let write = ChatWrite {
            room: room.clone(),
            session: SessionId(1),
            request: None,
            message: message.clone(),
            outcome: outcome.clone(),
        };
        assert!(writer.write(write));
    }
    drop((writer, outcome));
    task.await.unwrap();
    let mut results = Vec::new();
    while let Some(written) = outcomes.recv().await {
        assert_eq!(written.message, messages[results.len()], "outcomes come in the order of the calls");
        results.push(written.stored);
    }
    results
}

async fn room_in(store: &Store, text: &str) -> RoomCode {
    let room = RoomRecord { code: code(text), name: "Stand-up".into() };
    assert!(store.create_room(&room, 5).await.unwrap());
    room.code
}

#[tokio::test]
async fn a_room_code_is_given_once() {
    let store = Store::in_memory().await.unwrap();
    let room = room_in(&store, "kestrel-lane-2700").await;
    let again = RoomRecord { code: room.clone(), name: "Other".into() };
    assert!(!store.create_room(&again, 6).await.unwrap());
    assert_eq!(store.room(&room).await.unwrap().unwrap().name, "Stand-up");
    assert_eq!(store.room(&code("kestrel-lane-2701")).await.unwrap(), None);
}

#[tokio::test]
async fn chat_is_paged_from_the_newest_to_the_oldest() {
    let store = Store::in_memory().await.unwrap();
    let (room, other) = (room_in(&store, "kestrel-lane-2700").await, room_in(&store, "kestrel-lane-2701").await);
    let messages: Vec<_> = (0..25).map(|number| message(&room, &format!("message {number}"))).collect();
    let foreign = message(&other, "elsewhere");
    assert_eq!(write(&store, &room, &messages).await, vec![true; 25]);
    assert_eq!(write(&store, &other, std::slice::from_ref(&foreign)).await, vec![true]);

    let newest = store.chat_page(&room, None, 10).await.unwrap().unwrap();
    assert_eq!((newest.messages.as_slice(), newest.more), (&messages[15..], true));
    let middle = store.chat_page(&room, Some(messages[15].id), 10).await.unwrap().unwrap();
    assert_eq!((middle.messages.as_slice(), middle.more), (&messages[5..15], true));
    let oldest = store.chat_page(&room, Some(messages[5].id), 10).await.unwrap().unwrap();
    assert_eq!((oldest.messages.as_slice(), oldest.more), (&messages[..5], false));
    let exact = store.chat_page(&room, Some(messages[10].id), 10).await.unwrap().unwrap();
    assert_eq!((exact.messages.as_slice(), exact.more), (&messages[..10], false));
    assert_eq!(store.chat_page(&room, Some(foreign.id), 10).await.unwrap(), None, "another room's message is unknown");
}

#[tokio::test]
async fn a_message_that_cannot_be_stored_is_not_said_to_be() {
    let store = Store::in_memory().await.unwrap();
    let nowhere = code("kestrel-lane-2700");
    assert_eq!(write(&store, &nowhere, &[message(&nowhere, "lost")]).await, vec![false]);
}

#[tokio::test]
async fn a_setting_is_made_once() {
    let store = Store::in_memory().await.unwrap();
    assert_eq!(store.setting_or_insert("secret", "one".into()).await.unwrap(), ("one".into(), true));
    assert_eq!(store.setting_or_insert("secret", "two".into()).await.unwrap(), ("one".into(), false));
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_the_database() {
    use std::os::unix::fs::PermissionsExt;
    let folder = std::env::temp_dir().join(format!("confab-store-{}", ParticipantId::new()));
    let store = Store::open(&folder).await.unwrap();
    room_in(&store, "kestrel-lane-2700").await;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", entry.file_name());
    }
    store.close().await;
    std::fs::remove_dir_all(&folder).unwrap();
}
