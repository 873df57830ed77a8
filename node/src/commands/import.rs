//! `herald import`: chain files into a data directory.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alloy_primitives::B256;
use clap::Args;
use thiserror::Error;

use super::{CommandResult, Datadir, EngineFlag, progress_bar, strictness};
use herald_chain::chainfile::{
    ChainFileError, FileError, Import, ImportFileError, Reader, import_blocks, read_genesis,
};
use herald_chain::clock::Clock;
use herald_chain::genesis::Genesis;
use herald_chain::{Chain, ChainOptions};

const BAR: &str = "{bar:30} {percent:>3}% {binary_bytes_per_sec}, {eta} left: {msg}";

/// Import chain files: blocks in RLP one after another, plain or gzip, as geth writes them
///
/// Every block is checked. The first bad one stops the import, and all before it stay; a second
/// run goes on where the first stopped.
#[derive(Args, Clone, Debug)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    datadir: Datadir,
    /// geth's genesis JSON, or a file that begins with the genesis block in RLP. Not needed when
    /// the first file begins with block 0. Example: --genesis genesis.json
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
    /// Log keys of the genesis that are not known, and go on without them. They may be misspelt
    /// rules of the chain [default: refuse them]
    #[arg(long, requires = "genesis")]
    genesis_lenient: bool,
    /// Whose rules blocks are checked by. Example: --engine trusted
    #[arg(long, value_name = "ENGINE", default_value = "auto")]
    engine: EngineFlag,
    /// The files, in their order. Example: chain.rlp more.rlp.gz
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// An import that cannot begin.
#[derive(Clone, Debug, Error)]
pub(crate) enum ImportSetupError {
    /// Neither a genesis nor a file that begins with one.
    #[error("{} does not begin with block 0; give the chain's genesis with --genesis", path.display())]
    NoGenesis {
        /// The first file.
        path: PathBuf,
    },
    /// Two that disagree.
    #[error(
        "{} begins with genesis {in_file}, and --genesis gives {given}; leave --genesis out, or \
         give that chain's",
        path.display()
    )]
    TwoGeneses {
        /// The first file.
        path: PathBuf,
        /// What it begins with.
        in_file: B256,
        /// What was given beside it.
        given: B256,
    },
}

/// Runs the command.
///
/// # Errors
/// Whatever stops the import, as one sentence.
pub(crate) fn run(args: &ImportArgs) -> CommandResult {
    let clock = Clock::system();
    let given = args.genesis.as_deref();
    let given = given.map(|path| read_genesis(path, strictness(args.genesis_lenient))).transpose()?;
    let genesis = choose_genesis(given, args.files.first())?;
    let options = ChainOptions::default().with(|options| options.clock = clock.clone());
    let chain = Chain::open(&args.datadir.datadir, genesis, args.engine.clone().into(), options)?;
    if let Some(unchecked) = chain.engine().unchecked() {
        println!("the engine {} does not check {unchecked}", chain.engine().name());
    }
    for path in &args.files {
        let started = clock.now();
        let import = import_with_bar(&chain, path)?;
        let seconds = clock.now().saturating_sub(started).as_secs_f64();
        let blocks = (import.imported + import.known) as f64;
        println!(
            "{}: {import} in {seconds:.1} s, {:.0} blocks/s",
            path.display(),
            blocks / seconds.max(0.001)
        );
    }
    let head = chain.head();
    println!("head: block {} {}", head.header.number, head.header.hash());
    Ok(())
}

fn import_with_bar(chain: &Chain, path: &Path) -> Result<Import, ImportFileError> {
    let failed = |error| ImportFileError::before_any(path, error);
    let file = File::open(path).map_err(|error| failed(FileError::Open(Arc::new(error))))?;
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    let bar = progress_bar(size, BAR);
    let reader = Reader::new(bar.wrap_read(file)).map_err(|error| failed(error.into()))?;
    let outcome = import_blocks(chain, path, reader, |import| {
        bar.set_message(format!("block {}, {import}", import.number));
    });
    bar.finish_and_clear();
    outcome
}

/// The genesis that is given, or that the first file begins with. Both must agree.
fn choose_genesis(
    given: Option<Genesis>,
    first_file: Option<&PathBuf>,
) -> Result<Genesis, Box<dyn std::error::Error + Send + Sync>> {
    let path = first_file.cloned().unwrap_or_default();
    let in_file = match first_block(&path)? {
        Some(block) if block.number() == 0 => Some(Genesis::from_block(block)?),
        Some(_) | None => None,
    };
    match (given, in_file) {
        (None, None) => Err(ImportSetupError::NoGenesis { path }.into()),
        (None, Some(in_file)) => Ok(in_file),
        // The one given knows the chain's rules as well.
        (Some(given), Some(in_file)) if given.hash() != in_file.hash() => {
            let (in_file, given) = (in_file.hash(), given.hash());
            Err(ImportSetupError::TwoGeneses { path, in_file, given }.into())
        }
        (Some(given), _) => Ok(given),
    }
}

fn first_block(path: &Path) -> Result<Option<herald_proto::Block>, ImportFileError> {
    let failed = |error| ImportFileError::before_any(path, error);
    let read = || -> Result<_, FileError> {
        let file = File::open(path).map_err(|error| FileError::Open(Arc::new(error)))?;
        let entry = Reader::new(file)?.next().transpose().map_err(|e: ChainFileError| e)?;
        Ok(entry.map(|entry| entry.block))
    };
    read().map_err(failed)
}
