//! Secrets and keys of this server.

use super::{Store, StoreError};

impl Store {
    /// The value of a setting; the first call stores and returns `fresh`. The flag says whether it was the first.
    pub(crate) async fn setting_or_insert(&self, name: &str, fresh: String) -> Result<(String, bool), StoreError> {
        let inserted = sqlx::query("INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING")
            .bind(name)
            .bind(fresh)
            .execute(&self.pool)
            .await?
            .rows_affected();
        let value =
            sqlx::query_scalar("SELECT value FROM settings WHERE name = ?").bind(name).fetch_one(&self.pool).await?;
        Ok((value, inserted == 1))
    }

    /// The value of a setting, if it was ever made.
    pub(crate) async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        Ok(sqlx::query_scalar("SELECT value FROM settings WHERE name = ?")
            .bind(name)
            .fetch_optional(&self.pool)
            .await?)
    }
}
