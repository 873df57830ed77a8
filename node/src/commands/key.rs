//! `herald key`: makes a signer's key, or shows whose one is.

use std::path::PathBuf;

use clap::Args;

use super::CommandResult;
use herald_chain::key::AccountKey;

/// Make a key for sealing blocks and signing transactions, and print its address
///
/// The file holds 64 hex digits, as geth's key files for nodes do, and only its owner may read it.
#[derive(Args, Clone, Debug)]
pub(crate) struct KeyArgs {
    /// The file to write; one that is there is kept. Example: --out signer.key
    #[arg(long, value_name = "FILE", default_value = "herald.key")]
    out: PathBuf,
    /// Make none: print the address of the key in this file. Example: --show signer.key
    #[arg(long, value_name = "FILE", conflicts_with = "out")]
    show: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// A file that is there already, cannot be written, or holds no key.
pub(crate) fn run(args: &KeyArgs) -> CommandResult {
    let key = match &args.show {
        Some(path) => AccountKey::from_file(path)?,
        None => {
            let key = AccountKey::random()?;
            key.to_new_file(&args.out)?;
            key
        }
    };
    println!("{}", key.address());
    Ok(())
}
