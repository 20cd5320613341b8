//! The connection to an X server and what it can do.

use x11rb::connection::Connection;
use x11rb::errors::{ConnectionError, ReplyError, ReplyOrIdError};
use x11rb::protocol::xproto::{ImageOrder, Window};
use x11rb::protocol::{composite, damage, randr, shm, xfixes};
use x11rb::rust_connection::RustConnection;

use crate::capture::CaptureError;

/// A connected display.
#[expect(clippy::struct_excessive_bools, reason = "which of a server's extensions there are, each on its own")]
pub(super) struct Display {
    pub connection: RustConnection,
    pub root: Window,
    /// MIT-SHM with file descriptors (1.2): pixels need not go through the socket.
    pub has_shared_memory: bool,
    /// Composite: windows can be read where others cover them.
    pub has_composite: bool,
    /// Damage: the server tells whether anything was drawn.
    pub has_damage: bool,
    /// `XFixes`: the pointer's picture.
    pub has_cursor: bool,
    /// `RandR` 1.5: monitors.
    pub has_monitors: bool,
}

impl Display {
    /// Connects to a display, or to the one that `DISPLAY` names.
    pub(super) fn connect(name: Option<&str>) -> Result<Self, CaptureError> {
        let missing = std::env::var_os("DISPLAY").is_none_or(|display| display.is_empty());
        if name.is_none() && missing {
            return Err(CaptureError::NoDisplay {
                advice: "No X11 display is set: start Confab inside a graphical session, or set DISPLAY.".into(),
            });
        }
        let (connection, screen) = x11rb::connect(name).map_err(|error| CaptureError::NoDisplay {
            advice: format!(
                "The X server does not answer ({error}): check DISPLAY and access to it (xhost, XAUTHORITY)."
            ),
        })?;
        let setup = connection.setup();
        let root_screen = &setup.roots[screen];
        let root = root_screen.root;
        let is_bgrx = setup.image_byte_order == ImageOrder::LSB_FIRST
            && setup
                .pixmap_formats
                .iter()
                .any(|format| format.depth == root_screen.root_depth && format.bits_per_pixel == 32)
            && root_screen
                .allowed_depths
                .iter()
                .flat_map(|depth| &depth.visuals)
                .any(|visual| visual.visual_id == root_screen.root_visual && visual.red_mask == 0x00ff_0000);
        if !is_bgrx {
            return Err(CaptureError::NoDisplay {
                advice: format!(
                    "The display has {} bits a pixel in an order that Confab does not read: set it to 24 bits.",
                    root_screen.root_depth
                ),
            });
        }
        Ok(Self {
            has_shared_memory: shared_memory(&connection),
            has_composite: composite(&connection),
            has_damage: damage(&connection),
            has_cursor: cursor(&connection),
            has_monitors: monitors(&connection),
            connection,
            root,
        })
    }
}

fn shared_memory(connection: &RustConnection) -> bool {
    let version = shm::query_version(connection).ok().and_then(|cookie| cookie.reply().ok());
    version.is_some_and(|version| (version.major_version, version.minor_version) >= (1, 2))
}

fn composite(connection: &RustConnection) -> bool {
    let version = composite::query_version(connection, 0, 4).ok().and_then(|cookie| cookie.reply().ok());
    version.is_some_and(|version| (version.major_version, version.minor_version) >= (0, 2))
}

fn damage(connection: &RustConnection) -> bool {
    damage::query_version(connection, 1, 1).is_ok_and(|cookie| cookie.reply().is_ok())
}

fn cursor(connection: &RustConnection) -> bool {
    xfixes::query_version(connection, 5, 0).is_ok_and(|cookie| cookie.reply().is_ok())
}

fn monitors(connection: &RustConnection) -> bool {
    let version = randr::query_version(connection, 1, 5).ok().and_then(|cookie| cookie.reply().ok());
    version.is_some_and(|version| (version.major_version, version.minor_version) >= (1, 5))
}

/// What went wrong with a request.
#[derive(Debug)]
pub(super) enum RequestError {
    /// The server is gone.
    Disconnected,
    /// The server refused: a window closed or changed in between.
    Refused,
}

impl From<ConnectionError> for RequestError {
    fn from(_: ConnectionError) -> Self {
        Self::Disconnected
    }
}

impl From<ReplyError> for RequestError {
    fn from(error: ReplyError) -> Self {
        match error {
            ReplyError::ConnectionError(_) => Self::Disconnected,
            ReplyError::X11Error(_) => Self::Refused,
        }
    }
}

impl From<ReplyOrIdError> for RequestError {
    fn from(error: ReplyOrIdError) -> Self {
        match error {
            ReplyOrIdError::X11Error(_) => Self::Refused,
            ReplyOrIdError::ConnectionError(_) | ReplyOrIdError::IdsExhausted => Self::Disconnected,
        }
    }
}
