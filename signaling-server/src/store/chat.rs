//! Pages of a room's chat.

use confab_protocol::{ChatMessage, ChatMessageId, RoomCode};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{Store, StoreError};

/// A page of history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct HistoryPage {
    /// Oldest first.
    pub(crate) messages: Vec<ChatMessage>,
    /// There are older ones.
    pub(crate) more: bool,
}

impl Store {
    /// The newest `limit` messages of a room, or those before a message. `None` when the room has no such message.
    pub(crate) async fn chat_page(
        &self,
        room: &RoomCode,
        before: Option<ChatMessageId>,
        limit: u32,
    ) -> Result<Option<HistoryPage>, StoreError> {
        let before_sequence: i64 = match before {
            None => i64::MAX,
            Some(id) => {
                let found = sqlx::query_scalar("SELECT sequence FROM chat_messages WHERE room = ? AND id = ?")
                    .bind(room.as_str())
                    .bind(id.to_string())
                    .fetch_optional(&self.pool)
                    .await?;
                let Some(sequence) = found else { return Ok(None) };
                sequence
            }
        };
        let rows = sqlx::query(
            "SELECT id, participant, username, content, content_type, sent_at FROM chat_messages \
             WHERE room = ? AND sequence < ? ORDER BY sequence DESC LIMIT ?",
        )
        .bind(room.as_str())
        .bind(before_sequence)
        .bind(i64::from(limit) + 1)
        .fetch_all(&self.pool)
        .await?;
        let more = rows.len() > limit as usize;
        let newest_first = rows.iter().take(limit as usize).map(|row| read_message(room, row));
        let mut messages = newest_first.collect::<Result<Vec<_>, _>>()?;
        messages.reverse();
        Ok(Some(HistoryPage { messages, more }))
    }
}

fn read_message(room: &RoomCode, row: &SqliteRow) -> Result<ChatMessage, StoreError> {
    let text = |column: &str| row.try_get::<String, _>(column);
    Ok(ChatMessage {
        id: ChatMessageId(text("id")?.parse().map_err(|_| StoreError::Damaged("chat message id"))?),
        conversation_id: room.to_string(),
        user_id: text("participant")?.parse().map_err(|_| StoreError::Damaged("participant id"))?,
        username: text("username")?,
        content: text("content")?,
        content_type: text("content_type")?,
        timestamp: row.try_get::<i64, _>("sent_at")? as u64,
    })
}
