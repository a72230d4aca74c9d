//! The command `iaxproof`.

fn main() {}
