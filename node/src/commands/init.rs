//! `herald init`: makes a genesis for a Clique chain.

use std::path::PathBuf;
use std::sync::Arc;

use alloy_primitives::{Address, U256};
use clap::Args;
use thiserror::Error;

use super::CommandResult;
use herald_chain::engine::EngineChoice;
use herald_chain::engine::clique::{CliqueConfig, DevGenesis, PERIOD_MAX_SECS};
use herald_chain::genesis::Genesis;

/// Balance of an account that is named without one: 10^27 wei, a billion ether.
const DEFAULT_BALANCE: U256 = U256::from_limbs([0x9fd0_803c_e800_0000, 0x033b_2e3c, 0, 0]);

/// Make a genesis in geth's JSON format for a chain sealed by Clique
///
/// The same arguments make the same genesis.
#[derive(Args, Clone, Debug)]
pub(crate) struct InitArgs {
    /// The file to write; one that is there is kept. Example: --out my-chain.json
    #[arg(long, value_name = "FILE", default_value = "genesis.json")]
    out: PathBuf,
    /// Address of a signer; once for each. `herald key` makes one. Example: --signer 0x7df9…
    #[arg(long = "signer", value_name = "ADDRESS", required = true)]
    signers: Vec<Address>,
    /// Address of an account with money, and how much in wei after `=`; once for each.
    /// Example: --fund 0x7df9…=1000000000000000000
    #[arg(long = "fund", value_name = "ADDRESS[=WEI]", value_parser = parse_fund)]
    funded: Vec<(Address, U256)>,
    /// What transactions are signed for. Example: --chain-id 7
    #[arg(long, value_name = "N", default_value_t = DevGenesis::default().chain_id)]
    chain_id: u64,
    /// Seconds between blocks, a day at most. Example: --block-time 15
    #[arg(long, value_name = "SECS", default_value_t = DevGenesis::default().clique.period,
          value_parser = clap::value_parser!(u64).range(1..=PERIOD_MAX_SECS))]
    block_time: u64,
    /// Blocks between two checkpoints of the signers. Example: --epoch 1000
    #[arg(long, value_name = "N", default_value_t = CliqueConfig::default().epoch,
          value_parser = clap::value_parser!(u64).range(1..))]
    epoch: u64,
    /// Gas limit of the blocks. Example: --gas-limit 10000000
    #[arg(long, value_name = "GAS", default_value_t = DevGenesis::default().gas_limit,
          value_parser = clap::value_parser!(u64).range(5_000..=i64::MAX as u64))]
    gas_limit: u64,
    /// Timestamp in seconds since 1970. Example: --timestamp 1700000000
    #[arg(long, value_name = "SECS", default_value_t = 0)]
    timestamp: u64,
}

/// The genesis file cannot be written.
#[derive(Clone, Debug, Error)]
#[error("cannot write {}: {error}; delete it, or choose another --out", path.display())]
pub(crate) struct InitError {
    path: PathBuf,
    error: Arc<std::io::Error>,
}

/// Runs the command.
///
/// # Errors
/// A file that is there already or cannot be written; a genesis that no block could follow.
pub(crate) fn run(args: &InitArgs) -> CommandResult {
    let genesis = DevGenesis {
        chain_id: args.chain_id,
        clique: CliqueConfig::default().with(|clique| {
            clique.period = args.block_time;
            clique.epoch = args.epoch;
        }),
        timestamp: args.timestamp,
        gas_limit: args.gas_limit,
        signers: args.signers.clone(),
        funded: args.funded.clone(),
    };
    let json = genesis.to_json();
    // What is written here is read, and opened, without complaint.
    let genesis = Genesis::from_json(&json)?;
    "clique".parse::<EngineChoice>()?.open(&genesis)?;
    let hash = genesis.hash();
    let mut options = std::fs::File::options();
    options
        .write(true)
        .create_new(true)
        .open(&args.out)
        .and_then(|mut file| std::io::Write::write_all(&mut file, json.as_bytes()))
        .map_err(|error| InitError { path: args.out.clone(), error: Arc::new(error) })?;
    println!("{}: genesis {hash}", args.out.display());
    Ok(())
}

fn parse_fund(text: &str) -> Result<(Address, U256), String> {
    let (address, wei) = match text.split_once('=') {
        Some((address, wei)) => (address, wei.parse().map_err(|_| "the wei after = are no number")?),
        None => (text, DEFAULT_BALANCE),
    };
    let address = address.parse().map_err(|_| "an address is 20 bytes in hex after 0x")?;
    Ok((address, wei))
}
