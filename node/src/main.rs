//! The binary `herald`.
fn main() {}
