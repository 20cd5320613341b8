//! Memory that the X server writes pixels into.

#![expect(unsafe_code, reason = "memory shared with another process can only be mapped by an unsafe call")]

use std::fs::File;

use memmap2::{MmapMut, MmapOptions};
use x11rb::connection::Connection;
use x11rb::protocol::shm::{self, Seg};
use x11rb::rust_connection::RustConnection;

use super::display::RequestError;

/// A segment that the server made and both sides map.
pub(super) struct Segment {
    id: Seg,
    memory: MmapMut,
}

impl Segment {
    /// Asks the server for `size` bytes.
    pub(super) fn new(connection: &RustConnection, size: usize) -> Result<Self, RequestError> {
        let id = connection.generate_id()?;
        let length = u32::try_from(size).map_err(|_| RequestError::Refused)?;
        let reply = shm::create_segment(connection, id, length, false)?.reply()?;
        let file = File::from(reply.shm_fd);
        // SAFETY: the file is an anonymous one that the server made for this segment with at least `size` bytes. The
        // only other process that writes to it is the server, and only between a request to do so and its reply,
        // while `Grabber` holds this exclusively and looks at nothing.
        let memory = unsafe { MmapOptions::new().len(size).map_mut(&file) }.map_err(|_| RequestError::Refused)?;
        Ok(Self { id, memory })
    }

    /// The server's name for it.
    pub(super) fn id(&self) -> Seg {
        self.id
    }

    /// Its bytes.
    pub(super) fn bytes(&mut self) -> &mut [u8] {
        &mut self.memory
    }

    /// Tells the server that it is needed no more.
    pub(super) fn release(self, connection: &RustConnection) {
        // A connection that is gone has released everything.
        let _ = shm::detach(connection, self.id);
    }
}
