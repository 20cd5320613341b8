//! Pictures drawn natively into the page, for computers whose processor draws everything. A picture goes from the decoder
//! straight to the window: the page only says where ([`super::scene`]), and paints a key color there
//! ([`super::key_color`]), since `WebKitGTK` without OpenGL has no transparent page. Through the page, five tiles took about
//! half of all the processor time of a call (`cargo xtask bench client`).

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use cairo::{Context, Format, ImageSurface};
use confab_media::convert::write_bgra;
use confab_media::scale::{Part, Scaler};
use confab_media::video_frame::I420Frame;
use glib::ObjectExt;
use gtk::prelude::WidgetExt;
use webkit2gtk::WebView;

use super::easel::{SharedEasel, Stale};
use super::key_color;
use super::scene::Place;

const PIXEL: usize = 4;

/// Begins to draw what is on the easel into this page. To be called on the window's thread.
pub fn attach(easel: &Arc<SharedEasel>, webview: &WebView) {
    let (drawn, canvas) = (Arc::clone(easel), RefCell::new(Canvas::default()));
    // A closure, since around a plain handler GTK saves and restores the context. The page is painted by asking for it
    // once more, in here, onto a surface whose pixels can be read.
    webview.connect_local("draw", false, move |values| {
        let webview = values.first()?.get::<WebView>().ok()?;
        let context = values.get(1)?.get::<Context>().ok()?;
        let scene = drawn.lock().scene();
        // Asked from in here, the page paints itself.
        let Ok(mut canvas) = canvas.try_borrow_mut() else { return Some(false.into()) };
        if scene.is_empty() {
            *canvas = Canvas::default();
            return Some(false.into());
        }
        let painted = canvas.paint(&webview, &context, &drawn, &scene);
        if let Err(error) = &painted {
            tracing::debug!(%error, "the window was not drawn");
        }
        Some(painted.is_ok().into())
    });
    let (easel, webview) = (Arc::clone(easel), webview.clone());
    glib::MainContext::default().spawn_local(async move {
        loop {
            easel.stale().await;
            queue(&webview, easel.lock().take_stale());
        }
    });
}

/// Has parts of the window drawn anew, or all of it.
fn queue(webview: &WebView, stale: Option<Vec<Stale>>) {
    let Some(stale) = stale else { return webview.queue_draw() };
    let scale = f64::from(webview.scale_factor().max(1));
    for [x, y, width, height] in stale {
        let (left, top) = ((x / scale).floor(), (y / scale).floor());
        let (right, bottom) = (((x + width) / scale).ceil(), ((y + height) / scale).ceil());
        webview.queue_draw_area(left as i32, top as i32, (right - left) as i32, (bottom - top) as i32);
    }
}

/// The window's pixels, and the pictures as they lie there.
#[derive(Default)]
struct Canvas {
    surface: Option<ImageSurface>,
    pictures: HashMap<String, Shown>,
    scaler: Scaler,
}

/// A picture in the size and part that its place shows.
struct Shown {
    place: Place,
    pixels: Vec<u32>,
    width: usize,
}

/// Pixels from the window's top left corner; what is left of or above it is negative.
#[derive(Clone, Copy)]
struct Rectangle {
    left: i64,
    top: i64,
    right: i64,
    bottom: i64,
}

impl Canvas {
    /// Paints the page aside, puts the pictures behind what it paints over them, and shows both.
    fn paint(
        &mut self,
        webview: &WebView,
        context: &Context,
        easel: &SharedEasel,
        scene: &[Place],
    ) -> Result<(), cairo::Error> {
        let begin = Instant::now();
        let scale = webview.scale_factor().max(1);
        let size = (webview.allocated_width().max(1) * scale, webview.allocated_height().max(1) * scale);
        let fits = |surface: &ImageSurface| (surface.width(), surface.height()) == size;
        let mut surface = match self.surface.take().filter(fits) {
            Some(surface) => surface,
            None => ImageSurface::create(Format::Rgb24, size.0, size.1)?,
        };
        surface.set_device_scale(f64::from(scale), f64::from(scale));
        let stale = context.copy_clip_rectangle_list()?;
        let aside = Context::new(&surface)?;
        for part in stale.iter() {
            aside.rectangle(part.x(), part.y(), part.width(), part.height());
        }
        aside.clip();
        webview.draw(&aside);
        drop(aside);

        for place in scene {
            let Some((picture, fresh)) = easel.lock().draw(&place.key) else { continue };
            if fresh || self.pictures.get(&place.key).is_none_or(|pixels| pixels.place != *place) {
                self.convert(place, &picture.frame);
            }
        }
        self.pictures.retain(|key, _| scene.iter().any(|place| place.key == *key));
        let stride = surface.stride() as usize / PIXEL;
        {
            let mut data = surface.data().map_err(|_| cairo::Error::SurfaceTypeMismatch)?;
            let window: &mut [u32] =
                bytemuck::try_cast_slice_mut(&mut data).map_err(|_| cairo::Error::InvalidStride)?;
            for part in stale.iter() {
                let edge = |at: f64| at * f64::from(scale);
                let (right, bottom) = (part.x() + part.width(), part.y() + part.height());
                let part = Rectangle {
                    left: edge(part.x()).floor().max(0.0) as i64,
                    top: edge(part.y()).floor().max(0.0) as i64,
                    right: (edge(right).ceil() as i64).min(i64::from(size.0)),
                    bottom: (edge(bottom).ceil() as i64).min(i64::from(size.1)),
                };
                // The last lies on top. Where it is, nothing is put behind it.
                let mut covered = Vec::new();
                for pixels in scene.iter().rev().filter_map(|place| self.pictures.get(&place.key)) {
                    pixels.put_behind(window, stride, part, &covered);
                    covered.push(pixels.rectangle());
                }
            }
        }
        context.set_source_surface(&surface, 0.0, 0.0)?;
        context.paint()?;
        self.surface = Some(surface);
        easel.lock().note_drawing(begin.elapsed().as_secs_f64() * 1_000.0);
        Ok(())
    }

