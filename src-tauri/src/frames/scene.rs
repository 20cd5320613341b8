//! What the window says of pictures that are drawn into its page, and what it is told of them. `ui/src/bridge/scene.ts` is
//! the other side. Pixels are device pixels from the window's top left corner.

use serde::{Deserialize, Serialize};

/// A rectangle.
#[derive(Clone, Copy, PartialEq, Debug, Deserialize)]
pub struct Area {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// How wide.
    pub width: f64,
    /// How high.
    pub height: f64,
}

/// Where a picture is shown, and which part of it.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct Place {
    /// The tile's key.
    pub key: String,
    /// Where it is.
    #[serde(flatten)]
    pub area: Area,
    /// The part that is shown, from 0 to 1 of the picture's sides.
    pub left: f64,
    /// See [`Self::left`].
    pub top: f64,
    /// See [`Self::left`].
    pub right: f64,
    /// See [`Self::left`].
    pub bottom: f64,
    /// Left and right change sides.
    pub mirrored: bool,
    /// An old picture: grey and dark.
    pub frozen: bool,
}

/// Longest side of a picture in the window, and how far off it may be, pixels.
const LONGEST: f64 = 16_384.0;
const FARTHEST: f64 = 65_536.0;

impl Place {
    /// Whether there is such a place in a window.
    pub fn is_sensible(&self) -> bool {
        let Area { x, y, width, height } = self.area;
        [width, height].iter().all(|side| (1.0..=LONGEST).contains(side)) && x.abs() <= FARTHEST && y.abs() <= FARTHEST
    }
}

/// What the window is told.
#[derive(Default, PartialEq, Debug, Serialize)]
pub struct News {
    /// Sizes of pictures, as they change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sizes: Vec<Size>,
    /// Pictures drawn since the last time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drawn: Vec<Drawn>,
    /// What drawings took since the last time, milliseconds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub draw_ms: Vec<f64>,
}

impl News {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A picture's size, pixels.
#[derive(PartialEq, Debug, Serialize)]
pub struct Size {
    /// The tile's key.
    pub key: String,
    /// How wide.
    pub width: u32,
    /// How high.
    pub height: u32,
}

/// How many pictures of a tile were drawn.
#[derive(PartialEq, Debug, Serialize)]
pub struct Drawn {
    /// The tile's key.
    pub key: String,
    /// How many.
    pub count: u64,
}
