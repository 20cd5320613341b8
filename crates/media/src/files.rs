//! Uncompressed file formats over any reader or writer.

pub mod wav;
pub mod y4m;
