//! `herald export`: the canonical chain into a file.

use std::path::PathBuf;

use clap::Args;

use super::{CommandResult, DEFAULT_DATADIR, progress_bar};
use herald_chain::STORE_DIRECTORY;
use herald_chain::chainfile::{Range, export};
use herald_chain::store::Store;

const BAR: &str = "{bar:30} {percent:>3}% block {pos}, {per_sec}, {eta} left";

/// Export the canonical chain to a file that `herald import` and geth read
#[derive(Args, Clone, Debug)]
pub(crate) struct ExportArgs {
    /// Directory of the chain, which must be there. Example: --datadir /var/lib/herald
    #[arg(long, value_name = "DIR", default_value = DEFAULT_DATADIR)]
    datadir: PathBuf,
    /// The file, packed with gzip if its name ends in .gz. Example: chain.rlp.gz
    file: PathBuf,
    /// The first block; 0 adds genesis. Example: --from 0
    #[arg(long, value_name = "N", default_value_t = 1)]
    from: u64,
    /// The last block [default: the head]. Example: --to 1000
    #[arg(long, value_name = "N")]
    to: Option<u64>,
}

/// Runs the command.
///
/// # Errors
/// Whatever stops the export, as one sentence.
pub(crate) fn run(args: &ExportArgs) -> CommandResult {
    let store = Store::open_existing(&args.datadir.join(STORE_DIRECTORY))?;
    let located = store.locate(&store.head()?)?;
    let last = args.to.or(located.map(|(number, _)| number)).unwrap_or_default();
    let bar = progress_bar(last, BAR);
    let range = Range { from: args.from, to: args.to };
    let written = export(&store, &args.file, range, |number| bar.set_position(number));
    bar.finish_and_clear();
    println!("{}: {} blocks written", args.file.display(), written?);
    Ok(())
}
