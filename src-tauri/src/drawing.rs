//! How the window is drawn. Linux has machines without a graphics processor (virtual ones, remote desktops); there a webview
//! that composes layers by OpenGL has the processor do all of OpenGL's work, several times for each picture. It is told
//! to paint plainly instead, and pictures do not go through it (`frames::into_page`).

use std::path::Path;
use std::sync::Arc;

use tauri::AppHandle;
#[cfg(target_os = "linux")]
use tauri::Manager;

use crate::frames::SharedEasel;

/// `WebKitGTK` paints without OpenGL when this is set.
#[cfg(target_os = "linux")]
const PLAIN: &str = "WEBKIT_DISABLE_COMPOSITING_MODE";

/// Where Linux lists what can draw.
const DEVICES: &str = "/dev/dri";

/// Whether no graphics processor draws the window. Other systems always have one that the webview knows how to use.
fn is_without_gpu() -> bool {
    cfg!(target_os = "linux") && !has_render_node(Path::new(DEVICES))
}

/// Where pictures are put that are drawn natively; `None` where the page draws them. With nothing but the
/// processor to draw, each way less that a picture takes counts. The page must be painted plainly for that.
#[cfg(target_os = "linux")]
pub fn easel(app: &AppHandle) -> Option<Arc<SharedEasel>> {
    let is_plain = std::env::var_os(PLAIN).is_some_and(|plain| plain == "1");
    let window = app.webview_windows().into_values().next().filter(|_| is_without_gpu() && is_plain)?;
    let easel = Arc::new(SharedEasel::default());
    let shown = Arc::clone(&easel);
    let attached = window.with_webview(move |webview| crate::frames::attach(&shown, &webview.inner()));
    attached.is_ok().then_some(easel)
}

/// Other systems' webviews draw pictures well.
#[cfg(not(target_os = "linux"))]
pub fn easel(_app: &AppHandle) -> Option<Arc<SharedEasel>> {
    None
}

/// Starts the program again with what the webview must find in its environment from the start. Does nothing when a person
/// has set it either way, or when there is a graphics processor.
pub fn prepare() {
    #[cfg(target_os = "linux")]
    if is_without_gpu() && std::env::var_os(PLAIN).is_none() {
        use std::os::unix::process::CommandExt;
        let mut arguments = std::env::args_os();
        if let (Some(name), Ok(program)) = (arguments.next(), std::env::current_exe()) {
            // It returns only when it failed, and then the window is slower and nothing worse.
            let _slower = std::process::Command::new(program).arg0(name).args(arguments).env(PLAIN, "1").exec();
        }
    }
}

/// A render node is a device through which programs draw (`renderD128` and on); a display without one only shows.
fn has_render_node(devices: &Path) -> bool {
    let names = std::fs::read_dir(devices).into_iter().flatten().flatten().map(|entry| entry.file_name());
    names.into_iter().any(|name| name.to_str().is_some_and(|name| name.starts_with("renderD")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_render_node_is_a_graphics_processor_and_a_mere_display_or_nothing_is_none() {
        let folder = std::env::temp_dir().join(format!("confab-drawing-{}", std::process::id()));
        assert!(!has_render_node(&folder));
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("card0"), "").expect("a file");
        assert!(!has_render_node(&folder));
        std::fs::write(folder.join("renderD128"), "").expect("a file");
        assert!(has_render_node(&folder));
        std::fs::remove_dir_all(&folder).expect("it was ours");
    }
}
