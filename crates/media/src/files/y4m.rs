//! YUV4MPEG2 (`.y4m`): uncompressed video with a text header, 8-bit 4:2:0.

use std::io::{self, BufRead, Write};

use crate::convert;
use crate::video_frame::I420Frame;

/// Longest header line that is read, in bytes.
const MAX_LINE: u64 = 1024;
const MAGIC: &str = "YUV4MPEG2";

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Y4mError {
    /// The file does not start as YUV4MPEG2 does.
    #[error("This is not a Y4M file.")]
    NotY4m,
    /// A header field is missing or makes no sense.
    #[error("The Y4M header is damaged: {0}")]
    BadHeader(String),
    /// Only 8-bit 4:2:0 is supported.
    #[error("The Y4M colour format {0} is not supported, only 8-bit 4:2:0 is.")]
    UnsupportedFormat(String),
    /// A frame is cut off or has no frame header.
    #[error("Frame {0} of the Y4M file is damaged or cut off.")]
    BadFrame(u64),
    /// A frame of another size than the file's header says.
    #[error("The Y4M file holds {expected_width}x{expected_height} pictures, this one is {width}x{height}.")]
    WrongSize {
        /// Width of the picture.
        width: u32,
        /// Height of the picture.
        height: u32,
        /// Width in the header.
        expected_width: u32,
        /// Height in the header.
        expected_height: u32,
    },
    /// The file itself could not be read or written.
    #[error("The Y4M file could not be read or written: {0}")]
    Io(#[from] io::Error),
}

/// What a file's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Frames per second as a fraction; 30/1 when the file does not say.
    pub frame_rate: (u32, u32),
}

impl Header {
    /// Frames per second.
    pub fn fps(&self) -> f64 {
        f64::from(self.frame_rate.0) / f64::from(self.frame_rate.1)
    }

    fn parse(line: &str) -> Result<Self, Y4mError> {
        let mut fields = line.trim_end().split(' ');
        if fields.next() != Some(MAGIC) {
            return Err(Y4mError::NotY4m);
        }
        let (mut width, mut height, mut frame_rate) = (None, None, (30, 1));
        for field in fields.filter(|field| !field.is_empty()) {
            let (name, value) = field.split_at(field.chars().next().map_or(0, char::len_utf8));
            match name {
                "W" => width = side(value),
                "H" => height = side(value),
                "F" => frame_rate = fraction(value).ok_or_else(|| Y4mError::BadHeader(field.to_owned()))?,
                "C" if !matches!(value, "420" | "420jpeg" | "420mpeg2" | "420paldv") => {
                    return Err(Y4mError::UnsupportedFormat(value.to_owned()));
                }
                _ => {}
            }
        }
        match (width, height) {
            (Some(width), Some(height)) => Ok(Self { width, height, frame_rate }),
            _ => Err(Y4mError::BadHeader("it has no usable width and height".to_owned())),
        }
    }
}

fn side(text: &str) -> Option<u32> {
    text.parse().ok().filter(|side| (2..=convert::MAX_SIDE).contains(side))
}

fn fraction(text: &str) -> Option<(u32, u32)> {
    let (numerator, denominator) = text.split_once(':')?;
    let parsed = (numerator.parse().ok()?, denominator.parse().ok()?);
    (parsed.0 > 0 && parsed.1 > 0).then_some(parsed)
}

/// Reads frames one after the other.
pub struct Reader<R> {
    input: R,
    header: Header,
    frames: u64,
    buffer: Vec<u8>,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// Any [`Y4mError`] about the header.
    pub fn new(mut input: R) -> Result<Self, Y4mError> {
        let line = read_line(&mut input)?.ok_or(Y4mError::NotY4m)?;
        let header = Header::parse(&line)?;
        Ok(Self { input, header, frames: 0, buffer: Vec::new() })
    }

    /// What the file's header says.
    pub fn header(&self) -> Header {
        self.header
    }

    /// The next picture (odd sides lose one pixel), `None` at the end of the file.
    ///
    /// # Errors
    /// [`Y4mError::BadFrame`] or [`Y4mError::Io`].
    pub fn read_frame(&mut self) -> Result<Option<I420Frame>, Y4mError> {
        let damaged = Y4mError::BadFrame(self.frames);
        let Some(line) = read_line(&mut self.input)? else { return Ok(None) };
        if !line.starts_with("FRAME") {
            return Err(damaged);
        }
        let Header { width, height, .. } = self.header;
        let (columns, rows) = (width as usize, height as usize);
        self.buffer.resize(columns * rows + 2 * columns.div_ceil(2) * rows.div_ceil(2), 0);
        match self.input.read_exact(&mut self.buffer) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(damaged),
            Err(error) => return Err(error.into()),
        }
        self.frames += 1;
        convert::i420(&self.buffer, width, height).map(Some).map_err(|_| damaged)
    }
}

