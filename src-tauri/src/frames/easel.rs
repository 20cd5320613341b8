//! What is drawn into the page: where pictures lie, the newest picture of each tile, and what the window is still to be told.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::board::Picture;
use super::scene::{Area, Drawn, News, Place, Size};

/// More pictures than a page can show; a longer list is cut.
const MOST: usize = 64;

/// How many drawings' times are kept until they are told.
const KEPT_TIMES: usize = 512;

/// An easel between the socket, which says what to draw, and the window's thread, which draws it.
#[derive(Default)]
pub struct SharedEasel {
    easel: Mutex<Easel>,
    stale: Notify,
}

impl SharedEasel {
    /// Where pictures lie from now on.
    pub fn set_scene(&self, scene: Vec<Place>) {
        self.lock().set_scene(scene);
        self.stale.notify_one();
    }

    /// New pictures, to be drawn together.
    pub fn put(&self, pictures: Vec<(Arc<str>, Picture)>) {
        let mut easel = self.lock();
        for (key, picture) in pictures {
            easel.put(key, picture);
        }
        drop(easel);
        self.stale.notify_one();
    }

    /// The easel itself, for a moment.
    pub fn lock(&self) -> MutexGuard<'_, Easel> {
        self.easel.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when there may be something to be drawn again.
    pub async fn stale(&self) {
        self.stale.notified().await;
    }
}

/// A rectangle to be drawn again: x, y, width, height.
pub type Stale = [f64; 4];

/// The state itself.
#[derive(Default)]
pub struct Easel {
    scene: Arc<Vec<Place>>,
    visible: HashSet<String>,
    pictures: HashMap<Arc<str>, (Picture, bool)>,
    sizes: HashMap<Arc<str>, (u32, u32)>,
    stale: Vec<Stale>,
    everything_is_stale: bool,
    unsaid: Vec<Size>,
    drawn: HashMap<String, u64>,
    draw_ms: Vec<f64>,
}

impl Easel {
    fn set_scene(&mut self, mut scene: Vec<Place>) {
        scene.retain(Place::is_sensible);
        scene.truncate(MOST);
        self.scene = Arc::new(scene);
        self.everything_is_stale = true;
    }

    /// The tiles whose pictures are wanted. The others are forgotten.
    pub fn set_visible(&mut self, keys: HashSet<String>) {
        self.pictures.retain(|key, _| keys.contains(&**key));
        self.sizes.retain(|key, _| keys.contains(&**key));
        self.visible = keys;
    }

    fn put(&mut self, key: Arc<str>, picture: Picture) {
        if !self.visible.contains(&*key) {
            return;
        }
        let size = (picture.frame.width(), picture.frame.height());
        if self.sizes.insert(Arc::clone(&key), size) != Some(size) {
            self.unsaid.push(Size { key: key.to_string(), width: size.0, height: size.1 });
        }
        let areas = self.scene.iter().filter(|place| *place.key == *key).map(|place| place.area);
        self.stale.extend(areas.map(|Area { x, y, width, height }| [x, y, width, height]));
        self.pictures.insert(key, (picture, true));
    }

    /// What is to be drawn again since the last call; `None`: everything.
    pub fn take_stale(&mut self) -> Option<Vec<Stale>> {
        let stale = std::mem::take(&mut self.stale);
        (!std::mem::take(&mut self.everything_is_stale)).then_some(stale)
    }

    /// Where pictures lie.
    pub fn scene(&self) -> Arc<Vec<Place>> {
        Arc::clone(&self.scene)
    }

    /// A tile's newest picture, and whether it was not drawn before. It counts as drawn.
    pub fn draw(&mut self, key: &str) -> Option<(Picture, bool)> {
        let (picture, fresh) = self.pictures.get_mut(key)?;
        let was_fresh = std::mem::take(fresh);
        if was_fresh {
            *self.drawn.entry(key.to_owned()).or_default() += 1;
        }
        Some((picture.clone(), was_fresh))
    }

    /// A drawing took so long.
    pub fn note_drawing(&mut self, milliseconds: f64) {
        if self.draw_ms.len() < KEPT_TIMES {
            self.draw_ms.push(milliseconds);
        }
    }

    /// What the window is to know at once.
    pub fn take_news(&mut self) -> News {
        News { sizes: std::mem::take(&mut self.unsaid), ..News::default() }
    }

    /// What it is told now and then.
    pub fn take_counts(&mut self) -> News {
        let drawn = self.drawn.drain().map(|(key, count)| Drawn { key, count }).collect();
        News { drawn, draw_ms: std::mem::take(&mut self.draw_ms), ..News::default() }
    }
}

#[cfg(test)]
mod tests {
    use confab_media::video_frame::I420Frame;

    use super::*;

    fn scene(keys: &[&str]) -> Vec<Place> {
        let places = keys.iter().map(|key| {
            let text = format!(
                r#"{{"key":"{key}","x":10,"y":20,"width":64,"height":36,"radius":4,"left":0,"top":0,"right":1,"bottom":1,"mirrored":false,"frozen":false}}"#
            );
            serde_json::from_str(&text).expect("a place as the window writes it")
        });
        places.collect()
    }

    fn picture(width: u32) -> Picture {
        Picture { frame: Arc::new(I420Frame::new(width, 36)), presented_at_ms: 0.0 }
    }

    fn visible(easel: &SharedEasel, keys: &[&str]) {
        easel.lock().set_visible(keys.iter().map(|key| (*key).to_owned()).collect());
    }

    #[test]
    fn a_picture_that_nobody_shows_is_not_kept() {
        let easel = SharedEasel::default();
        easel.put(vec![("ines/camera".into(), picture(64))]);
        assert!(easel.lock().draw("ines/camera").is_none());
        assert!(easel.lock().take_news().is_empty());
    }

    #[test]
    fn the_window_hears_of_a_pictures_size_when_it_changes_and_when_it_is_shown_again() {
        let easel = SharedEasel::default();
        visible(&easel, &["ines/camera"]);
        for width in [64, 64, 32] {
            easel.put(vec![("ines/camera".into(), picture(width))]);
        }
        let widths: Vec<u32> = easel.lock().take_news().sizes.iter().map(|size| size.width).collect();
        assert_eq!(widths, [64, 32]);
        visible(&easel, &[]);
        visible(&easel, &["ines/camera"]);
        easel.put(vec![("ines/camera".into(), picture(32))]);
        assert_eq!(easel.lock().take_news().sizes.len(), 1);
    }

    #[test]
    fn only_the_place_of_a_new_picture_is_drawn_again_and_the_picture_counts_once() {
        let easel = SharedEasel::default();
        visible(&easel, &["ines/camera", "raj/camera"]);
        easel.set_scene(scene(&["ines/camera"]));
        assert_eq!(easel.lock().take_stale(), None, "everything");
        easel.put(vec![("ines/camera".into(), picture(64)), ("raj/camera".into(), picture(64))]);
        assert_eq!(easel.lock().take_stale(), Some(vec![[10.0, 20.0, 64.0, 36.0]]));
        assert!(easel.lock().draw("ines/camera").is_some_and(|(_, fresh)| fresh));
        assert!(easel.lock().draw("ines/camera").is_some_and(|(_, fresh)| !fresh));
        let counts = easel.lock().take_counts();
        assert_eq!(counts.drawn, [Drawn { key: "ines/camera".into(), count: 1 }]);
        assert!(easel.lock().take_counts().is_empty());
    }
}
