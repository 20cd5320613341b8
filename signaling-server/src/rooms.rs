//! The open rooms: one task each, found by code.
//!
//! ```text
//! connection -- RoomMail --> bounded mailbox --> RoomTask (owns a confab_rooms::Room)
//! connection <-- Outbox, bounded, never waited for --'   |-> media plane, chat writer
//! ```
//!
//! A room's task starts when somebody first asks for the room and ends when nobody has been in it for a while; the
//! room itself stays in the store.

mod mail;
mod media_door;
mod outbox;
mod room_task;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use confab_protocol::link::random_code;
use confab_protocol::{ErrorCode, RoomCode};
use confab_rooms::{Refusal, RoomConfig};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::media::MediaHandle;
use crate::relay::Relay;
use crate::store::{ChatWriter, RoomRecord, Store, StoreError};
use crate::telemetry::Counters;

pub(crate) use mail::{Enter, EnterKind, Entered, RoomMail};
pub(crate) use outbox::{Outbox, Outgoing};
use room_task::RoomTask;

/// Messages that may wait for a room. A connection whose room is behind waits here, and its client with it; the others
/// of the room share the queue, so it holds some for each.
const MAILBOX: usize = 512;

/// The way to one room's task.
#[derive(Clone)]
pub(crate) struct RoomHandle {
    pub(crate) code: RoomCode,
    mailbox: mpsc::Sender<RoomMail>,
    /// Tells this task from an earlier one of the same room.
    number: u64,
}

impl RoomHandle {
    /// Puts a letter into the mailbox. `false` when the room's task has ended.
    pub(crate) async fn send(&self, mail: RoomMail) -> bool {
        self.mailbox.send(mail).await.is_ok()
    }
}

/// What every room task needs.
pub(crate) struct Surroundings {
    pub(crate) config: RoomConfig,
    pub(crate) max_participants: u64,
    pub(crate) media: MediaHandle,
    pub(crate) relay: Arc<Relay>,
    pub(crate) chat: ChatWriter,
    pub(crate) counters: Arc<Counters>,
    /// Becomes true when no room is to be opened any more.
    pub(crate) draining: Arc<AtomicBool>,
}

impl Surroundings {
    /// Whether no room is to be opened any more.
    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Whether there are as many people on the server as it may have.
    fn is_full(&self) -> bool {
        self.counters.participants.get() >= self.max_participants
    }
}

/// The refusal of a server that opens no room any more.
pub(crate) fn draining() -> Refusal {
    let message = "The server is about to stop and begins no meetings. Those that are under way go on. Try again in a few minutes.";
    Refusal::new(ErrorCode::Draining, message)
}

/// Why a room could not be found.
pub(crate) enum FindError {
    /// Nobody is in it, and none is opened any more.
    Draining,
    /// The store failed.
    Store(StoreError),
}

impl From<StoreError> for FindError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// All open rooms.
pub(crate) struct Rooms {
    store: Store,
    surroundings: Arc<Surroundings>,
    open: Mutex<OpenRooms>,
}

#[derive(Default)]
struct OpenRooms {
    handles: HashMap<RoomCode, RoomHandle>,
    tasks: JoinSet<()>,
    next_number: u64,
    closed: bool,
}

impl Rooms {
    pub(crate) fn new(store: Store, surroundings: Surroundings) -> Arc<Self> {
        Arc::new(Self { store, surroundings: Arc::new(surroundings), open: Mutex::default() })
    }

    /// Makes a room with a fresh code.
    pub(crate) async fn create(&self, name: &str) -> Result<RoomCode, StoreError> {
        let name = confab_rooms::clean_name(name, self.surroundings.config.name_chars);
        loop {
            let room = RoomRecord { code: random_code(), name: name.clone() };
            if self.store.create_room(&room, unix_ms()).await? {
                self.surroundings.counters.rooms_created.add(1);
                return Ok(room.code);
            }
        }
    }

    /// Whether there is such a room, open or not.
    pub(crate) async fn exists(&self, code: &RoomCode) -> Result<bool, StoreError> {
        Ok(self.find_open(code).is_some() || self.store.room(code).await?.is_some())
    }

    /// The room, if its task runs.
    pub(crate) fn find_open(&self, code: &RoomCode) -> Option<RoomHandle> {
        self.lock().handles.get(code).cloned()
    }

    /// The room; its task is started if it does not run. `None` when there is no such room.
    pub(crate) async fn find(self: &Arc<Self>, code: &RoomCode) -> Result<Option<RoomHandle>, FindError> {
        if let Some(handle) = self.find_open(code) {
            return Ok(Some(handle));
        }
        let Some(record) = self.store.room(code).await? else { return Ok(None) };
        if self.surroundings.is_draining() {
            return Err(FindError::Draining);
        }
        let page = self.store.chat_page(code, None, self.surroundings.config.chat_page).await?;
        let chat = page.map(|page| page.messages).unwrap_or_default();
        let mut open = self.lock();
        if open.closed {
            return Ok(None);
        }
        // Somebody else may have been as quick.
        let OpenRooms { handles, tasks, next_number, .. } = &mut *open;
        let handle = match handles.entry(code.clone()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                *next_number += 1;
                let (mailbox, letters) = mpsc::channel(MAILBOX);
                let handle = RoomHandle { code: code.clone(), mailbox, number: *next_number };
                let rooms = Arc::downgrade(self);
                let task = RoomTask::new(record, chat, letters, *next_number, rooms, Arc::clone(&self.surroundings));
                tasks.spawn(task.run());
                entry.insert(handle)
            }
        };
        Ok(Some(handle.clone()))
    }

    /// Takes a room's ended task off the list.
    fn retire(&self, code: &RoomCode, number: u64) {
        let mut open = self.lock();
        if open.handles.get(code).is_some_and(|handle| handle.number == number) {
            open.handles.remove(code);
        }
        while open.tasks.try_join_next().is_some() {}
    }

    /// Ends all room tasks, and waits for them. No room opens after it.
    pub(crate) async fn close(&self) {
        let mut tasks = {
            let mut open = self.lock();
            open.closed = true;
            open.handles.clear();
            std::mem::take(&mut open.tasks)
        };
        while tasks.join_next().await.is_some() {}
    }

    fn lock(&self) -> MutexGuard<'_, OpenRooms> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time for people and the store.
pub(crate) fn unix_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
