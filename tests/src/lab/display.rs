//! An X display that nobody sees.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use x11rb::connection::Connection;
use x11rb::protocol::xproto::{ConnectionExt, ImageFormat};

use super::error::{LabError, Outcome};
use super::picture::Picture;
use super::process::{Process, Running};
use super::programs::tool;

/// A running Xvfb; dropping it ends it.
#[derive(Debug)]
pub struct Display {
    number: u32,
    folder: PathBuf,
    _server: Running,
}

impl Display {
    /// Starts a display of this size in pixels, with 24 bits of colour.
    ///
    /// # Errors
    /// When Xvfb is missing or does not get ready.
    pub fn start(folder: &Path, width: u32, height: u32) -> Outcome<Self> {
        let screen = format!("{width}x{height}x24");
        let server = Process::new(&tool("Xvfb")?, "xvfb", folder)
            // It picks a free number itself and says which.
            .args(["-displayfd", "1", "-screen", "0", &screen, "-nolisten", "tcp", "-noreset"])
            .start()?;
        let read = |line: &super::process::Line| line.text.trim().parse().ok();
        let (_, number) = server.wait_for_line("its display number", Duration::from_secs(20), 0, read)?;
        Ok(Self { number, folder: folder.into(), _server: server })
    }

    /// As `DISPLAY` wants it.
    pub fn name(&self) -> String {
        format!(":{}", self.number)
    }

    /// What a program needs to draw here.
    pub fn environment(&self) -> [(String, String); 2] {
        [("DISPLAY".into(), self.name()), ("GDK_BACKEND".into(), "x11".into())]
    }

    /// Saves what is on the display as a PNG file.
    ///
    /// # Errors
    /// When the picture cannot be taken.
    pub fn screenshot(&self, file: &Path) -> Outcome {
        let output = Command::new(tool("import")?)
            .args(["-display", &self.name(), "-window", "root"])
            .arg(file)
            .output()
            .map_err(|error| LabError::io("import", error))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(LabError::Unexpected(format!("no screenshot of display {}: {}", self.name(), said.trim())))
    }

    /// What is on the display, without colour.
    ///
    /// # Errors
    /// When the picture cannot be taken.
    pub fn photograph(&self) -> Outcome<Picture> {
        self.grab().map_err(|error| LabError::Unexpected(format!("no picture of display {}: {error}", self.name())))
    }

    /// By the X protocol itself: programs that take pictures need a second of a busy machine.
    fn grab(&self) -> Result<Picture, Box<dyn std::error::Error>> {
        let (connection, screen) = x11rb::connect(Some(&self.name()))?;
        let screen = &connection.setup().roots[screen];
        let (width, height) = (screen.width_in_pixels, screen.height_in_pixels);
        let image = connection.get_image(ImageFormat::Z_PIXMAP, screen.root, 0, 0, width, height, u32::MAX)?.reply()?;
        let brightness = |pixel: &[u8]| {
            let [blue, green, red] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
            ((red * 299 + green * 587 + blue * 114) / 1_000) as u8
        };
        let luma = image.data.chunks_exact(4).map(brightness).collect();
        Picture::new(width.into(), height.into(), luma).ok_or_else(|| "the picture is not 32 bits a pixel".into())
    }

    /// Puts a picture behind all windows.
    ///
    /// # Errors
    /// When it cannot be shown.
    pub fn show_behind_all(&self, picture: &Picture) -> Outcome {
        let file = self.folder.join("background.pgm");
        picture.write_pgm(&file)?;
        let shown = Command::new(tool("display")?)
            .args(["-display", &self.name(), "-window", "root"])
            .arg(&file)
            .output()
            .map_err(|error| LabError::io("display", error))?;
        // Its status is 1 whether it worked or not, so only what it says counts.
        if shown.stderr.is_empty() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&shown.stderr);
        Err(LabError::Unexpected(format!("no picture on display {}: {}", self.name(), said.trim())))
    }

    /// Shows a picture in a window of its own at this place, until the process is dropped. The title is the window's.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn show_in_window(&self, picture: &Picture, title: &str, left: u32, top: u32) -> Outcome<Running> {
        let file = self.folder.join(format!("{title}.pgm"));
        picture.write_pgm(&file)?;
        let place = format!("{}x{}+{left}+{top}", picture.width(), picture.height());
        Process::new(&tool("display")?, &format!("window-{title}"), &self.folder)
            .args(["-display", &self.name(), "-immutable", "-title", title, "-geometry", &place])
            .args([file])
            .start()
    }
}
