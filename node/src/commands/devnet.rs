//! `herald devnet`: a network of nodes on this machine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::{CommandResult, say};
use crate::devnet::{BlockLine, DatadirFate, Devnet, PreparedDevnet, WantedParameters, banner};
use crate::process::stop_signal;

/// Nodes at most: each connects to each, and each has its database and its threads.
const NODES_MAX: i64 = 50;

/// Run a network of whole nodes on this machine, all of them sealing blocks in turn
///
/// Each node has its own libp2p host, database, JSON-RPC and log. Ctrl-C or SIGTERM ends all of
/// them; started again on the same data directory, the devnet goes on from its height.
#[derive(Args, Clone, Debug)]
pub(crate) struct DevnetArgs {
    /// How many nodes. Example: --nodes 7 [default: 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=NODES_MAX))]
    nodes: Option<u32>,
    /// Seconds between blocks. Example: --block-time 1 [default: 2]
    #[arg(long, value_name = "SECS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    block_time: Option<u64>,
    /// What transactions are signed for. Example: --chain-id 7 [default: 1337]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    chain_id: Option<u64>,
    /// Port of the first node's JSON-RPC; the others follow, and ports in use are passed over.
    /// 0 takes free ones. Example: --port 0
    #[arg(long, value_name = "PORT", default_value_t = 8545)]
    port: u16,
    /// Where the devnet is kept, made if it is not there. Example: --datadir my-devnet
    /// [default: a temporary directory that is removed at the end]
    #[arg(long, value_name = "DIR")]
    datadir: Option<PathBuf>,
    /// End by itself after so many seconds. Example: --duration 60 [default: never]
    #[arg(long, value_name = "SECS")]
    duration: Option<u64>,
    /// Write peer ids, addresses, URLs and accounts as JSON once every node answers.
    /// Example: --info info.json [default: none]
    #[arg(long, value_name = "FILE")]
    info: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// Whatever keeps the devnet from starting, as one sentence.
pub(crate) fn run(args: &DevnetArgs) -> CommandResult {
    let temporary = match args.datadir {
        Some(_) => None,
        None => Some(tempfile::Builder::new().prefix("herald-devnet-").tempdir()?),
    };
    let (datadir, kept) = match (&args.datadir, &temporary) {
        (Some(datadir), _) => (datadir.as_path(), DatadirFate::Stays),
        (None, Some(temporary)) => (temporary.path(), DatadirFate::Removed),
        (None, None) => unreachable!("one of the two is there"),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let wanted = WantedParameters { nodes: args.nodes, block_time: args.block_time, chain_id: args.chain_id };
    let prepared = PreparedDevnet::new(datadir, wanted, args.port)?;
    let outcome = runtime.block_on(async {
        let stop = stop_signal();
        tokio::pin!(stop);
        tokio::select! {
            // What runs of it already ends with its runtimes.
            stopped = &mut stop => Ok(stopped?),
            devnet = Devnet::start(&prepared) => {
                let mut devnet = devnet?;
                let outcome = tokio::select! {
                    stopped = stop => stopped.map_err(Into::into),
                    () = end_of(args.duration) => Ok(()),
                    shown = show(&mut devnet, kept, args.info.as_deref()) => shown,
                };
                devnet.shutdown().await;
                outcome
            }
        }
    });
    prepared.end();
    drop(runtime);
    if let Some(temporary) = temporary {
        temporary.close()?;
    }
    outcome
}

async fn end_of(duration: Option<u64>) {
    match duration {
        Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
        None => std::future::pending().await,
    }
}

/// Shows the banner and then a line for each block, for ever.
async fn show(devnet: &mut Devnet<'_>, kept: DatadirFate, info: Option<&Path>) -> CommandResult {
    if let Some(path) = info {
        devnet.info().write(path)?;
    }
    say(&banner(devnet, kept))?;
    loop {
        let line: BlockLine = devnet.next_line().await;
        say(&format!("{line}\n"))?;
    }
}
