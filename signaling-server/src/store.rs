//! What outlives the process: settings, rooms and chat, in one `SQLite` file (WAL, every commit synced to disk).
//!
//! Chat is written by one task that takes what has gathered and commits it at once, so a message is acknowledged only
//! after its transaction is on disk, and a busy chat costs few syncs.

mod chat;
mod chat_writer;
mod rooms;
mod settings;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

pub(crate) use chat_writer::{ChatWrite, ChatWriter, Written};
pub(crate) use rooms::RoomRecord;

/// Why the store could not do something. The texts are for the person who runs the server; clients are told that the
/// server failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The data folder could not be made.
    #[error("The data folder {path} could not be made: {error}")]
    Folder {
        /// Which folder.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// No folder was given, and the system names none.
    #[error("This system names no folder for application data. Give one with --data-dir, or use --ephemeral.")]
    NoFolder,
    /// The database could not be opened or asked.
    #[error("The database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The database's tables could not be brought to this release's form.
    #[error("The database could not be brought to this release's form: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A row holds something this release cannot read.
    #[error("The database holds a {0} that cannot be read.")]
    Damaged(&'static str),
}

/// The database. Clones share its connections.
#[derive(Clone)]
pub(crate) struct Store {
    pool: SqlitePool,
}

impl Store {
    /// Opens the database in a folder, and makes both if they are not there. Others cannot read either.
    pub(crate) async fn open(folder: &Path) -> Result<Self, StoreError> {
        make_private_folder(folder).map_err(|error| StoreError::Folder { path: folder.to_owned(), error })?;
        let path = folder.join("confab.sqlite");
        make_private_file(&path).map_err(|error| StoreError::Folder { path: path.clone(), error })?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(5))
            .connect_with(options)
            .await?;
        Self::migrated(pool).await
    }

    /// Opens a database that is there already, to read it beside whoever uses it. `None` when there is none.
    pub(crate) async fn read(folder: &Path) -> Result<Option<Self>, StoreError> {
        let path = folder.join("confab.sqlite");
        if !path.try_exists().map_err(|error| StoreError::Folder { path: path.clone(), error })? {
            return Ok(None);
        }
        let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
        Ok(Some(Self { pool }))
    }

    /// A database that ends with the process.
    pub(crate) async fn in_memory() -> Result<Self, StoreError> {
        // One connection that never ends: an in-memory database lives as long as its connection.
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(SqliteConnectOptions::new().in_memory(true).foreign_keys(true))
            .await?;
        Self::migrated(pool).await
    }

    async fn migrated(pool: SqlitePool) -> Result<Self, StoreError> {
        sqlx::migrate!("./migrations").run(&pool).await?;
        Ok(Self { pool })
    }

    /// Whether the database answers.
    pub(crate) async fn check(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Ends all connections after what they are doing.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

#[cfg(unix)]
fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)
}

/// The database holds the tokens' secret. `SQLite` gives its side files the same rights.
#[cfg(unix)]
fn make_private_file(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).map(drop)
}

#[cfg(not(unix))]
fn make_private_file(path: &Path) -> std::io::Result<()> {
    std::fs::OpenOptions::new().write(true).create(true).truncate(false).open(path).map(drop)
}

#[cfg(test)]
mod tests;
