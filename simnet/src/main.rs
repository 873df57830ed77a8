//! The command line of the simulator.

mod commands;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::main()
}