/// One line without its end, `None` at the end of the input. Longer lines than any header are cut off.
fn read_line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    let count = io::Read::take(&mut *input, MAX_LINE).read_until(b'\n', &mut line)?;
    Ok((count > 0).then(|| String::from_utf8_lossy(&line).trim_end().to_owned()))
}

/// Writes frames one after the other.
pub struct Writer<W> {
    output: W,
    header: Header,
}

impl<W: Write> Writer<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// [`Y4mError::Io`].
    pub fn new(mut output: W, header: Header) -> Result<Self, Y4mError> {
        let Header { width, height, frame_rate: (numerator, denominator) } = header;
        writeln!(output, "{MAGIC} W{width} H{height} F{numerator}:{denominator} Ip A1:1 C420mpeg2 XYSCSS=420MPEG2")?;
        Ok(Self { output, header })
    }

    /// Appends a picture.
    ///
    /// # Errors
    /// [`Y4mError::WrongSize`] when it does not have the file's size, [`Y4mError::Io`].
    pub fn write_frame(&mut self, frame: &I420Frame) -> Result<(), Y4mError> {
        if (frame.width(), frame.height()) != (self.header.width, self.header.height) {
            return Err(Y4mError::WrongSize {
                width: frame.width(),
                height: frame.height(),
                expected_width: self.header.width,
                expected_height: self.header.height,
            });
        }
        self.output.write_all(b"FRAME\n")?;
        self.output.write_all(frame.as_bytes())?;
        Ok(())
    }

    /// Flushes and gives back what was written to.
    ///
    /// # Errors
    /// [`Y4mError::Io`].
    pub fn finish(mut self) -> Result<W, Y4mError> {
        self.output.flush()?;
        Ok(self.output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::TestPattern;

    #[test]
    fn what_is_written_is_read_again() {
        let pattern = TestPattern::new(64, 36);
        let header = Header { width: 64, height: 36, frame_rate: (30_000, 1001) };
        let mut writer = Writer::new(Vec::new(), header).unwrap();
        for number in 0..3 {
            writer.write_frame(&pattern.render(number, 0)).unwrap();
        }
        let file = writer.finish().unwrap();
        let mut reader = Reader::new(file.as_slice()).unwrap();
        assert_eq!(reader.header(), header);
        assert!((reader.header().fps() - 29.97).abs() < 0.01);
        for number in 0..3 {
            assert_eq!(reader.read_frame().unwrap().unwrap(), pattern.render(number, 0));
        }
        assert!(reader.read_frame().unwrap().is_none());
    }

    #[test]
    fn odd_sizes_lose_a_pixel() {
        let mut file = b"YUV4MPEG2 W3 H5 F25:1\nFRAME Ip\n".to_vec();
        file.extend(std::iter::repeat_n(50, 15 + 2 * 6));
        let frame = Reader::new(file.as_slice()).unwrap().read_frame().unwrap().unwrap();
        assert_eq!((frame.width(), frame.height()), (2, 4));
    }

    #[test]
    fn damaged_files_are_refused_in_words() {
        let refuse = |bytes: &[u8]| Reader::new(bytes).map(|_| ()).unwrap_err().to_string();
        assert_eq!(refuse(b""), "This is not a Y4M file.");
        assert_eq!(refuse(b"RIFF"), "This is not a Y4M file.");
        assert!(refuse(b"YUV4MPEG2 W9999999 H2\n").contains("width and height"));
        assert!(refuse(b"YUV4MPEG2 W4 H2 F30:0\n").contains("F30:0"));
        assert!(refuse(b"YUV4MPEG2 W4 H2 C444\n").contains("444"));
        let mut cut = Reader::new(&b"YUV4MPEG2 W4 H2\nFRAME\nabc"[..]).unwrap();
        assert!(matches!(cut.read_frame(), Err(Y4mError::BadFrame(0))));
        let mut wrong = Reader::new(&b"YUV4MPEG2 W4 H2\nframe\n"[..]).unwrap();
        assert!(matches!(wrong.read_frame(), Err(Y4mError::BadFrame(0))));
    }
}
