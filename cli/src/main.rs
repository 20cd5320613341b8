//! confab-cli
fn main() {}
