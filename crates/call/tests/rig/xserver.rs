//! An X server without a screen (Xvfb) and windows to look at.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use confab_media::convert;
use confab_media::video_frame::I420Frame;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{self, CreateGCAux, CreateWindowAux, ImageFormat, PropMode, Window, WindowClass};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// The running server; killed when dropped.
pub struct XServer {
    server: Child,
    /// `:7`, for instance.
    pub display: String,
}

impl XServer {
    pub fn start(width: u32, height: u32) -> Self {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-nolisten", "tcp", "-screen", "0"])
            .arg(format!("{width}x{height}x24"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb is needed for this test: apt-get install xvfb");
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let number: u32 = line.trim().parse().expect("Xvfb did not start");
        Self { server, display: format!(":{number}") }
    }

    pub fn client(&self) -> Client {
        let (connection, screen) = x11rb::connect(Some(&self.display)).unwrap();
        let root = connection.setup().roots[screen].root;
        Client { connection, root }
    }

    pub fn kill(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Drop for XServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A program with windows.
pub struct Client {
    pub connection: RustConnection,
    pub root: Window,
}

impl Client {
    /// A mapped window of one colour (0xRRGGBB).
    pub fn window(&self, title: &str, at: (i16, i16), size: (u16, u16), colour: u32) -> Window {
        let window = self.connection.generate_id().unwrap();
        let look = CreateWindowAux::new().background_pixel(colour);
        let class = WindowClass::INPUT_OUTPUT;
        let connection = &self.connection;
        xproto::create_window(connection, 0, window, self.root, at.0, at.1, size.0, size.1, 0, class, 0, &look)
            .unwrap();
        connection
            .change_property8(
                PropMode::REPLACE,
                window,
                xproto::AtomEnum::WM_NAME,
                xproto::AtomEnum::STRING,
                title.as_bytes(),
            )
            .unwrap();
        xproto::map_window(connection, window).unwrap();
        connection.sync().unwrap();
        window
    }

    /// Paints a picture into a window's upper left corner.
    pub fn paint(&self, window: Window, frame: &I420Frame) {
        let rgba = convert::to_rgba(frame);
        let pixels: Vec<u8> = rgba.chunks_exact(4).flat_map(|pixel| [pixel[2], pixel[1], pixel[0], 0]).collect();
        let context = self.connection.generate_id().unwrap();
        xproto::create_gc(&self.connection, context, window, &CreateGCAux::new()).unwrap();
        // A request holds 256 KiB.
        let row = frame.width() as usize * 4;
        let rows = (200 * 1024 / row).max(1);
        for (index, band) in pixels.chunks(row * rows).enumerate() {
            let (width, height) = (frame.width() as u16, (band.len() / row) as u16);
            let top = (index * rows) as i16;
            let format = ImageFormat::Z_PIXMAP;
            xproto::put_image(&self.connection, format, window, context, width, height, 0, top, 0, 24, band).unwrap();
        }
        xproto::free_gc(&self.connection, context).unwrap();
        self.connection.sync().unwrap();
    }

    pub fn sync(&self) {
        self.connection.sync().unwrap();
    }
}