    fn convert(&mut self, place: &Place, frame: &I420Frame) {
        let size = |side: f64| (side.round().max(2.0) as u32).next_multiple_of(2);
        let (width, height) = (size(place.area.width), size(place.area.height));
        let part = Part { left: place.left, top: place.top, right: place.right, bottom: place.bottom };
        let scaled;
        let shown = if part == Part::WHOLE && (frame.width(), frame.height()) == (width, height) {
            frame
        } else {
            scaled = self.scaler.scale_part(frame, part, width, height);
            &scaled
        };
        let entry = self.pictures.entry(place.key.clone());
        let kept = entry.or_insert_with(|| Shown { place: place.clone(), pixels: Vec::new(), width: 0 });
        kept.place = place.clone();
        kept.width = width as usize;
        kept.pixels.resize(width as usize * height as usize, 0);
        let written = write_bgra(shown, bytemuck::cast_slice_mut(&mut kept.pixels), width as usize * PIXEL);
        debug_assert!(written.is_ok(), "there is room for a picture of this size");
        if place.mirrored {
            kept.pixels.chunks_exact_mut(width as usize).for_each(<[u32]>::reverse);
        }
        if place.frozen {
            key_color::fade(&mut kept.pixels);
        }
    }
}

impl Shown {
    fn rectangle(&self) -> Rectangle {
        let (left, top) = (self.place.area.x.round() as i64, self.place.area.y.round() as i64);
        let (width, height) = (self.width.max(1), self.pixels.len() / self.width.max(1));
        Rectangle { left, top, right: left + width as i64, bottom: top + height as i64 }
    }

    /// Puts what lies in a part of the window, and is not covered, behind the page there. The part lies in the window.
    fn put_behind(&self, window: &mut [u32], stride: usize, part: Rectangle, covered: &[Rectangle]) {
        let own = self.rectangle();
        for row in part.top.max(own.top)..part.bottom.min(own.bottom) {
            let mut left = part.left.max(own.left);
            let end = part.right.min(own.right);
            let mut above: Vec<&Rectangle> =
                covered.iter().filter(|other| (other.top..other.bottom).contains(&row)).collect();
            above.sort_by_key(|other| other.left);
            while left < end {
                let next = above.iter().find(|other| other.right > left);
                let right = next.map_or(end, |other| other.left.clamp(left, end));
                let length = (right - left) as usize;
                let to = row as usize * stride + left as usize;
                let from = (row - own.top) as usize * self.width + (left - own.left) as usize;
                let page = window.get_mut(to..to + length);
                if let (Some(page), Some(picture)) = (page, self.pixels.get(from..from + length)) {
                    key_color::put_behind(page, picture);
                }
                left = next.map_or(end, |other| other.right);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRIDE: usize = 6;

    /// A picture of 3 x 2 pixels whose colors are 1 to 6 above `base`, with its left upper corner here.
    fn shown(x: f64, y: f64, base: u32) -> Shown {
        let text = r#"{"key":"a","x":0,"y":0,"width":3,"height":2,"radius":0,"left":0,"top":0,"right":1,"bottom":1,"mirrored":false,"frozen":false}"#;
        let mut place: Place = serde_json::from_str(text).expect("a place");
        (place.area.x, place.area.y) = (x, y);
        Shown { place, pixels: (base + 1..=base + 6).collect(), width: 3 }
    }

    fn drawn(pictures: &[Shown], part: Rectangle) -> Vec<u32> {
        let mut window = vec![64; STRIDE * 3];
        let mut covered = Vec::new();
        for picture in pictures.iter().rev() {
            picture.put_behind(&mut window, STRIDE, part, &covered);
            covered.push(picture.rectangle());
        }
        window
    }

    const WHOLE: Rectangle = Rectangle { left: 0, top: 0, right: STRIDE as i64, bottom: 3 };

    #[test]
    fn a_picture_lies_where_its_place_is_and_what_is_out_of_the_window_is_left_out() {
        assert_eq!(drawn(&[shown(1.0, 0.0, 0)], WHOLE)[..12], [64, 1, 2, 3, 64, 64, 64, 4, 5, 6, 64, 64]);
        assert_eq!(drawn(&[shown(-2.0, -1.0, 0)], WHOLE)[..7], [6, 64, 64, 64, 64, 64, 64]);
        assert_eq!(drawn(&[shown(5.0, 2.0, 0)], WHOLE)[11..], [64, 64, 64, 64, 64, 64, 1]);
    }

    #[test]
    fn only_the_part_that_is_drawn_anew_changes() {
        let part = Rectangle { left: 2, top: 1, right: 3, bottom: 3 };
        assert_eq!(drawn(&[shown(1.0, 0.0, 0)], part)[..12], [64, 64, 64, 64, 64, 64, 64, 64, 5, 64, 64, 64]);
    }

    #[test]
    fn of_two_pictures_the_later_lies_on_top() {
        let window = drawn(&[shown(0.0, 0.0, 0), shown(1.0, 0.0, 0x10_00_00)], WHOLE);
        assert_eq!(window[..6], [1, 0x10_00_01, 0x10_00_02, 0x10_00_03, 64, 64]);
    }
}
