//! What there is to share on a display.

use x11rb::protocol::randr;
use x11rb::protocol::xproto::{self, Atom, AtomEnum, MapState, Window, WindowClass};
use x11rb::rust_connection::RustConnection;

use super::display::{Display, RequestError};
use super::grabber::Area;
use crate::capture::ScreenChoice;
use crate::devices::{ScreenInfo, ScreenKind};

/// Smaller windows are icons and helpers, not something to share.
const SMALLEST: u16 = 32;

/// The whole screen, the monitors where there are several, the windows.
pub(super) fn list(display: &Display) -> Result<Vec<ScreenInfo>, RequestError> {
    let root = xproto::get_geometry(&display.connection, display.root)?.reply()?;
    let mut screens = vec![ScreenInfo {
        id: ScreenChoice::WholeScreen.to_string(),
        title: "Whole screen".into(),
        kind: ScreenKind::Screen,
        width: root.width.into(),
        height: root.height.into(),
    }];
    let monitors = monitors(display)?;
    if monitors.len() > 1 {
        screens.extend(monitors.into_iter().map(|(name, area)| ScreenInfo {
            id: ScreenChoice::Monitor(name.clone()).to_string(),
            title: name,
            kind: ScreenKind::Monitor,
            width: area.width.into(),
            height: area.height.into(),
        }));
    }
    for window in windows(display)? {
        // A window may close while it is described: it is left out.
        if let Ok(Some(info)) = describe(&display.connection, window) {
            screens.push(info);
        }
    }
    Ok(screens)
}

/// The monitors by name; empty where the server knows none.
pub(super) fn monitors(display: &Display) -> Result<Vec<(String, Area)>, RequestError> {
    if !display.has_monitors {
        return Ok(Vec::new());
    }
    let connection = &display.connection;
    let reply = randr::get_monitors(connection, display.root, true)?.reply()?;
    reply
        .monitors
        .iter()
        .map(|monitor| {
            let name = xproto::get_atom_name(connection, monitor.name)?.reply()?.name;
            let area = Area { x: monitor.x, y: monitor.y, width: monitor.width, height: monitor.height };
            Ok((String::from_utf8_lossy(&name).into_owned(), area))
        })
        .collect()
}

/// What the window manager lists; without one, the mapped windows of the root.
fn windows(display: &Display) -> Result<Vec<Window>, RequestError> {
    let connection = &display.connection;
    let atom = intern(connection, "_NET_CLIENT_LIST_STACKING")?;
    let managed = xproto::get_property(connection, false, display.root, atom, AtomEnum::WINDOW, 0, 4096)?.reply()?;
    if let Some(windows) = managed.value32() {
        let windows: Vec<Window> = windows.collect();
        if !windows.is_empty() {
            return Ok(windows);
        }
    }
    Ok(xproto::query_tree(connection, display.root)?.reply()?.children)
}

fn describe(connection: &RustConnection, window: Window) -> Result<Option<ScreenInfo>, RequestError> {
    let attributes = xproto::get_window_attributes(connection, window)?.reply()?;
    let geometry = xproto::get_geometry(connection, window)?.reply()?;
    let is_shareable = attributes.class == WindowClass::INPUT_OUTPUT
        && attributes.map_state == MapState::VIEWABLE
        && !attributes.override_redirect
        && geometry.width >= SMALLEST
        && geometry.height >= SMALLEST;
    if !is_shareable {
        return Ok(None);
    }
    Ok(Some(ScreenInfo {
        id: ScreenChoice::Window(window).to_string(),
        title: title(connection, window)?.unwrap_or_else(|| format!("Window {window:#x}")),
        kind: ScreenKind::Window,
        width: geometry.width.into(),
        height: geometry.height.into(),
    }))
}

fn title(connection: &RustConnection, window: Window) -> Result<Option<String>, RequestError> {
    let modern = intern(connection, "_NET_WM_NAME")?;
    for property in [modern, AtomEnum::WM_NAME.into(), AtomEnum::WM_CLASS.into()] {
        let reply = xproto::get_property(connection, false, window, property, AtomEnum::ANY, 0, 256)?.reply()?;
        // The class is two strings with a zero after each; the rest has none.
        let text = reply.value.split(|byte| *byte == 0).next().unwrap_or_default();
        let text = String::from_utf8_lossy(text);
        if !text.trim().is_empty() {
            return Ok(Some(text.trim().to_owned()));
        }
    }
    Ok(None)
}

fn intern(connection: &RustConnection, name: &str) -> Result<Atom, RequestError> {
    Ok(xproto::intern_atom(connection, false, name.as_bytes())?.reply()?.atom)
}
