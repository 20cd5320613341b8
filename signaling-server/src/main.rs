//! confab-server
fn main() {}
