//! What the rest of the engine tells an encode thread, without waiting for it: which layers are watched, which need a
//! keyframe, and how many bits each may spend.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use confab_protocol::Layer;

/// Shared between the engine and one encode thread. A single stream counts as [`Layer::Full`].
#[derive(Debug)]
pub struct LayerControl {
    watched: AtomicU8,
    keyframes: AtomicU8,
    targets: [AtomicU64; 3],
    size: AtomicU64,
}

impl Default for LayerControl {
    /// Everything is watched until the server says otherwise, so that the first picture waits for nobody.
    fn default() -> Self {
        Self {
            watched: AtomicU8::new(0b111),
            keyframes: AtomicU8::new(0),
            targets: [150_000, 500_000, 1_500_000].map(AtomicU64::new),
            size: AtomicU64::new(0),
        }
    }
}

/// The place of a layer in a set of bits and in the arrays.
pub fn place(layer: Layer) -> usize {
    match layer {
        Layer::Quarter => 0,
        Layer::Half => 1,
        Layer::Full => 2,
    }
}

impl LayerControl {
    /// Which layers somebody watches. One that was not watched before begins with a keyframe.
    pub fn set_watched(&self, layers: &[Layer]) {
        let bits = layers.iter().fold(0, |bits, layer| bits | 1 << place(*layer));
        let before = self.watched.swap(bits, Ordering::AcqRel);
        self.keyframes.fetch_or(bits & !before, Ordering::AcqRel);
    }

    /// Whether somebody watches the layer.
    pub fn is_watched(&self, layer: Layer) -> bool {
        self.watched.load(Ordering::Acquire) & 1 << place(layer) != 0
    }

    /// A keyframe is needed; of every layer when none is named.
    pub fn request_keyframe(&self, layer: Option<Layer>) {
        let bits = layer.map_or(0b111, |layer| 1 << place(layer));
        self.keyframes.fetch_or(bits, Ordering::AcqRel);
    }

    /// Whether the layer's next frame must be a keyframe; asking settles it.
    pub fn take_keyframe(&self, layer: Layer) -> bool {
        let bit = 1 << place(layer);
        self.keyframes.fetch_and(!bit, Ordering::AcqRel) & bit != 0
    }

    /// Bits per second the layer may spend; 0 switches it off.
    pub fn set_target(&self, layer: Layer, bits_per_second: u64) {
        let before = self.targets[place(layer)].swap(bits_per_second, Ordering::AcqRel);
        if before == 0 && bits_per_second > 0 {
            self.request_keyframe(Some(layer));
        }
    }

    /// Bits per second the layer may spend.
    pub fn target(&self, layer: Layer) -> u64 {
        self.targets[place(layer)].load(Ordering::Acquire)
    }

    /// The encode thread says the size of the full layer.
    pub fn set_size(&self, width: u32, height: u32) {
        self.size.store(u64::from(width) << 32 | u64::from(height), Ordering::Release);
    }

    /// Size of the full layer, once a frame has come.
    pub fn size(&self) -> Option<(u32, u32)> {
        let size = self.size.load(Ordering::Acquire);
        (size != 0).then_some(((size >> 32) as u32, size as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_that_comes_into_view_begins_with_a_keyframe() {
        let control = LayerControl::default();
        control.set_watched(&[Layer::Full]);
        assert!(!control.take_keyframe(Layer::Full), "it was watched before");
        control.set_watched(&[Layer::Full, Layer::Quarter]);
        assert!(control.take_keyframe(Layer::Quarter));
        assert!(!control.take_keyframe(Layer::Quarter), "asked once, made once");
        assert!(!control.is_watched(Layer::Half));
    }

    #[test]
    fn a_keyframe_request_names_one_layer_or_all() {
        let control = LayerControl::default();
        control.request_keyframe(Some(Layer::Half));
        assert!(control.take_keyframe(Layer::Half));
        assert!(!control.take_keyframe(Layer::Full));
        control.request_keyframe(None);
        assert!(Layer::ALL.into_iter().all(|layer| control.take_keyframe(layer)));
    }

    #[test]
    fn a_layer_switched_on_again_begins_with_a_keyframe() {
        let control = LayerControl::default();
        control.set_target(Layer::Full, 0);
        assert!(!control.take_keyframe(Layer::Full));
        control.set_target(Layer::Full, 400_000);
        assert!(control.take_keyframe(Layer::Full));
    }

    #[test]
    fn the_size_is_known_after_the_first_frame() {
        let control = LayerControl::default();
        assert_eq!(control.size(), None);
        control.set_size(1280, 720);
        assert_eq!(control.size(), Some((1280, 720)));
    }
}
