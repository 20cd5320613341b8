//! Prints the TypeScript of the wire types; `cargo xtask codegen` writes it to its place.

fn main() {
    print!("{}", confab_protocol::typescript::generate());
}
