//! Rooms.

use confab_protocol::RoomCode;

use super::{Store, StoreError};

/// A stored room.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct RoomRecord {
    pub(crate) code: RoomCode,
    pub(crate) name: String,
}

impl Store {
    /// Stores a new room. `false` when the code is taken.
    pub(crate) async fn create_room(&self, room: &RoomRecord, created_at: u64) -> Result<bool, StoreError> {
        let inserted =
            sqlx::query("INSERT INTO rooms (code, name, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
                .bind(room.code.as_str())
                .bind(&room.name)
                .bind(created_at as i64)
                .execute(&self.pool)
                .await?
                .rows_affected();
        Ok(inserted == 1)
    }

    /// The room with this code.
    pub(crate) async fn room(&self, code: &RoomCode) -> Result<Option<RoomRecord>, StoreError> {
        let name: Option<String> = sqlx::query_scalar("SELECT name FROM rooms WHERE code = ?")
            .bind(code.as_str())
            .fetch_optional(&self.pool)
            .await?;
        Ok(name.map(|name| RoomRecord { code: code.clone(), name }))
    }
}
