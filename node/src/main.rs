//! The binary `herald`.

use std::process::ExitCode;

fn main() -> ExitCode {
    herald_node::cli::main()
}
