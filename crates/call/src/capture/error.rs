//! What can go wrong with a source, in words for people.

use std::path::PathBuf;

/// Why a camera, microphone or screen gives nothing.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CaptureError {
    /// The machine has no camera at all.
    #[error("No camera was found. Connect one and choose it, to be seen.")]
    NoCamera,
    /// The machine has no microphone at all.
    #[error("No microphone was found. Connect one and choose it, to be heard.")]
    NoMicrophone,
    /// The chosen device is not (or no longer) in the list.
    #[error("\"{device}\" is not connected. Choose another one.")]
    NotFound {
        /// Name or id, as chosen.
        device: String,
    },
    /// The device went away while it was in use.
    #[error("\"{device}\" was disconnected.")]
    DeviceLost {
        /// Name for people.
        device: String,
    },
    /// The device is there but delivers nothing.
    #[error("\"{device}\" stopped delivering. Reconnect it or choose another one.")]
    Stalled {
        /// Name for people.
        device: String,
    },
    /// Another program has it.
    #[error("\"{device}\" is in use by another program. Close that program and try again.")]
    Busy {
        /// Name for people.
        device: String,
    },
    /// The system does not let this program use it.
    #[error("Confab is not allowed to use \"{device}\". {advice}")]
    NotAllowed {
        /// Name for people.
        device: String,
        /// What to do about it.
        advice: &'static str,
    },
    /// Nothing it offers can be used.
    #[error("\"{device}\" offers no format that Confab can use ({detail}).")]
    UnsupportedFormat {
        /// Name for people.
        device: String,
        /// What it does offer.
        detail: String,
    },
    /// The shared window is gone.
    #[error("The shared window was closed.")]
    WindowClosed,
    /// The shared screen is gone.
    #[error("The shared screen is no longer connected.")]
    ScreenGone,
    /// There is no display to share.
    #[error("No screen can be shared here. {advice}")]
    NoDisplay {
        /// What to do about it.
        advice: String,
    },
    /// Not in this version.
    #[error("{what}")]
    Unsupported {
        /// A sentence that says what and which version brings it.
        what: &'static str,
    },
    /// A file that stands in for a device cannot be read.
    #[error("\"{}\" cannot be used: {reason}.", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why, in a few words.
        reason: String,
    },
    /// The choice was "none".
    #[error("Nothing was chosen.")]
    NothingChosen,
    /// Anything else the system says.
    #[error("\"{device}\" does not work: {detail}.")]
    Failed {
        /// Name for people.
        device: String,
        /// The system's words.
        detail: String,
    },
}

impl CaptureError {
    /// Whether the device was there and is there no more, so that falling back to the default one makes sense.
    pub fn is_lost(&self) -> bool {
        matches!(self, Self::DeviceLost { .. } | Self::Stalled { .. } | Self::ScreenGone)
    }
}
